"""Which WAL a repository of pgBackRest has: what is missing, `verify` does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from ops import recovery_target, wal_segments
from ops.backups import Backup, Problem
from ops.pgbackrest_program import Program
from ops.wal_segments import Archive, Coverage, Gap, Place

_NAME = 24


@dataclass(frozen=True)
class Wal:
    """What is archived of one cluster: the texts of its history files, when each segment came, and where it lies."""

    archive: Archive
    histories: dict[int, str]
    times: dict[str, datetime]
    paths: dict[str, str]

    def coverage(self, backup: Backup) -> Coverage:
        """Say whether the WAL is there from a backup's start to the end, and at least to the backup's own."""
        timeline, start = backup.timeline or 1, backup.start_lsn or 0
        own = Place(timeline, backup.stop_lsn or start)
        return wal_segments.coverage(
            self.archive, Place(timeline, start), histories=self.histories, reaches=own
        )

    def latest(self, covered: Coverage) -> datetime | None:
        """Return when the last segment that recovery can reach was archived."""
        if covered.end is None:
            return None
        number = covered.end.lsn // self.archive.size - 1
        return self.times.get(self.archive.name(covered.end.timeline, number))

    def problems(self, backup: Backup) -> tuple[Problem, ...]:
        """Say what of the WAL that a backup needs is not there."""
        covered = self.coverage(backup)
        gaps = tuple(_missing(self.archive, gap, backup) for gap in covered.gaps)
        return (*gaps, _off_timeline(backup, covered.wrong)) if covered.wrong else gaps


def read(program: Program, archive_id: str, *, size: int) -> Wal:
    """List what is archived below an archive id such as `15-1`; raises as `Program.ask` does."""
    folder = f"archive/{program.settings.stanza}/{archive_id}"
    listed: dict[str, dict[str, Any]] = program.ask_json("repo-ls", "--recurse", folder)
    files = {PurePosixPath(name).name: each for name, each in listed.items() if each["type"] == "file"}
    archive = wal_segments.read(files, size=size)
    histories = {
        timeline: program.ask("repo-get", "--log-level-console=off", f"{folder}/{timeline:08X}.history")
        for timeline in archive.histories
    }
    times = {name[:_NAME]: datetime.fromtimestamp(each["time"], UTC) for name, each in files.items()}
    paths = {PurePosixPath(name).name[:_NAME]: f"{folder}/{name}" for name in listed}
    return Wal(archive, histories, times, paths)


def segment_size(name: str, place: int) -> int:
    """Return the size of segments, of which one of this name holds this place."""
    for bits in (24, *range(20, 31)):
        if wal_segments.name_of(int(name[:8], 16), place >> bits, size=1 << bits) == name:
            return 1 << bits
    return wal_segments.DEFAULT_SIZE


def _missing(archive: Archive, gap: Gap, backup: Backup) -> Problem:
    first, last = archive.name(gap.timeline, gap.first), archive.name(gap.timeline, gap.last)
    which = f"{first} is" if gap.missing == 1 else f"{gap.missing} segments from {first} to {last} are"
    place = recovery_target.written(gap.first * archive.size)
    return Problem(
        kind="wal-gap",
        object=first,
        said=f"WAL is not continuous: {which} missing, so that {backup.id} can be restored only up to {place}.",
        todo="Bring it back from the server's pg_wal or another repository; else make a new backup now.",
    )


def _off_timeline(backup: Backup, wrong: str) -> Problem:
    return Problem(
        kind="wrong-timeline",
        object=backup.id,
        said=f"{backup.id} does not lead to the present: {wrong}.",
        todo="Make a new backup of the server as it is now; look which history files the repository has.",
    )
