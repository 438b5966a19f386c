"""Times that have not come yet, in columns that say when something was."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from datetime import timedelta

from psycopg import sql

from ops import conditions, errors
from ops.app_tables import Column, Table, Tables, nearest
from ops.findings import Finding
from ops.looking import Look

# Names of columns that say until or from when something is to be.
USUALLY_AHEAD = (
    *("*expir*", "*until*", "due_*", "*_due", "*deadline*", "*schedul*", "next_*", "*_valid_to", "valid_to"),
    *("start_at", "starts_at", "start_date", "end_at", "ends_at", "end_date", "valid_from"),
)
_TYPES = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "date": "date",
}

# A date has no zone, and is tomorrow's where the day begins first.
_ZONES_AHEAD = timedelta(hours=14)


def looked_at(tables: Tables, allowed: Sequence[str]) -> dict[Table, tuple[Column, ...]]:
    """Return the columns of each of the app's tables whose times should have been.

    Raises:
        Refused: an exception of the configuration fits no column that holds a time.
    """
    columns = {table: [c for c in table.columns if c.type in _TYPES] for table in tables.of_app}
    known = [name for table, found in columns.items() for column in found for name in _names(table, column)]
    for glob in allowed:
        if not any(fnmatch.fnmatchcase(name, glob) for name in known):
            raise errors.Refused(
                f"runbooks.toml: integrity.future_allowed: no table has a time called {glob!r}, so this allows nothing."
                f"{nearest(glob, known)}"
            )
    globs = (*USUALLY_AHEAD, *allowed)
    kept = {table: tuple(c for c in found if not _fits(table, c, globs)) for table, found in columns.items()}
    return {table: found for table, found in kept.items() if found}


def find(look: Look, columns: dict[Table, tuple[Column, ...]], *, tolerance: timedelta) -> Iterator[Finding]:
    """Yield the columns with times later than now and `tolerance`; infinity says no time and is fine.

    A time without a zone is read in the zone of the database.
    """
    for table, found in columns.items():
        ahead = {column.name: _is_ahead(column, tolerance) for column in found}
        for name, rows in conditions.met(look, "future", table, ahead).items():
            yield Finding(
                kind="future",
                object=f"{table}.{name}",
                count=rows.count,
                examples=rows.examples,
                why=f"{rows.count:,} rows of {table} have a {name} that has not come yet. A clock or a time zone of a "
                "writer is wrong, and what is sorted or aged by this time goes wrong with it.",
                remedy="Mend the writer's clock or zone and these rows; if the column may lie ahead, name it in "
                "integrity.future_allowed.",
            )


def _is_ahead(column: Column, tolerance: timedelta) -> sql.Composed:
    if column.type == "date":
        tolerance += _ZONES_AHEAD
    # The time of the statement: the transaction began before the rows that it sees were all written.
    return sql.SQL(
        "({column} > (pg_catalog.statement_timestamp() + {tolerance}::interval)::{type}"
        " and pg_catalog.isfinite({column}))"
    ).format(
        column=sql.Identifier("t", column.name),
        tolerance=sql.Literal(f"{tolerance.total_seconds()} seconds"),
        type=sql.SQL("pg_catalog.{}").format(sql.Identifier(_TYPES[column.type])),
    )


def _fits(table: Table, column: Column, globs: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs for name in _names(table, column))


def _names(table: Table, column: Column) -> tuple[str, str, str]:
    return column.name, f"{table.name}.{column.name}", f"{table}.{column.name}"
