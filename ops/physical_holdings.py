"""What is in a folder of base backups and the archive of WAL beside it.

Source: supabase-operations.md, "Backup & Restore" and the daily and weekly checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ops import base_backup_folder, errors, recovery_target, wal_files, wal_segments
from ops.backup_settings import Physical
from ops.backups import Backup, Holdings, Problem
from ops.base_backup_folder import Found
from ops.wal_segments import Archive, Coverage, Gap, Place


@dataclass(frozen=True)
class Wal:
    """An archive as it was listed: what there is, the real name of each file, and the texts of the histories."""

    folder: Path
    archive: Archive
    listed: dict[str, str]
    histories: dict[int, str]

    def path(self, timeline: int, number: int) -> Path:
        """Return where a segment lies."""
        name = self.archive.name(timeline, number)
        return self.folder / self.listed.get(name, name)

    def coverage(self, backup: Backup, *, reaches: Place | None = None) -> Coverage:
        """Say whether the WAL is there from a backup's start to the end, and at least to the backup's own."""
        timeline, start = backup.timeline or 1, backup.start_lsn or 0
        own = Place(timeline, backup.stop_lsn or start)
        further = reaches if reaches and reaches > own else own
        return wal_segments.coverage(
            self.archive, Place(timeline, start), histories=self.histories, reaches=further
        )


def holdings(settings: Physical) -> Holdings:
    """Say which backups there are, from when to when a point in time can be restored, and what stands in the way.

    Raises:
        Refused: there is no folder of backups or of WAL, or we may not read it.
        Unavailable: a file went while we looked.
    """
    with wal_files.reading():
        return _holdings(settings)


def _holdings(settings: Physical) -> Holdings:
    found, problems = _folders(settings.base)
    linked, orphans = _linked(found)
    wal = archive(settings, found)
    size = {"segment_size": wal.archive.size}
    backups = tuple(each.backup.model_copy(update=size) for each in linked)
    covered = {backup.id: wal.coverage(backup) for backup in backups}
    usable = [backup for backup in backups if not covered[backup.id].gaps and not covered[backup.id].wrong]
    last = covered[usable[-1].id] if usable else covered[backups[-1].id] if backups else Coverage()
    return Holdings(
        backups=backups,
        earliest=min((backup.ended for backup in usable), default=None),
        latest=_latest(wal, last) if usable else None,
        end_lsn=last.end.lsn if last.end else None,
        end_timeline=last.end.timeline if last.end else None,
        problems=(*problems, *orphans, *_of_wal(wal, backups, covered)),
    )


def archive(settings: Physical, found: tuple[Found, ...] | None = None) -> Wal:
    """List the archive, with the size of its segments as the backups and the archive's own files tell it."""
    listed = wal_files.names(settings.wal)
    backups = _folders(settings.base)[0] if found is None else found
    size = _segment_size(settings.wal, listed, backups)
    there = wal_segments.read(listed, size=size)
    real = {wal_files.plain(name): name for name in listed}
    return Wal(settings.wal, there, real, wal_files.histories(settings.wal, there, real))


def _folders(base: Path) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    try:
        folders = [path for path in sorted(base.iterdir()) if base_backup_folder.looks_like_one(path)]
    except OSError as error:
        raise errors.Refused(
            f"The folder of base backups {base} cannot be read ({error.strerror}), so there is nothing to restore. "
            "Name the folder of the backups as backups.physical.base."
        ) from None
    found: list[Found] = []
    problems: list[Problem] = []
    for folder in folders:
        try:
            if not base_backup_folder.is_temporary(folder):
                found.append(base_backup_folder.read(folder))
        except base_backup_folder.Unreadable as unreadable:
            problems.append(unreadable.problem)
    found.sort(key=lambda each: (each.backup.ended, each.backup.id))
    return tuple(found), tuple(problems)


