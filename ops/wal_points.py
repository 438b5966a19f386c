"""Where in an archive of WAL a target lies that is no time, and when the last transaction before it ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from ops import errors, wal_reading
from ops.backups import Backup, Point
from ops.physical_holdings import Wal
from ops.wal_reading import Range
from ops.wal_segments import Run

_POINT = "RESTORE_POINT "
_MOST_NAMED = 5


def find(wal: Wal, target: str | int, backups: Sequence[Backup], *, bindir: Path) -> Point | None:
    """Return the place of a restore point, or what is known of an LSN; None where no backup ends before it.

    Raises:
        Refused: no restore point of this name is in the WAL behind these backups.
    """
    if isinstance(target, int):
        fitting = [each for each in backups if (each.stop_lsn or 0) <= target]
        place = target
    else:
        backup, place = _named(wal, target, backups, bindir)
        fitting = [backup]
    if not fitting:
        return None
    at = _last_before(wal, place, fitting[-1], bindir)
    return Point(backup=fitting[-1].id, lsn=place, at=at)


def _named(wal: Wal, name: str, backups: Sequence[Backup], bindir: Path) -> tuple[Backup, int]:
    """Look behind the newest backup first, and further back only where the point is not there.

    Recovery stops at the first point of the name that it sees, which must not come before the end of the backup.
    """
    places: dict[int, str] = {}
    for backup, asked in _behind(wal, backups):
        for place, said in wal_reading.records(wal, asked, bindir=bindir, kind="XLOG"):
            if said.startswith(_POINT):
                places[place] = said.removeprefix(_POINT)
        first = min(
            (at for at, each in places.items() if each == name and at >= (backup.start_lsn or 0)), default=-1
        )
        if first >= (backup.stop_lsn or 0):
            return backup, first
    there = list(dict.fromkeys(places[each] for each in sorted(places)))[-_MOST_NAMED:]
    if name in places.values():
        raise errors.Refused(
            f"No backup ended before the restore point {name!r}, so it cannot be recovered to. Choose a later target."
        )
    raise errors.Refused(
        f"There is no restore point {name!r} in the WAL behind the backups, so nothing is restored; there are "
        f"{', '.join(there) or 'none at all'}."
    )


def _behind(wal: Wal, backups: Sequence[Backup]) -> Iterator[tuple[Backup, tuple[Range, ...]]]:
    """Yield the backups from new to old, each with what of the WAL behind it is not behind a newer one."""
    lowest: dict[int, int] = {}
    for backup in reversed(backups):
        there = wal_reading.ranges(wal.coverage(backup).stretches, size=wal.archive.size)
        # One segment more, since a record may go on in the next one.
        ends = [(each, min(each.run.last, lowest.get(each.timeline, each.run.last))) for each in there]
        yield (
            backup,
            tuple(
                Range(each.timeline, each.start, Run(each.run.first, last))
                for each, last in ends
                if last >= each.run.first
            ),
        )
        for each in there:
            lowest[each.timeline] = min(each.run.first, lowest.get(each.timeline, each.run.first))


def _last_before(wal: Wal, place: int, backup: Backup, bindir: Path) -> datetime | None:
    """Read back from a place, segment by segment, until there is the end of a transaction."""
    size = wal.archive.size
    there = wal_reading.ranges(wal.coverage(backup).stretches, size=size)
    for each in reversed([each for each in there if each.start <= place]):
        for number in range(min(each.run.last, place // size), each.run.first - 1, -1):
            run = Run(number, min(number + 1, each.run.last))
            one = Range(each.timeline, max(each.start, number * size), run)
            found = wal_reading.records(wal, (one,), bindir=bindir, kind="Transaction")
            times = [time for at, said in found if at < place and (time := wal_reading.ended(said))]
            if times:
                return max(times)
    return None
