"""The SQL files of `ops/sql`, read once: `queries.load("inventory/history")`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import TupleRow

from ops import database

_VALUE = re.compile(r"%\((\w+)\)s|%%")


@cache
def load(name: str) -> LiteralString:
    """Return the text of `ops/sql/<name>.sql`.

    The files are part of this package and take values only as parameters, which is what `LiteralString`
    promises to psycopg; this is the one place where the promise is made.
    """
    return cast("LiteralString", resources.files("ops").joinpath(f"sql/{name}.sql").read_text("utf-8"))


@cache
def union(*names: str, given: tuple[str, ...] = ()) -> LiteralString:
    """Return one query with the rows of all these, which have the same columns: asking costs more than answering.

    What each file of `given` finds is found once, and is there for all that follow under the file's own name.
    """
    text = "\nunion all\n".join(f"({load(name)})" for name in names)
    found = ",\n".join(
        f"{cast('LiteralString', name.rpartition('/')[2])} as materialized (\n{load(name)})" for name in given
    )
    return f"with {found}\n{text}" if found else text


def ask(
    connection: database.Connection, text: LiteralString, values: Mapping[str, Any] | None = None
) -> psycopg.Cursor[TupleRow]:
    """Run a query that is asked again and again: prepared, and its text read once.

    The driver keeps what it has read of a short text only.
    """
    numbered, names = _numbered(text)
    cursor: psycopg.RawCursor[TupleRow] = psycopg.RawCursor(connection)
    given = values or {}
    return cursor.execute(numbered, [given[name] for name in names], prepare=True)


@cache
def _numbered(text: LiteralString) -> tuple[bytes, tuple[str, ...]]:
    """Return a text with its values by number, as the server wants them, and their names in that order."""
    names = dict.fromkeys(name for name in _VALUE.findall(text) if name)
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    return _VALUE.sub(lambda found: numbers.get(found[1], "%"), text).encode(), tuple(names)
