"""Base backups of `pg_basebackup` and an archive of WAL, on a disk that we can read.

Source: supabase-operations.md, "Backup & Restore".
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ops import (
    backup_settings,
    binaries,
    copying,
    errors,
    physical_holdings,
    physical_verify,
    physical_wal,
    recovery,
    scratch,
    wal_files,
    wal_points,
)
from ops.backup_settings import Drill
from ops.backups import Backup, Halfway, Holdings, Point, Problem, Progress, SourceKind, Timings, TooSlow
from ops.recovery import Cluster
from ops.recovery_target import RecoveryTarget, TargetKind
from ops.scratch import Scratch

_DRILL = Drill()
_PROGRAMS = ("pg_controldata", "pg_waldump", "pg_verifybackup", "pg_amcheck")


@dataclass(frozen=True)
class PhysicalSource:
    """The backups of one environment; `name` is the database that is looked at once one is restored."""

    settings: backup_settings.Physical
    drill: Drill = _DRILL
    name: str = "postgres"

    @property
    def kind(self) -> SourceKind:
        return "physical"

    def holdings(self) -> Holdings:
        """Return what there is.

        Raises:
            Refused: there is no folder of backups or of WAL, or we may not read it.
        """
        return physical_holdings.holdings(self.settings)

    def fit(self, backup: Backup) -> None:
        """Look whether the programs are of the backup's major version, all that are needed, and whether it can be read.

        Raises:
            Refused: they are not, or it is of tar files that cannot be unpacked here.
        """
        needed = _PROGRAMS if not backup.parents else (*_PROGRAMS, "pg_combinebackup")
        key = "backups.physical.bindir"
        binaries.fitting(self.settings.bindir, of=backup.id, major=backup.major, key=key, needed=needed)

    def point(self, target: RecoveryTarget, backups: Sequence[Backup]) -> Point | None:
        """Look for an LSN or a restore point in the archive.

        Raises:
            Refused: there is no such restore point behind these backups.
        """
        wanted = target.value if target.kind is TargetKind.NAME else target.lsn
        if wanted is None or not backups:
            return None
        with wal_files.reading():
            wal = physical_holdings.archive(self.settings)
            return wal_points.find(wal, wanted, backups, bindir=binaries.find(self.settings.bindir).bindir)

    def verify(
        self, backup: Backup, progress: Progress, *, before: Backup | None = None
    ) -> tuple[Problem, ...]:
        """Read a backup whole, and the WAL behind it, and return what is wrong with it."""
        return physical_verify.problems(self.settings, backup, progress, before=before)

    @contextmanager
    def restored(
        self,
        backup: Backup,
        target: RecoveryTarget,
        *,
        within: timedelta,
        progress: Progress,
        halfway: Halfway | None = None,
    ) -> Generator[Cluster]:
        """Restore a backup to a scratch cluster that is gone when the block ends, or when we die.

        Raises:
            CheckFailed: it cannot be restored, or not up to this target; says why.
            Unavailable: it did not end within the time, or there is no room.
        """
        began = time.monotonic()
        self.fit(backup)
        chain = self._chain(backup)
        # An incremental backup is put together with its parents, which takes as much again.
        room = sum(copying.size(folder) for folder in chain) * (2 if len(chain) > 1 else 1)
        with scratch.opened(bindir=self.settings.bindir, among=self.drill.scratch, room=room) as place:
            spent = _put_together(place, chain, room, progress, deadline=began + within.total_seconds())
            wal = physical_wal.offered(self.settings.wal, place, since=backup)
            left = within - timedelta(seconds=time.monotonic() - began)
            with recovery.running(
                place,
                target,
                restore_command=wal,
                name=self.name,
                spent=spent,
                within=left,
                fsync=self.drill.fsync,
                progress=progress,
                segments=physical_wal.count(self.settings.wal, backup),
                halfway=halfway,
            ) as cluster:
                yield cluster

    def _chain(self, backup: Backup) -> tuple[Path, ...]:
        folders = tuple(self.settings.base / name for name in (*backup.parents, backup.id))
        missing = [folder.name for folder in folders if not folder.is_dir()]
        if missing:
            raise errors.CheckFailed(
                f"{', '.join(missing)} of {self.settings.base} is not there any more, so that {backup.id} cannot be "
                "restored."
            )
        return folders


def _put_together(
    place: Scratch, chain: tuple[Path, ...], room: int, progress: Progress, *, deadline: float
) -> Timings:
    began, done = time.monotonic(), 0

    def told(size: int) -> None:
        nonlocal done
        done += size
        if time.monotonic() > deadline:
            raise TooSlow(f"{recovery.LATE} {done:,} of {room:,} bytes were copied.")
        progress(done, room, "bytes of the backup copied")

    if len(chain) == 1:
        copying.tree(chain[0], place.data, told=told)
        return Timings(fetch=timedelta(seconds=time.monotonic() - began))
    copies = [place.home / f"part-{number}" for number in range(len(chain))]
    for folder, copy in zip(chain, copies, strict=True):
        copying.tree(folder, copy, told=told)
    place.user.own(place.home)
    fetched = time.monotonic()
    code, said = place.run("pg_combinebackup", *copies, "-o", place.data)
    if code:
        raise errors.CheckFailed(f"The incremental backup cannot be put together: {said}")
    return Timings(
        fetch=timedelta(seconds=fetched - began), restore=timedelta(seconds=time.monotonic() - fetched)
    )
