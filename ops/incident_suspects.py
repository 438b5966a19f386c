"""What was changed of late: the first suspect of an incident. Source: supabase-operations.md, "Incident Response"."""

from __future__ import annotations

import json
import shlex
from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


class _There(BaseModel):
    there: bool


class Done(BaseModel):
    """What was applied or rolled back; `applied`: it still is, above the version `below`."""

    file: str
    version: str
    action: str
    at: datetime
    run: str
    applied: bool
    below: str | None

    @property
    def choices(self) -> dict[str, str] | None:
        """What schema-rollback is to be told to take it back, with what came after it; None where it cannot be."""
        reason = f"suspect of an incident: {self.file}"
        return {"down_to": self.below, "reason": reason} if self.applied and self.below else None


@check("recent migrations")
def check_suspects(checking: Checking) -> Evidence:
    """Name what was applied or rolled back of late, the last first."""
    done = ask(checking)
    if done is None:
        return checking.idle("This tool has applied nothing here, or this login may not read of it.")
    well = f"Nothing was applied or rolled back in {spoken.span(checking.settings.suspects)}."
    return checking.found([_finding(each, checking.plan.environment.name) for each in done], well)


def ask(checking: Checking) -> list[Done] | None:
    """Return what was applied or rolled back of late, the last first; None where nobody knows.

    Raises:
        OpsError: as `Checking.reading` does.
    """
    ((there),) = checking.ask(queries.load("incident/journal_there"), _There)
    if not there.there:
        return None
    span = checking.settings.suspects
    return checking.ask(queries.load("incident/suspects"), Done, {"span": span})


def command(done: Done, environment: str) -> str:
    """Return how it is taken back, with what came after it."""
    return f"runbooks run schema-rollback/{environment} --set {shlex.quote(f'choices={json.dumps(done.choices)}')}"


def _finding(done: Done, environment: str) -> Finding:
    applied = done.action == "apply"
    back = (
        "A rollback that a rehearsal has proven is taken with schema-rollback: it asks for an approval first."
    )
    if done.choices:
        back += f" {command(done, environment)}"
    return Finding(
        kind="recent-migration" if applied else "recent-rollback",
        object=done.file,
        severity="note",
        said=f"{done.file} was {'applied' if applied else 'run'} at {spoken.moment(done.at)} by {done.run}.",
        why="What has changed last is the first suspect.",
        todo=back if applied else "Look whether the app still expects what was rolled back.",
        since=done.at,
    )
