"""The window of points in time that can be restored, by what was read of the older backups and the WAL between them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ops.backups import Backup, Problem

if TYPE_CHECKING:
    from ops.backup_verification import Verifying


def needed(verifying: Verifying) -> tuple[tuple[Backup, Backup], ...]:
    """Return the backups before the newest that the window needs, each with the one after it, from old to new.

    The first is the last one that ended before the window begins: from it one gets to the window's first moment.
    """
    if verifying.plan.backups.read != "window":
        return ()
    held, start = verifying.holdings.backups, verifying.now - verifying.plan.backups.window
    before = [number for number, each in enumerate(held) if each.ended <= start]
    first = before[-1] if before else 0
    return tuple(zip(held[first:], held[first + 1 :], strict=False))


def earliest(verifying: Verifying) -> datetime | None:
    """Return since when every point in time can be restored, once what is damaged is left out."""
    since, held = verifying.holdings.earliest, verifying.holdings.backups
    if since is None or not any(verifying.damage.values()):
        return since
    found: datetime | None = None
    for backup in held:
        damage = verifying.damage.get(backup.id, ())
        if found is None and backup.ended >= since and not any(map(_is_of_files, damage)):
            found = backup.ended
        if any(not _is_of_files(each) and each.blocks for each in damage):
            found = None
    return found


def _is_of_files(problem: Problem) -> bool:
    """Whether it is of a backup itself, without which an older one leads there; WAL between is in everyone's way."""
    return problem.blocks and not problem.kind.startswith(("wal", "wrong-timeline", "history"))
