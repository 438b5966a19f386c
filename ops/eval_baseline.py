"""The run that later runs are compared with: pinned by a person, and never moved by a run.

A baseline that moves by itself lets a slow decline ratchet in. Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from datetime import datetime

from psycopg import sql
from psycopg.rows import dict_row

from ops import database, errors, eval_runs, eval_tables, own_schema, queries, secrets
from ops.audit import Event, Log
from ops.eval_settings import Eval
from ops.evals import Frozen, PastRun
from ops.evidence import Evidence
from ops.project import Environment, Project

_VERDICT = sql.SQL("select verdict from {runs} where id = %(run_id)s")


class Pinned(Frozen):
    """A run that somebody pinned as the baseline."""

    run_id: int
    run_key: str
    run_type: str
    schema_variant: str
    by: str
    why: str
    at: datetime


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(connection, "eval_baseline/prepare", so="no baseline can be pinned")


def current(connection: database.Connection, *, run_type: str, schema_variant: str) -> Pinned | None:
    """Return the baseline of a run type and schema variant; nothing where nobody has pinned one.

    Raises:
        Unavailable: the connection is lost.
    """
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        ((exists,),) = connection.execute(queries.load("eval_baseline/exists")).fetchall()
        if not exists:
            return None
        values = {"run_type": run_type, "schema_variant": schema_variant}
        found = cursor.execute(queries.load("eval_baseline/current"), values).fetchone()
    return Pinned.model_validate(found) if found else None


def pin(
    connection: database.Connection,
    project: Project,
    environment: Environment,
    *,
    run_id: int,
    by: str,
    why: str = "",
) -> Evidence:
    """Pin a run as the baseline of its run type and schema variant; pinned once more it stays as it is.

    Where the environment has an audit key the audit log says so first.

    Raises:
        Refused: there is no such run or no name; or the run failed, was not judged, or has too few samples, and no
            reason is given.
        Unavailable: the connection is lost, or the audit log's copy cannot be written.
    """
    if not by.strip():
        raise errors.Refused(
            "Nobody is named, so no baseline is pinned: it is pinned by a person. Give a name."
        )
    run = eval_runs.find(connection, project.eval, run_id)
    verdict = _verdict(connection, project.eval, run_id)
    _verify_sound(run, verdict, project.eval, why=why.strip())
    before = current(connection, run_type=run.run_type, schema_variant=run.schema_variant)
    if before and before.run_id == run_id:
        return Evidence(
            ok=True, idle=True, summary=f"Run {run_id} is the baseline already, pinned by {before.by}."
        )
    prepare(connection)
    said = {"by": secrets.redact(by.strip()), "why": secrets.redact(why.strip())}
    _record(connection, project, environment, run, before, **said)
    values = {**run.model_dump(include={"run_id", "run_key", "run_type", "schema_variant"}), **said}
    with database.translating():
        connection.execute(queries.load("eval_baseline/pin"), values)
    return _evidence(run, verdict, before, by=said["by"])


def samples(run: PastRun) -> int:
    """Return how many samples a run has in all."""
    return next((tally.samples for tally in run.tallies if not tally.where), 0)


def _verify_sound(run: PastRun, verdict: str | None, settings: Eval, *, why: str) -> None:
    """Refuse a run that later runs should not be measured by, unless there is a reason."""
    count, least = samples(run), settings.gate.least_samples
    unsound = {
        "failed": verdict == "fail",
        "was never judged": verdict is None,
        f"has {count} samples, fewer than {least}": count < least,
    }
    found = " and ".join(said for said, holds in unsound.items() if holds)
    if found and not why:
        raise errors.Refused(
            f"Run {run.run_id} {found}, so it is not pinned: every later run would be measured by it. Pin another "
            "run, or say why this one."
        )


def _verdict(connection: database.Connection, settings: Eval, run_id: int) -> str | None:
    text = _VERDICT.format(runs=eval_tables.identifier(settings.runs, key="runs"))
    with database.translating():
        found = connection.execute(text, {"run_id": run_id}).fetchone()
    return found[0] if found else None


def _record(
    connection: database.Connection,
    project: Project,
    environment: Environment,
    run: PastRun,
    before: Pinned | None,
    *,
    by: str,
    why: str,
) -> None:
    """Add a row to the audit log, where there is one."""
    if not environment.audit_key:
        return
    log = Log.of(environment, project.root, connection)
    log.prepare()
    details = {
        "run_id": run.run_id,
        "run_key": run.run_key,
        "run_type": run.run_type,
        "schema_variant": run.schema_variant,
        "before": before.run_id if before else None,
    }
    log.append(
        Event(
            event="eval-baseline",
            environment=environment.name,
            actor=by,
            proof="unverified",
            note=why,
            details=details,
        )
    )


def _evidence(run: PastRun, verdict: str | None, before: Pinned | None, *, by: str) -> Evidence:
    instead = f" instead of run {before.run_id}" if before else ""
    return Evidence(
        ok=True,
        summary=f"Run {run.run_id} ({samples(run):,} samples, {verdict or 'not judged'}) is the baseline of "
        f"{run.run_type} runs of {run.schema_variant}{instead}, pinned by {by}.",
        rows=tuple(
            {
                "slice": tally.name,
                "samples": tally.samples,
                **{name: moments.rate for name, moments in tally.measures.items()},
            }
            for tally in run.tallies
        ),
    )
