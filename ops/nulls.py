"""Columns that the app never leaves empty and that are empty all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from psycopg import sql

from ops import conditions
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look

Required = Mapping[Table, Sequence[str]]


def declared(tables: Tables, required: Mapping[str, Sequence[str]]) -> dict[Table, tuple[str, ...]]:
    """Return the required columns of each table.

    Raises:
        Refused: a table or column does not exist.
    """
    found: dict[Table, tuple[str, ...]] = {}
    for name, columns in required.items():
        key = f"integrity.required.{name}"
        table = tables.table(name, key=key)
        found[table] = tuple(table.column(column, key=key).name for column in columns)
    return found


def find(look: Look, required: Required) -> Iterator[Finding]:
    """Yield the required columns that are empty in some rows."""
    for table, columns in required.items():
        empty = {column: sql.SQL("{} is null").format(sql.Identifier("t", column)) for column in columns}
        for column, found in conditions.met(look, "nulls", table, empty).items():
            yield Finding(
                kind="nulls",
                object=f"{table}.{column}",
                count=found.count,
                examples=found.examples,
                why=f"{found.count:,} rows of {table} have no {column}, which the app needs.",
                remedy="Fill the column, then set it NOT NULL, so that the write that leaves it empty fails.",
            )
