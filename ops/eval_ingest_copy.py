"""The samples of a run, from their file into their table, as bytes: no row is looked at on the way.

The run's row is made by the same transaction, and nobody else sees it before the commit. So no sample of it can be
there already, and COPY goes straight into the table: a third quicker than COPY into a staging table and one INSERT ...
ON CONFLICT from there (docs/benchmarks-eval-ingest.md), and not less safe. Only when the table refuses a row (a record
was deleted since it was exported, so that its foreign key leads nowhere) all is undone and done by way of staging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from psycopg import sql

from ops import database, eval_tables, queries
from ops.evals import COLUMNS

_CHUNK = 1 << 20
_COPY = sql.SQL("copy {table} ({columns}) from stdin (format text, encoding 'UTF8')")
_STAGE = sql.SQL(
    "create temporary table eval_samples_staged (like {samples} including defaults) on commit drop"
)
_STAGED = sql.Identifier("pg_temp", "eval_samples_staged")
_UNSTAGE = sql.SQL("""
insert into {samples} ({columns})
select {values} from {staged} as staged
on conflict do nothing
""")
KNOWN = sql.SQL("(select known.{column} from {table} as known where known.{column} = staged.example_id)")

# Told how many rows went over; returns how many came in.
Told = Callable[[int], None]
Names = tuple[str, str]


def direct(
    connection: database.Connection, samples: Names, run_id: int, path: Path, told: Told = lambda _: None
) -> int:
    """Copy the samples of a run that this transaction has made, and return how many there are."""
    return _copied(connection, sql.Identifier(*samples), run_id, path, told)


def staged(
    connection: database.Connection, samples: Names, run_id: int, path: Path, told: Told = lambda _: None
) -> int:
    """Do the same by way of a staging table; a sample whose record is gone says no more which it was."""
    table = sql.Identifier(*samples)
    connection.execute(_STAGE.format(samples=table))
    _copied(connection, _STAGED, run_id, path, told)
    values: dict[str, sql.Composable] = {
        name: sql.Identifier("staged", name) for name in ("run_id", *COLUMNS)
    }
    values["example_id"] = known(connection, samples)
    text = _UNSTAGE.format(
        samples=table,
        staged=_STAGED,
        columns=eval_tables.columns("run_id", *COLUMNS),
        values=sql.SQL(", ").join(values.values()),
    )
    return connection.execute(text).rowcount


def rows(path: Path, run_id: int, told: Told = lambda _: None) -> Iterator[bytes]:
    """Yield the file of samples in pieces, the run's number before each row.

    In COPY's text format a line break within a value is written as an escape, so each break ends a row.
    """
    prefix, done, fresh = f"{run_id}\t".encode(), 0, True
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            body = (prefix if fresh else b"") + piece[:-1].replace(b"\n", b"\n" + prefix) + piece[-1:]
            fresh = piece.endswith(b"\n")
            done += piece.count(b"\n")
            yield body
            told(done)


def _copied(
    connection: database.Connection, table: sql.Identifier, run_id: int, path: Path, told: Told
) -> int:
    text = _COPY.format(table=table, columns=eval_tables.columns("run_id", *COLUMNS))
    with connection.cursor() as cursor:
        with cursor.copy(text) as copy:
            for piece in rows(path, run_id, told):
                copy.write(piece)
        return cursor.rowcount


def known(connection: database.Connection, samples: Names) -> sql.Composable:
    """Return what is the number of a staged sample's record as long as that is there, and null when it is gone."""
    values = {"schema": samples[0], "name": samples[1], "column": "example_id"}
    found = connection.execute(queries.load("eval/references"), values).fetchall()
    if not found:
        return sql.Identifier("staged", "example_id")
    schema, name, column = found[0]
    return KNOWN.format(table=sql.Identifier(schema, name), column=sql.Identifier(column))
