"""Whether the server archives its WAL, and keeps up with what is written. Source: supabase-operations.md, "Daily"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.checking import Checking
from ops.checks import Finding, Severity

_WHY = "What is written since cannot be restored, and WAL fills the disk."


class _Archiver(BaseModel):
    mode: str
    replica: bool
    archived: datetime | None
    failed: datetime | None
    failed_wal: str
    segment: int
    behind: int | None
    told: bool


class _Waiting(BaseModel):
    waiting: int
    since: datetime | None


def findings(checking: Checking) -> Iterator[Finding]:
    """Yield that the archiver fails, or that it says nothing and is behind.

    Raises:
        OpsError: as `Checking.ask` does.
    """
    (archiver,) = checking.ask(queries.load("checks/archiver"), _Archiver)
    # A replica that is not told to archive always leaves that to its primary.
    if archiver.mode == "off" or (archiver.replica and archiver.mode != "always"):
        return
    if archiver.failed and (archiver.archived is None or archiver.failed > archiver.archived):
        yield _finding(
            "archiving-fails",
            "failed",
            f"The server cannot archive its WAL: {archiver.failed_wal} failed at {spoken.moment(archiver.failed)}.",
            "Look in the server's log what archive_command says.",
            archiver.archived,
        )
    elif archiver.told:
        (waiting,) = checking.ask(queries.load("checks/unarchived"), _Waiting)
        yield from _behind(checking, archiver, waiting)
    elif archiver.behind is not None:
        yield from _behind(checking, archiver, _Waiting(waiting=0, since=None))
    else:
        yield _finding(
            "archiving-not-seen",
            "note",
            "The server archives its WAL, and this login is not told whether it keeps up.",
            "Give it the right: GRANT pg_monitor TO it.",
            None,
        )


def _behind(checking: Checking, archiver: _Archiver, waiting: _Waiting) -> Iterator[Finding]:
    """Neither a command that hangs nor one that is empty has failed: only what waits tells of them."""
    wanted = checking.settings
    behind = max(archiver.behind or 0, waiting.waiting * archiver.segment)
    age = checking.clock - waiting.since if waiting.since else None
    if behind <= wanted.retained_wal and (age is None or age <= wanted.unarchived):
        return
    oldest = f", the oldest for {spoken.span(age)}" if age else ""
    last = (
        f"the last was archived at {spoken.moment(archiver.archived)}"
        if archiver.archived
        else "none was archived"
    )
    yield _finding(
        "archiving-behind",
        "failed",
        f"{spoken.size(behind)} of complete WAL are not archived{oldest}; {last}.",
        "Look whether archive_command hangs or is empty (the title of the archiver's process names the segment that it "
        "is at), and whether the place that it writes to answers and has room.",
        waiting.since or archiver.archived,
    )


def _finding(kind: str, severity: Severity, said: str, todo: str, since: datetime | None) -> Finding:
    return Finding(
        kind=kind, object="backups", severity=severity, said=said, why=_WHY, todo=todo, since=since
    )
