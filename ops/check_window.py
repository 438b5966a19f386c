"""Whether every point in time of the window can be restored. Source: supabase-operations.md, "Weekly"."""

from __future__ import annotations

from ops import backup_memory, backup_source, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


@check("the window of points in time")
def check_window(checking: Checking) -> Evidence:
    """Ask the source of backups since when a point in time can be restored, as far as names tell; nothing is read."""
    plan = checking.plan
    where = plan.environment
    if where.backups is None:
        return checking.idle(f"{where.name} names no source of backups.")
    source = backup_source.source(plan.project, where)
    held = source.holdings()
    if held.earliest is None and source.kind == "logical":
        return checking.idle("Dumps are restored whole, so that there is no window of points in time.")
    window, start = where.backups.window, checking.now - where.backups.window
    if held.earliest is not None and held.earliest <= start:
        return checking.found(
            [], f"Every point in time since {spoken.moment(held.earliest)} can be restored."
        )
    since = f"only since {spoken.moment(held.earliest)}" if held.earliest else "not at all"
    known = backup_memory.read(plan.out, where.name, now=checking.now)
    # Whoever has looked for less than a window cannot have lost it.
    lost = held.earliest is None or min(known.since, checking.memory.since) <= start
    finding = Finding(
        kind="window-short",
        object="backups",
        severity="failed" if lost else "attention",
        said=f"A point in time can be restored {since}; the window of {spoken.span(window)} begins at "
        f"{spoken.moment(start)}.",
        why="What was deleted by mistake before that cannot be brought back.",
        todo="Look for missing WAL and removed backups (runbook backup-verification); a new setup fills its window by "
        "itself.",
        since=held.earliest,
    )
    return checking.found([finding], "")
