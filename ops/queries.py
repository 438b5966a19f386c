"""The SQL files of `ops/sql`, read once: `queries.load("inventory/history")`."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import LiteralString, cast


@cache
def load(name: str) -> LiteralString:
    """Return the text of `ops/sql/<name>.sql`.

    The files are part of this package and take values only as parameters, which is what `LiteralString`
    promises to psycopg; this is the one place where the promise is made.
    """
    return cast("LiteralString", resources.files("ops").joinpath(f"sql/{name}.sql").read_text("utf-8"))


@cache
def union(*names: str) -> LiteralString:
    """Return one query with the rows of all these, which have the same columns: asking costs more than answering."""
    return "\nunion all\n".join(f"({load(name)})" for name in names)
