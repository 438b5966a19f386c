"""What was changed of late: the first suspect of an incident. Source: supabase-operations.md, "Incident Response"."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


class _There(BaseModel):
    there: bool


class _Done(BaseModel):
    file: str
    version: str
    action: str
    at: datetime
    run: str


@check("recent migrations")
def check_suspects(checking: Checking) -> Evidence:
    """Name what was applied or rolled back of late, the last first."""
    span = checking.settings.suspects
    ((there),) = checking.ask(queries.load("incident/journal_there"), _There)
    if not there.there:
        return checking.idle("This tool has applied nothing here, or this login may not read of it.")
    done = checking.ask(queries.load("incident/suspects"), _Done, {"span": span})
    return checking.found(
        [_finding(each) for each in done], f"Nothing was applied or rolled back in {spoken.span(span)}."
    )


def _finding(done: _Done) -> Finding:
    applied = done.action == "apply"
    back = (
        "A rollback that a rehearsal has proven is taken with schema-rollback: it asks for an approval first."
    )
    return Finding(
        kind="recent-migration" if applied else "recent-rollback",
        object=done.file,
        severity="note",
        said=f"{done.file} was {'applied' if applied else 'run'} at {spoken.moment(done.at)} by {done.run}.",
        why="What has changed last is the first suspect.",
        todo=back if applied else "Look whether the app still expects what was rolled back.",
        since=done.at,
    )
