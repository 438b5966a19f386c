"""The row of a run: what it is about, and the key by which it is known wherever it is ingested again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import orjson
from psycopg import sql

from ops import database, errors, eval_ingest_tallies, eval_tables
from ops.eval_night import Night
from ops.evals import Evaluation, Export, Frozen

_FIND = sql.SQL("select id, version from {runs} where run_key = %(run_key)s")
_WINDOW = ("run_type", "schema_variant", "window_start", "window_end")
# Whoever has the same window waits here, so that each has a version of its own.
_LOCK = sql.SQL("select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(%(window)s, 0))")
ADD = sql.SQL("""
insert into {runs} ({columns}, version)
select {values}, 1 + coalesce((select max(version) from {runs} where {window}), 0)
on conflict (run_key) do nothing
returning id, version
""")


class Run(Frozen):
    """What a run's row holds, but its number and version."""

    run_key: str
    run_type: str
    schema_variant: str
    triggered_by: str
    window_start: datetime
    window_end: datetime
    content_digest: str
    measure_version: str
    records: int
    tallies: str
    started_at: datetime

    @property
    def window(self) -> str:
        """What the versions of one window have in common."""
        return _line("supabase-runbooks/eval", *(getattr(self, name) for name in _WINDOW))

    @property
    def told(self) -> str:
        """The window as a person reads it."""
        return f"{self.window_start:%Y-%m-%d %H:%M} to {self.window_end:%Y-%m-%d %H:%M} UTC"


def parts(night: Night) -> tuple[Export, Evaluation]:
    """Return what the steps before have found.

    Raises:
        Refused: the records of this night are not exported or not evaluated.
    """
    if night.export is None or night.evaluation is None:
        raise errors.Refused(
            "The records of this night are not evaluated yet, so that there is nothing to ingest. Run the whole night."
        )
    return night.export, night.evaluation


def of(night: Night) -> Run:
    """Return the row of this night's run.

    Raises:
        Refused: the records of this night are not evaluated.
    """
    export, evaluation = parts(night)
    start, end = (moment.astimezone(UTC) for moment in (export.window.start, export.window.end))
    plan = night.plan
    known = (
        start,
        end,
        plan.schema_variant,
        plan.run_type,
        export.content_digest,
        evaluation.measure_version,
    )
    return Run(
        run_key=hashlib.sha256(_line(*known).encode()).hexdigest(),
        run_type=plan.run_type,
        schema_variant=plan.schema_variant,
        triggered_by=eval_ingest_tallies.storable(plan.choices.triggered_by),
        window_start=start,
        window_end=end,
        content_digest=export.content_digest,
        measure_version=evaluation.measure_version,
        records=export.records,
        tallies=eval_ingest_tallies.packed(evaluation.tallies),
        started_at=night.started.astimezone(UTC),
    )


def statement(runs: sql.Identifier, run: Run, *, literal: bool = False) -> sql.Composed:
    """Return the statement that adds a run once, with its values as parameters or written out."""
    values = run.model_dump()

    def value(name: str) -> sql.Composable:
        return sql.Literal(values[name]) if literal else sql.Placeholder(name)

    window = (sql.SQL("{} = {}").format(sql.Identifier(name), value(name)) for name in _WINDOW)
    return ADD.format(
        runs=runs,
        columns=eval_tables.columns(*values),
        values=sql.SQL(", ").join(map(value, values)),
        window=sql.SQL(" and ").join(window),
    )


def lock(connection: database.Connection, run: Run) -> None:
    """Let one transaction at a time write runs of this window; a second one waits."""
    connection.execute(_LOCK, {"window": run.window})


def find(connection: database.Connection, runs: sql.Identifier, run: Run) -> tuple[int, int] | None:
    """Return number and version of this run, if it is there already."""
    return connection.execute(_FIND.format(runs=runs), {"run_key": run.run_key}).fetchone()


def add(connection: database.Connection, runs: sql.Identifier, run: Run) -> tuple[int, int] | None:
    """Add a run; nothing where somebody has added it meanwhile."""
    return connection.execute(statement(runs, run), run.model_dump()).fetchone()


def _line(*values: object) -> str:
    return orjson.dumps(values).decode()
