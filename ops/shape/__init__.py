"""What makes a plain Postgres look like a hosted Supabase project's, from roles to stand-in extensions."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from ops import database
from ops.binaries import Binaries

_HERE = resources.files("ops.shape")
_LOGINS = (
    *("postgres", "supabase_admin", "authenticator", "pgbouncer", "supabase_auth_admin"),
    *("supabase_storage_admin", "supabase_replication_admin", "supabase_read_only_user"),
)


def settings(binaries: Binaries, share: Path) -> dict[str, str]:
    """Return what a server must be started with to have the shape; `share` is what `write_extensions` filled."""
    own = {
        "search_path": '"$user", public, extensions',
        "shared_preload_libraries": "pg_stat_statements",
    }
    if binaries.major < 18:
        return own
    return {**own, "extension_control_path": f"{share}:$system"}


def ingredients(binaries: Binaries) -> tuple[str, ...]:
    """Return the texts from which the shape is made: when one is different, so is the shape."""
    files = [*_files("sql"), *_files("extensions")]
    own = Path(__file__).read_text(encoding="utf-8")
    return (own, *(f"{file.name}\n{file.read_text('utf-8')}" for file in files))


def write_extensions(binaries: Binaries, share: Path) -> None:
    """Fill `share/extension` with the stand-ins."""
    folder = share / "extension"
    folder.mkdir(parents=True)
    for file in _files("extensions"):
        (folder / file.name).write_text(file.read_text("utf-8"), encoding="utf-8")


def load(superuser: str, major: int) -> None:
    """Shape a fresh cluster: its roles, the template of its databases, and the database `postgres`.

    `superuser` is a conninfo without a database.
    """
    with database.connect(f"{superuser} dbname=template1") as connection:
        for file in _files("sql"):
            connection.execute(cast("LiteralString", file.read_text("utf-8")))
        connection.execute("drop database postgres")
        connection.execute("create database postgres owner postgres template template1")


def set_passwords(superuser: str, password: str) -> None:
    """Give every role that may log in the same password."""
    with database.connect(superuser) as connection:
        for role in _LOGINS:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password))
            )


def stand_ins(connection: database.Connection) -> tuple[str, ...]:
    """Return the extensions of this database that only stand in for the real ones, sorted."""
    names = [file.name.removesuffix(".control") for file in _files("extensions") if file.name.endswith(".control")]
    rows = connection.execute(
        "select extname from pg_extension where extname = any(%s) order by 1", (names,)
    ).fetchall()
    return tuple(row[0] for row in rows)


def _files(folder: str) -> list[Traversable]:
    return sorted((_HERE / folder).iterdir(), key=lambda file: file.name)
