"""What is left behind when machines die: gates that nobody answered, what nobody owns any more, and who hears of it.

Runs that died are Prefect's: `tasks/dead_runs.py`. Source: design.md, sections 5 and 6.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

from ops import database, errors, gatekeeper, leftovers, project, queries, secrets
from ops.audit import Log
from ops.bundle import Bundle
from ops.evidence import Evidence
from ops.project import Environment, Project

RESULT = "janitor.json"
_PING_WITHIN = timedelta(seconds=10)


class JanitorPlan(Evidence):
    """After whom is tidied up."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    out: Path


class DeadRun(BaseModel):
    """A run that Prefect calls running, and whose process has been silent for too long."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: str
    name: str
    state_id: str
    silent_since: datetime


class Tidied(Evidence):
    """What was found and done: runs by name, gates by run, leftovers by name, schedules by deployment."""

    at: datetime
    crashed: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()
    pinged: bool | None = None
    bundle: str | None = None


class Tidying:
    """A run of the janitor."""

    def __init__(self, plan: JanitorPlan, run: str) -> None:
        self.plan = plan
        self.run = run
        self.now = datetime.now(UTC)
        self.bundle: Bundle | None = None
        self.concluded: Tidied | None = None
        self.dead: tuple[DeadRun, ...] = ()
        self.crashed: list[str] = []
        self.closed: tuple[str, ...] = ()
        self.removed: tuple[str, ...] = ()
        self.missed: tuple[str, ...] = ()

    @contextmanager
    def log(self) -> Generator[Log | None]:
        """Open the audit log of the environment, where it has one."""
        where = self.plan.environment
        if where.database is None:
            yield None
            return
        dsn = secrets.open_secret(where.database)
        with database.connect(dsn, application=self.run[:63], writes=True) as connection:
            log = Log.of(where, self.plan.project.root, connection)
            yield log if log.exists() else None


def plan(path: str, environment: str) -> JanitorPlan:
    """Say after whom is tidied up; reads files only.

    Raises:
        Refused: the project or the environment has a mistake.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    return JanitorPlan(
        ok=True,
        summary=f"To tidy up after the runs of {operated.name} on {where.name}.",
        project=operated,
        environment=where,
        out=operated.root,
    )


@contextmanager
def opened(plan: JanitorPlan, run: str) -> Generator[Tidying]:
    """Begin to tidy up."""
    yield Tidying(plan, run)


def find_lapsed(tidying: Tidying) -> Evidence:
    """Say which gates nobody has answered in time; what is still open is not among them."""
    lapsed: list[str] = []
    with tidying.log() as log:
        if log:
            with database.translating():
                asked = {"environment": tidying.plan.environment.name}
                found = log.connection.execute(queries.load("audit/lapsed"), asked).fetchall()
            lapsed = [f"{gate} of {run}" for run, gate, *_ in found]
    tidying.closed = tuple(lapsed)
    said = f"{len(lapsed)} gates were not answered in time: {', '.join(lapsed)}." if lapsed else ""
    return Evidence(
        ok=True, summary=said or "No gate has lapsed.", rows=tuple({"gate": each} for each in lapsed)
    )


def close_gates(tidying: Tidying) -> Evidence:
    """Write down in the audit log that nobody decided in time; safe to run twice."""
    if not tidying.closed:
        return Evidence(ok=True, summary="No gate is to be closed.", idle=True)
    with tidying.log() as log:
        if log:
            gatekeeper.close_lapsed(log, tidying.plan.environment.name)
    return Evidence(
        ok=True, summary=f"The audit log says of {len(tidying.closed)} gates that they have lapsed."
    )


def remove_leftovers(tidying: Tidying) -> Evidence:
    """Remove what dead rehearsals and drills left, by its marker, and nothing else; where nobody can look is said."""
    found = leftovers.remove(tidying.plan.project, tidying.plan.environment)
    tidying.removed = found.removed
    said = f"{len(found.removed)} leftovers of dead runs were removed." if found.removed else ""
    unseen = f" Not looked at: {'; '.join(found.unseen)}" if found.unseen else ""
    return Evidence(
        ok=True,
        summary=f"{said or 'Nothing was left behind.'}{unseen}",
        rows=(
            *({"removed": each} for each in found.removed),
            *({"not looked at": each} for each in found.unseen),
        ),
    )


def verify_tidy(tidying: Tidying) -> Evidence:
    """See that no gate is open past its time any more."""
    with tidying.log() as log:
        if log is None:
            return Evidence(ok=True, summary="There is no audit log, so no gate can be open.", idle=True)
        with database.translating():
            asked = {"environment": tidying.plan.environment.name}
            left = log.connection.execute(queries.load("audit/lapsed"), asked).fetchall()
    said = f"{len(left)} gates are still open past their time." if left else "No gate is open past its time."
    return Evidence(ok=not left, summary=said)


def hand_off(tidying: Tidying) -> Tidied:
    """Write down what was found and done, and tell whoever waits for a sign of life that this came to its end."""
    pinged = _pinged(tidying)
    facts = {
        "runs marked as crashed": tidying.crashed,
        "gates closed": tidying.closed,
        "leftovers removed": tidying.removed,
        "runs that a schedule should have started and did not": tidying.missed,
    }
    said = "; ".join(f"{len(found)} {what}" for what, found in facts.items() if found)
    silent = "" if pinged.ok else f" {pinged.summary}"
    found = Tidied(
        ok=not tidying.missed and pinged.ok,
        summary=f"Tidied up after {tidying.plan.environment.name}: {said or 'nothing was to be done'}.{silent}",
        rows=tuple({"what": what, "which": each} for what, found in facts.items() for each in found),
        at=tidying.now,
        crashed=tuple(tidying.crashed),
        closed=tidying.closed,
        removed=tidying.removed,
        missed=tidying.missed,
        pinged=None if pinged.idle else pinged.ok,
        bundle=str(tidying.bundle.path) if tidying.bundle else None,
    )
    if tidying.bundle:
        tidying.bundle.write_json(RESULT, found.model_dump(mode="json", exclude={"rows", "idle", "bundle"}))
        tidying.bundle.seal()
    tidying.concluded = found
    return found


def hand_off_broken(tidying: Tidying, error: errors.OpsError) -> Evidence:
    """Write down what there is when a step could not do its work; no sign of life is given then."""
    found = Tidied(
        ok=False, summary=f"Not tidied up to the end: {error}", at=tidying.now, crashed=tuple(tidying.crashed)
    )
    if tidying.bundle:
        tidying.bundle.write_json(RESULT, found.model_dump(mode="json", exclude={"rows", "idle", "bundle"}))
        tidying.bundle.seal()
    tidying.concluded = found
    return found


def _pinged(tidying: Tidying) -> Evidence:
    """Give a sign of life: a scheduler that died can only be found by something outside that hears nothing any more."""
    named = tidying.plan.environment.ping
    if named is None:
        return Evidence(ok=True, summary="Nobody waits for a sign of life.", idle=True)
    try:
        answer = httpx.get(secrets.open_secret(named), timeout=_PING_WITHIN.total_seconds())
        answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        # Its text could hold the address, which is a secret.
        return Evidence(ok=False, summary=f"The sign of life was not heard ({type(error).__name__}).")
    return Evidence(ok=True, summary="The sign of life was heard.")
