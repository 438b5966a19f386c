"""What of the project's `supabase/config.toml` and `supabase/roles.sql` changes the database before migrations run.

The database's major version, seeds and migration switches are read where they are used; ports, limits of the API,
providers and templates change no database.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from psycopg import conninfo, sql

from ops import database, queries, secrets
from ops.project import Project
from ops.shape import elevation

_UNITS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "ki": 1024, "mi": 1024**2, "gi": 1024**3}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmg]i?)?b?\s*", re.IGNORECASE)
_VERSION = re.compile(
    r"""\bextension\s+(?:if\s+not\s+exists\s+)?"?([\w-]+)"?[^;]*?\b(?:version|update\s+to)\s+['"]([\w.]+)['"]""",
    re.IGNORECASE,
)
_ROLES = Path("supabase", "roles.sql")


def configure(admin_dsn: str, project: Project) -> tuple[str, ...]:
    """Make a fresh shaped database what the project's configuration says, and return what could not be honoured.

    `admin_dsn` is a superuser's; `postgres` must be able to log in with the same address.
    """
    with database.translating(), database.connect(admin_dsn) as connection:
        elevation.prepare(connection)
        if project.setting("api", "auto_expose_new_tables") is False:
            connection.execute(queries.load("shape/close_new_tables"))
        return (
            *_settings(connection, _table(project, "db", "settings")),
            *_vault(connection, _table(project, "db", "vault")),
            *_roles(admin_dsn, project),
            *_versions(connection, project),
            *_not_honoured(project),
        )


def make_buckets(connection: database.Connection, project: Project) -> tuple[str, ...]:
    """Make the buckets of the configuration, as the CLI does: after the migrations, which may make them too.

    Return what could not be honoured.
    """
    with database.translating():
        return tuple(_buckets(connection, _table(project, "storage", "buckets")))


def _settings(connection: database.Connection, chosen: Mapping[str, Any]) -> Generator[str]:
    for name, value in chosen.items():
        change = sql.SQL("alter database {} set {} = {}").format(
            sql.Identifier(connection.info.dbname), sql.Identifier(name), sql.Literal(str(value))
        )
        try:
            connection.execute(change)
        except psycopg.Error as error:
            yield f"config.toml: db.settings.{name} has no effect here: {error.diag.message_primary}"


def _vault(connection: database.Connection, chosen: Mapping[str, Any]) -> Generator[str]:
    """Give each secret a placeholder: what it really says has no business in a database that is thrown away."""
    for name in chosen:
        connection.execute("select vault.create_secret(%s, %s)", (f"placeholder-of-{name}", name))
    if chosen:
        yield f"config.toml: the vault holds placeholders for {', '.join(chosen)}, not the secrets themselves"


def _buckets(connection: database.Connection, chosen: Mapping[str, Any]) -> Generator[str]:
    for name, bucket in chosen.items():
        options = cast("dict[str, Any]", bucket) if isinstance(bucket, dict) else {}
        limit = options.get("file_size_limit")
        size = None if limit is None else _bytes(limit)
        if limit is not None and size is None:
            yield f"config.toml: storage.buckets.{name}.file_size_limit {limit!r} is no size, so it has none here"
        values = {
            "name": name,
            "public": options.get("public") is True,
            "limit": size,
            "types": options.get("allowed_mime_types") or None,
        }
        connection.execute(queries.load("shape/bucket"), values)


def _versions(connection: database.Connection, project: Project) -> Generator[str]:
    """Let the version that a migration names be the one that this server has, as a path from one to the other."""
    for name, version in sorted(_named_versions(project)):
        values = {"name": name, "version": version}
        for known, file in connection.execute(queries.load("shape/version_file"), values).fetchall():
            connection.execute(sql.SQL("copy (select 'select 1;') to {}").format(sql.Literal(file)))
            yield f"extension {name}: a migration names version {version}; {known} stands in for it"


def _named_versions(project: Project) -> set[tuple[str, str]]:
    folders = [project.root / folder for folder in project.migrations]
    files = [file for folder in folders for file in folder.rglob("*.sql") if file.is_file()]
    texts = (file.read_bytes().decode("utf-8", "replace") for file in files)
    return {(found[1], found[2]) for text in texts for found in _VERSION.finditer(text)}


def _roles(admin_dsn: str, project: Project) -> Generator[str]:
    """Run the file of custom roles as the CLI does, before all migrations."""
    file = project.root / _ROLES
    if not file.is_file():
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
        with database.connect(conninfo.make_conninfo(admin_dsn, user="postgres")) as connection:
            connection.execute(cast("LiteralString", text), prepare=False)
    except (psycopg.Error, UnicodeDecodeError) as error:
        yield f"{_ROLES.as_posix()} did not run, so its roles are missing: {secrets.redact(str(error).strip())}"


def _not_honoured(project: Project) -> Generator[str]:
    if project.setting("experimental", "orioledb_version"):
        yield "config.toml: experimental.orioledb_version is not honoured: tables are ordinary heap tables here"


def _bytes(size: object) -> int | None:
    """Return a size such as "50MiB" or 1000 in bytes."""
    match = _SIZE.fullmatch(str(size))
    return int(float(match[1]) * _UNITS[(match[2] or "").lower()]) if match else None


def _table(project: Project, *keys: str) -> Mapping[str, Any]:
    value = project.setting(*keys, default={})
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
