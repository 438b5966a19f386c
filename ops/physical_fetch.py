"""A backup brought into a scratch folder: copied or unpacked, and put together, within the time that it has."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ops import base_backup_folder, copying, errors, recovery, tar_backup
from ops.backups import Progress, TooSlow
from ops.scratch import Scratch


@dataclass
class Watch:
    """Tells how much of `room` bytes is there, and ends what goes on beyond the deadline."""

    room: int
    deadline: float
    progress: Progress
    done: int = 0

    def told(self, size: int) -> None:
        """Count bytes that were brought.

        Raises:
            TooSlow: the time is over.
        """
        self.done += size
        if time.monotonic() > self.deadline:
            raise TooSlow(f"{recovery.LATE} {self.done:,} of {self.room:,} bytes were copied.")
        self.progress(self.done, self.room, "bytes of the backup copied")

    @property
    def left(self) -> timedelta:
        return timedelta(seconds=max(0.0, self.deadline - time.monotonic()))


def size(folder: Path) -> int:
    """Return how many bytes a backup has once it is in the scratch folder."""
    if not base_backup_folder.is_tar(folder):
        return copying.size(folder)
    wal = tar_backup.wal(folder)
    return base_backup_folder.read(folder).backup.size + (wal.stat().st_size if wal else 0)


def bring(place: Scratch, chain: tuple[Path, ...], watch: Watch) -> timedelta:
    """Bring a backup, or several that are put together, and return how long putting together took.

    Raises:
        CheckFailed: they cannot be read or put together, or not within the time.
        Unavailable: there is no room.
    """
    if len(chain) == 1:
        _one(chain[0], place.data, watch)
        return timedelta(0)
    copies = [place.home / f"part-{number}" for number in range(len(chain))]
    for folder, copy in zip(chain, copies, strict=True):
        _one(folder, copy, watch)
    place.user.own(place.home)
    began = time.monotonic()
    code, said = place.run("pg_combinebackup", *copies, "-o", place.data, within=watch.left)
    if code:
        raise errors.CheckFailed(f"The incremental backup cannot be put together: {said}")
    return timedelta(seconds=time.monotonic() - began)


def _one(folder: Path, data: Path, watch: Watch) -> None:
    if not base_backup_folder.is_tar(folder):
        copying.tree(folder, data, told=watch.told)
        return
    try:
        tar_backup.unpack(folder, data, told=watch.told)
    except OSError as error:
        raise copying.failed("The backup", error) from None
