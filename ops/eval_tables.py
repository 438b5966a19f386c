"""The tables of evaluation, by the names that the configuration has for them."""

from __future__ import annotations

from psycopg import sql

from ops import errors

_LONGEST = 63


def split(name: str, *, key: str) -> tuple[str, str]:
    """Return schema and name of a relation that the configuration names under `key`; without a schema it is `public`.

    Raises:
        Refused: it is no name of a relation.
    """
    schema, dot, table = name.rpartition(".")
    parts = (schema if dot else "public", table)
    if any(not part or len(part.encode()) > _LONGEST or set(part) & set('".\0') for part in parts):
        raise errors.Refused(
            f"runbooks.toml: eval.{key}: {name!r} is no name of a table, so nothing can be ingested. Write "
            "schema.table, without quotes."
        )
    return parts


def identifier(name: str, *, key: str) -> sql.Identifier:
    """Return the quoted name of a relation that the configuration names under `key`.

    Raises:
        Refused: it is no name of a relation.
    """
    return sql.Identifier(*split(name, key=key))


def columns(*names: str) -> sql.Composed:
    """Return quoted columns with commas between them."""
    return sql.SQL(", ").join(map(sql.Identifier, names))
