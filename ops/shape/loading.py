"""Loading the shape into a database: schemas, tables, functions, grants and the extensions that are always there."""

from __future__ import annotations

from importlib import resources
from typing import LiteralString, cast

from psycopg import sql

from ops import database, queries
from ops.shape import offered

# What every hosted project starts with, and in which schema.
_INSTALLED = (
    ("pgcrypto", "extensions"),
    ("uuid-ossp", "extensions"),
    ("pg_stat_statements", "extensions"),
    ("supabase_vault", "vault"),
)


def load(connection: database.Connection, *, owner: str | None = None) -> None:
    """Shape the empty database that a superuser is connected to; roles that are there keep what they have.

    `owner` is who creates the extensions, by default the superuser. Where the server lacks one, its stand-in
    comes as plain objects.

    Raises:
        CheckFailed: the server refuses a part of the shape.
    """
    roles, schemas, *rest = scripts("sql")
    with database.translating(), connection.transaction():
        connection.execute(roles)
        if owner:
            connection.execute("grant create on database template1 to postgres")
        connection.execute(schemas)
        for name, schema in _INSTALLED:
            _install(connection, name, schema, owner=owner)
        for script in rest:
            connection.execute(script)
        if owner is None:
            _set_search_path(connection)


def guard(connection: database.Connection) -> None:
    """Keep what is in this database by now from `postgres`, as far as it is the platform's."""
    (first_own,) = connection.execute(queries.load("shape/next_oid")).fetchone() or (0,)
    fingerprint, _ = scripts("guard", first_own=str(first_own), fingerprints="")
    connection.execute(fingerprint)
    (known,) = connection.execute(queries.load("shape/fingerprints")).fetchone() or ("{}",)
    _, keep = scripts("guard", first_own=str(first_own), fingerprints=f"'{known}'")
    connection.execute(keep)


def scripts(folder: str, **values: str) -> tuple[LiteralString, ...]:
    """Return the scripts of one of our own folders, in the order in which they run, with values of ours filled in."""
    files = resources.files("ops.shape").joinpath(folder).iterdir()
    texts = (file.read_text("utf-8") for file in sorted(files, key=lambda file: file.name))
    return tuple(cast("LiteralString", text % values if values else text) for text in texts)


def _install(connection: database.Connection, name: str, schema: str, *, owner: str | None) -> None:
    if connection.execute(queries.load("shape/available"), {"name": name}).fetchone():
        if owner:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(owner)))
        create = sql.SQL("create extension if not exists {} with schema {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(schema)))
        connection.execute("set local role none")
    elif script := offered.script(name):
        connection.execute(sql.SQL("set local search_path = {}").format(sql.Identifier(schema)))
        connection.execute(cast("LiteralString", script.replace("@extschema@", schema)))
        connection.execute("set local search_path to default")


def _set_search_path(connection: database.Connection) -> None:
    path = sql.SQL('alter database {} set search_path = "$user", public, extensions')
    connection.execute(path.format(sql.Identifier(connection.info.dbname)))
    connection.execute('set search_path = "$user", public, extensions')
