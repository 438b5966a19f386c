"""Restores a logical backup into a fresh database on a scratch server in the shape of a hosted project.

The server has the roles, the schemas that no dump has, and the extensions or their stand-ins. The schemas that the
dump does have, auth and storage among them, are taken away first, so that they come back as they were and not
as the shape has them.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from ops import database, embedded, errors, logical_programs, marker, queries
from ops.backups import Backup, Progress
from ops.logical_dump import ARCHIVE, ROLES

# Roles that the platform has made, with rights that a dump could only take from them.
_PLATFORM_ROLES = re.compile(
    r'^(?:CREATE|ALTER) ROLE "(?:anon|authenticated|authenticator|cli_login_.*|dashboard_user|pgbouncer|postgres'
    r'|service_role|supabase_.*|pgsodium_key\w+|pgtle_admin)"'
)
_ROLE_STATEMENT = re.compile(r"^(?:CREATE ROLE|ALTER ROLE|GRANT) .*;$", re.MULTILINE)
# What these have is made by an extension or a service, which here only has a stand-in.
_SERVICES = frozenset({"cron", "net", "pgmq", "vault", "supabase_functions", "realtime", "graphql", "-"})
_ENTRY = re.compile(r"^(\d+); \d+ \d+ (.+)$", re.MULTILINE)
_FAILED = re.compile(
    r"from TOC entry (\d+);.*?\n(?:pg_restore: )?error: (.*?)\n(?:Command was|pg_restore:|$)", re.DOTALL
)
_KINDS = ("TABLE DATA", "FOREIGN TABLE", "MATERIALIZED VIEW DATA", "MATERIALIZED VIEW", "FK CONSTRAINT")
_MOST_SAID = 5
_WATCHED = ("supabase_realtime", "supabase_realtime_messages_publication")


def listing(bindir: Path, folder: Path, within: timedelta) -> str:
    """Return the table of contents of a backup's archive.

    Raises:
        CheckFailed: it cannot be read.
    """
    with tempfile.TemporaryFile() as output, tempfile.NamedTemporaryFile() as said:
        words = ("--list", folder / ARCHIVE)
        code, complaint = logical_programs.run(
            bindir / "pg_restore", words, dsn=None, within=within, said=Path(said.name), output=output
        )
        if code:
            raise errors.CheckFailed(
                f"pg_restore cannot read {folder.name}: {' '.join(complaint.split())[:300]}"
            )
        output.seek(0)
        return output.read().decode("utf-8", "replace")


def roles(server: embedded.Server, folder: Path) -> tuple[str, ...]:
    """Make the project's roles; return what could not be done of it."""
    said: list[str] = []
    with database.connect(server.dsn(user=server.superuser)) as connection:
        for statement in _ROLE_STATEMENT.findall((folder / ROLES).read_text(encoding="utf-8")):
            if _PLATFORM_ROLES.match(statement):
                continue
            try:
                connection.execute(statement.encode())
            except psycopg.errors.DuplicateObject:
                continue
            except psycopg.Error as error:
                said.append(f"Of the roles, {statement} failed: {error.diag.message_primary}.")
    return tuple(said)


def project(
    server: embedded.Server,
    name: str,
    backup: Backup,
    *,
    folder: Path,
    jobs: int,
    size: int,
    within: timedelta,
    progress: Progress,
) -> tuple[str, ...]:
    """Restore schema and data into a database; return what could not be, and is a service's and not the project's.

    Raises:
        CheckFailed: something of the project's own cannot be restored.
        Unavailable: it did not end within the time.
    """
    dsn = server.dsn(name, user=server.superuser)
    contents = listing(server.bindir, folder, within)
    with database.connect(dsn) as connection, tempfile.NamedTemporaryFile() as said:
        _make_way(connection, contents)
        code, complaint = logical_programs.run(
            server.bindir / "pg_restore",
            (f"--dbname={name}", "--no-password", f"--jobs={jobs}", folder / ARCHIVE),
            dsn=dsn,
            within=within,
            said=Path(said.name),
            looking=lambda: progress(_size(connection), size, "bytes of the database restored"),
        )
    return _judged(backup, code, complaint, contents)


def _make_way(connection: database.Connection, contents: str) -> None:
    """Take from the shape what the dump has itself."""
    with database.translating():
        for kind, _, name in _entries(contents).values():
            if kind == "SCHEMA" and name in marker.PLATFORM_SCHEMAS:
                connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name)))
        for publication in _WATCHED:
            connection.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(publication)))


def _judged(backup: Backup, code: int, complaint: str, contents: str) -> tuple[str, ...]:
    if code == 0:
        return ()
    entries = _entries(contents)
    own: list[str] = []
    services: list[str] = []
    for number, message in _FAILED.findall(complaint):
        kind, schema, name = entries.get(int(number), ("", "", f"entry {number}"))
        text = f"{kind.lower()} {schema}.{name}: {' '.join(message.split())[:200]}".replace(" -.", " ")
        (services if schema in _SERVICES else own).append(text)
    if own or not services:
        named = "; ".join(own[:_MOST_SAID]) or " ".join(complaint.split())[:400]
        more = f", and {len(own) - _MOST_SAID} more" if len(own) > _MOST_SAID else ""
        raise errors.CheckFailed(f"{backup.id} cannot be restored: {named}{more}.")
    return tuple(f"Not restored, since a service makes it: {each}." for each in services[:_MOST_SAID])


def _entries(contents: str) -> dict[int, tuple[str, str, str]]:
    """Return kind, schema and name of each entry of a table of contents by its number."""
    return {int(number): _entry(rest) for number, rest in _ENTRY.findall(contents)}


def _entry(rest: str) -> tuple[str, str, str]:
    kind = next((each for each in _KINDS if rest.startswith(f"{each} ")), "")
    if not kind:
        words = list(_capitals(rest.split(" ")))
        kind = " ".join(words)
    schema, _, name = rest[len(kind) + 1 :].partition(" ")
    return kind, schema, name.rpartition(" ")[0] or name


def _capitals(words: list[str]) -> Iterator[str]:
    for word in words:
        if not word.isupper():
            return
        yield word


def _size(connection: database.Connection) -> int:
    ((size,),) = connection.execute(queries.load("logical/size")).fetchall()
    return int(size)
