"""Ingest a run: its row, its tallies, its samples and the watermark, in one transaction, once.

Source: phase2-rollout-and-eval.md, section 5, steps 2 and 3.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg

from ops import (
    database,
    errors,
    eval_ingest_copy,
    eval_ingest_run,
    eval_ingest_sql,
    eval_tables,
    eval_watermark,
)
from ops.eval_ingest_run import Run
from ops.eval_night import Night
from ops.evals import Ingested

Way = Callable[[database.Connection, eval_ingest_copy.Names, int, Path, eval_ingest_copy.Told], int]
# Direct, and by way of staging for as often as records are deleted between its look at them and the check of the key.
_WAYS: tuple[Way, ...] = (eval_ingest_copy.direct, *(eval_ingest_copy.staged,) * 3)
_AGAIN = (psycopg.errors.ForeignKeyViolation, psycopg.errors.UniqueViolation)


def ingest(night: Night) -> Ingested:
    """Write this night's run, its samples and its watermark, all or nothing; what is there already stays as it is.

    The SQL that would do the same goes into the bundle.

    Raises:
        Refused: nothing was evaluated, or another run has moved the watermark meanwhile.
        CheckFailed: the file of samples does not hold what was counted, or the database refuses them.
        Unavailable: the connection is lost; nothing is half there.
    """
    night.ingested = _ingest(night, eval_ingest_run.of(night))
    return night.ingested


def _ingest(night: Night, run: Run) -> Ingested:
    if run.records == 0:
        return _nothing(run, f"There is no record from {run.told}, so no run is written.")
    _, evaluation = eval_ingest_run.parts(night)
    if not evaluation.samples_path.is_file():
        raise errors.Refused(
            f"{evaluation.samples_path.name}, which holds the samples of this night, is gone, so nothing can be "
            "ingested. Run the night again."
        )
    files = eval_ingest_sql.write(night, run)
    where = night.plan.environment
    if where.database is None:
        _advance_file(night)
        return _nothing(run, f"{where.name} has no database, so nothing is ingested. {files}".rstrip())
    with database.translating():
        found = _written(night, run)
    return found.model_copy(update={"summary": f"{found.summary} {files}".rstrip()})


def _nothing(run: Run, said: str) -> Ingested:
    return Ingested(ok=True, idle=True, summary=said, run_key=run.run_key)


def _written(night: Night, run: Run) -> Ingested:
    for way in _WAYS[:-1]:
        with suppress(*_AGAIN):
            return _once(night, run, way)
    return _once(night, run, _WAYS[-1])


def _once(night: Night, run: Run, way: Way) -> Ingested:
    with night.connection.transaction():
        found, new = _row(night, run)
        if new:
            _advance(night)
            _samples(night, found[0], way)
    if not new:
        _catch_up(night)
    return _ingested(night, run, found, new=new)


def _row(night: Night, run: Run) -> tuple[tuple[int, int], bool]:
    """Return number and version of the run, and whether this transaction has made it."""
    connection = night.connection
    runs = eval_tables.identifier(night.plan.project.eval.runs, key="runs")
    _limit(connection, night.plan.environment.statement_timeout)
    eval_ingest_run.lock(connection, run)
    if found := eval_ingest_run.find(connection, runs, run):
        return found, False
    if added := eval_ingest_run.add(connection, runs, run):
        return added, True
    raise errors.Unavailable("Somebody else ingests the same run by hand at this moment. Try again.")


def _samples(night: Night, run_id: int, way: Way) -> None:
    _, evaluation = eval_ingest_run.parts(night)
    samples = eval_tables.split(night.plan.project.eval.samples, key="samples")
    whole, path = evaluation.samples, evaluation.samples_path
    count = way(
        night.connection, samples, run_id, path, lambda done: night.progress(done, whole, "samples ingested")
    )
    if count != whole:
        raise errors.CheckFailed(
            f"{path.name} gave {count} samples, and {whole} were counted, so nothing is ingested: it was cut off, "
            "or has a record twice. Evaluate this night again."
        )


def _advance(night: Night) -> None:
    if night.export and night.export.window.watermark:
        eval_watermark.advance(night.connection, night)


def _advance_file(night: Night) -> None:
    """Let the next night go on from here where nothing but files is kept, the SQL among them."""
    if night.export and night.export.window.watermark:
        eval_watermark.advance_file(night)


def _catch_up(night: Night) -> None:
    """Move the watermark where the run was ingested by hand; who has ingested it otherwise has moved it."""
    with suppress(errors.Refused), night.connection.transaction():
        _advance(night)


def _limit(connection: database.Connection, timeout: timedelta) -> None:
    """Stop what hangs; whoever only waits for another night's run gives up before that, and can be tried again."""
    for name, share in (("statement_timeout", 1), ("lock_timeout", 0.5)):
        milliseconds = str(max(1, round(timeout.total_seconds() * 1000 * share)))
        connection.execute("select pg_catalog.set_config(%s, %s, true)", (name, milliseconds))


def _ingested(night: Night, run: Run, found: tuple[int, int], *, new: bool) -> Ingested:
    _, evaluation = eval_ingest_run.parts(night)
    run_id, version = found
    name = f"Run {run_id} ({run.run_type} of {run.schema_variant}, {run.told}, version {version})"
    said = (
        f"{name} is ingested with {evaluation.samples} samples"
        if new
        else f"{name} was ingested before; nothing is changed"
    )
    return Ingested(
        ok=True,
        idle=not new,
        summary=f"{said}.",
        rows=(_table(run, run_id, version, evaluation.samples),),
        run_id=run_id,
        run_key=run.run_key,
        version=version,
        changed=new,
    )


def _table(run: Run, run_id: int, version: int, samples: int) -> dict[str, object]:
    return {
        "run": run_id,
        "version": version,
        "window": run.told,
        "records": run.records,
        "samples": samples,
        "measures": run.measure_version,
        "run key": run.run_key,
    }
