"""A fresh cluster in the shape: the settings of its server, its roles and the template of its databases."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from psycopg import sql

from ops import database
from ops.binaries import Binaries
from ops.shape import loading

# Where our own connections stay out of the way of copies; the local stack has a database of this name too.
MAINTENANCE = "_supabase"
_LOGINS = (
    *("postgres", "supabase_admin", "authenticator", "pgbouncer", "supabase_auth_admin"),
    *("supabase_storage_admin", "supabase_replication_admin", "supabase_read_only_user"),
)


def settings(binaries: Binaries, share: Path) -> dict[str, str]:
    """Return what a server must be started with to have the shape; `share` has the folder of its extensions."""
    own = {
        "search_path": '"$user", public, extensions',
        # Of plpgsql, since a session of its own runs each file and would load it anew.
        "shared_preload_libraries": "pg_stat_statements, plpgsql",
    }
    if binaries.major < 18:
        return own
    return {**own, "extension_control_path": f"{share}:$system"}


def ingredients() -> tuple[str, ...]:
    """Return the texts from which the shape is made: when one is different, so is the shape."""
    files = _files(resources.files("ops.shape"))
    texts = resources.files("ops").joinpath("sql", "shape")
    return tuple(file.read_text("utf-8") for file in (*files, *_files(texts)))


def build(superuser: str) -> None:
    """Shape a fresh cluster: its roles, the template of its databases, and the database `postgres`.

    `superuser` is a conninfo without a database.
    """
    with database.connect(f"{superuser} dbname=template1") as connection:
        loading.load(connection, owner="postgres")
        loading.guard(connection)
        connection.execute("vacuum analyze")
        connection.execute("drop database postgres")
        connection.execute(
            sql.SQL("create database {} template template0").format(sql.Identifier(MAINTENANCE))
        )
        connection.execute("create database postgres owner postgres template template1")


def set_passwords(superuser: str, password: str) -> None:
    """Give every role that may log in the same password."""
    with database.connect(superuser) as connection:
        for role in _LOGINS:
            connection.execute(
                sql.SQL("alter role {} password {}").format(sql.Identifier(role), sql.Literal(password))
            )


def _files(folder: Traversable) -> list[Traversable]:
    """Return the files of the shape in a folder and those below."""
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    below = [file for entry in entries if entry.is_dir() for file in _files(entry)]
    return below + [entry for entry in entries if entry.name.endswith((".sql", ".control", ".py"))]
