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
    errors,
    os_user,
    physical_fetch,
    physical_holdings,
    physical_verify,
    physical_wal,
    recovery,
    scratch,
    tar_backup,
    wal_files,
    wal_points,
)
from ops.backup_settings import Drill
from ops.backups import Backup, Halfway, Holdings, Point, Problem, Progress, SourceKind, Timings
from ops.recovery import Cluster
from ops.recovery_target import RecoveryTarget, TargetKind

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
        for folder in self._chain(backup):
            tar_backup.verify(folder)

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
        chain, archive = self._chain(backup), self.settings.wal
        copied = physical_wal.to_copy(archive, os_user.find(), since=backup)
        segments = physical_wal.count(archive, backup)
        # An incremental backup is put together with its parents, which takes as much again; WAL stays to the end.
        room = sum(physical_fetch.size(folder) for folder in chain) * (2 if len(chain) > 1 else 1)
        room += (copied or 0) + min(segments * backup.segment_size, recovery.MOST_WAL)
        watch = physical_fetch.Watch(room, began + within.total_seconds(), progress)
        with scratch.opened(bindir=self.settings.bindir, among=self.drill.scratch, room=room) as place:
            combining = physical_fetch.bring(place, chain, watch)
            if copied is not None:
                archive = physical_wal.copied(archive, place, since=backup, told=watch.told)
            command = physical_wal.offered(archive, place)
            # Whatever else it took to get here is part of bringing it.
            fetch = timedelta(seconds=time.monotonic() - began) - combining
            with recovery.running(
                place,
                target,
                restore_command=command,
                name=self.name,
                spent=Timings(fetch=fetch, restore=combining),
                within=watch.left,
                fsync=self.drill.fsync,
                progress=progress,
                segments=segments,
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