def _linked(found: tuple[Found, ...]) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    """Give incremental backups the older ones that they need; one that misses one is no backup."""
    begun = {
        (each.backup.system_identifier, each.backup.timeline, each.backup.start_lsn): each for each in found
    }
    linked: list[Found] = []
    orphans: list[Problem] = []
    for each in found:
        parents: list[str] = []
        current: Found | None = each
        while current and current.from_start and len(parents) < len(found):
            timeline, start = current.from_start
            current = begun.get((each.backup.system_identifier, timeline, start))
            parents += [current.backup.id] if current else []
        if current is None:
            orphans.append(_orphan(each, parents))
            continue
        backup = each.backup.model_copy(update={"parents": tuple(reversed(parents))})
        linked.append(each.model_copy(update={"backup": backup}))
    return tuple(linked), tuple(orphans)


def _orphan(found: Found, parents: list[str]) -> Problem:
    last = f" ({' on '.join(parents)} is there)" if parents else ""
    return Problem(
        kind="orphan-incremental",
        object=found.backup.id,
        said=f"{found.backup.id} is incremental, and a backup on which it builds is not there{last}: "
        "it cannot be restored.",
        todo="Bring the older backup back, or make a full one.",
        blocks=False,
    )


def _segment_size(folder: Path, listed: tuple[str, ...], found: tuple[Found, ...]) -> int:
    """A backup names the segment in which it began, which tells the size but for the first segment of 4 GB."""
    for each in found:
        number, low = int(each.label_segment[16:], 16), (each.backup.start_lsn or 0) & 0xFFFFFFFF
        sizes = [1 << bits for bits in range(20, 31) if number and low >> bits == number]
        if len(sizes) == 1:
            return sizes[0]
    for name in listed:
        if len(wal_files.plain(name)) == 24 and (head := wal_files.header(folder / name)) and head.is_long:
            return head.size
    return wal_segments.DEFAULT_SIZE


def _of_wal(wal: Wal, backups: tuple[Backup, ...], covered: dict[str, Coverage]) -> tuple[Problem, ...]:
    """Say what is missing, once however many backups need it; it blocks where the newest backup needs it."""
    problems: dict[tuple[str, str], Problem] = {}
    for backup in reversed(backups):
        newest = backup is backups[-1]
        for gap in covered[backup.id].gaps:
            problem = missing(wal.archive, gap, backup, blocks=newest)
            problems.setdefault((problem.kind, problem.object), problem)
        if wrong := covered[backup.id].wrong:
            problems["wrong-timeline", backup.id] = off_timeline(backup, wrong, blocks=newest)
    known = {*wal.archive.histories, *(backup.timeline for backup in backups), 1}
    for timeline in sorted(wal.archive.runs.keys() - known):
        problems["history-missing", str(timeline)] = Problem(
            kind="history-missing",
            object=f"{timeline:08X}.history",
            said=f"The archive has WAL of timeline {timeline} and not its history, so recovery cannot get there.",
            todo="Bring the history file back from the server's pg_wal, or make a new base backup.",
        )
    return tuple(problems.values())


def missing(archive: Archive, gap: Gap, backup: Backup, *, blocks: bool = True) -> Problem:
    """Return what a gap in the WAL means to a backup."""
    first, last = archive.name(gap.timeline, gap.first), archive.name(gap.timeline, gap.last)
    which = f"{first} is" if gap.missing == 1 else f"{gap.missing} segments from {first} to {last} are"
    place = recovery_target.written(gap.first * archive.size)
    return Problem(
        kind="wal-gap",
        object=first,
        said=f"WAL is not continuous: {which} missing, so that {backup.id} can be restored only up to {place}.",
        todo="Bring it back from the server's pg_wal or another copy; else make a new base backup now.",
        blocks=blocks,
    )


def off_timeline(backup: Backup, wrong: str, *, blocks: bool = True) -> Problem:
    """Return what it means that a backup does not lead onto the newest timeline."""
    return Problem(
        kind="wrong-timeline",
        object=backup.id,
        said=f"{backup.id} does not lead to the present: {wrong}.",
        todo="Make a new base backup of the server as it is now; look which history files the archive has.",
        blocks=blocks,
    )


def _latest(wal: Wal, covered: Coverage) -> datetime | None:
    """Return when the last segment was archived: what was committed later is not in it."""
    if covered.end is None:
        return None
    path = wal.path(covered.end.timeline, covered.end.lsn // wal.archive.size - 1)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.is_file() else None
