"""A repository of pgBackRest: what is in it, whether it is whole, and a restore of it.

Source: supabase-operations.md, "Backup & Restore".
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from ops import (
    binaries,
    copying,
    errors,
    pgbackrest_info,
    pgbackrest_points,
    pgbackrest_program,
    pgbackrest_said,
    recovery,
    recovery_target,
    scratch,
)
from ops.backup_settings import Drill, PgBackRest
from ops.backups import Backup, Halfway, Holdings, Point, Problem, Progress, SourceKind, Timings
from ops.pgbackrest_program import Program
from ops.recovery import Cluster
from ops.recovery_target import RecoveryTarget, TargetKind
from ops.scratch import Scratch

_DRILL = Drill()
_OF_DEBIAN = "/usr/lib/postgresql/{major}/bin"


@dataclass(frozen=True)
class PgBackRestSource:
    """The backups of one environment; `name` is the database that is looked at once one is restored."""

    settings: PgBackRest
    drill: Drill = _DRILL
    name: str = "postgres"
    # It always reads the whole repository, so that it is asked once for all backups.
    _said: dict[str, str] = field(default_factory=dict[str, str], compare=False, repr=False)

    @property
    def kind(self) -> SourceKind:
        return "pgbackrest"

    def holdings(self) -> Holdings:
        """Return what there is.

        Raises:
            Unavailable: the repository does not answer.
            Refused: pgBackRest, its configuration, the stanza or the repository is not there.
        """
        return pgbackrest_info.read(pgbackrest_program.find(self.settings)).holdings()

    def fit(self, backup: Backup) -> None:
        """Look whether the programs are of the backup's major version; raises Refused where they are not."""
        _programs(self.settings.bindir, backup)

    def point(self, target: RecoveryTarget, backups: Sequence[Backup]) -> Point | None:
        """Look for an LSN or a restore point in the WAL of the repository.

        Raises:
            Refused: there is no such restore point behind these backups.
            Unavailable: the repository does not answer.
        """
        wanted = target.value if target.kind is TargetKind.NAME else target.lsn
        if wanted is None or not backups:
            return None
        bindir = _programs(self.settings.bindir, backups[-1])
        program = pgbackrest_program.find(self.settings)
        with scratch.opened(bindir=bindir, among=self.drill.scratch, room=0) as place:
            there = pgbackrest_info.read(replace(program, user=place.user))
            return pgbackrest_points.find(there, wanted, backups, place=place)

    def verify(
        self, backup: Backup, progress: Progress, *, before: Backup | None = None
    ) -> tuple[Problem, ...]:
        """Let pgBackRest read the whole repository, and return what it says of a backup and of the WAL since.

        Raises:
            Unavailable: the repository does not answer.
            Refused: it is not there.
        """
        program = pgbackrest_program.find(self.settings)
        there = pgbackrest_info.read(program)
        said = pgbackrest_said.problems(self._verified(program, backup, progress), backup, before=before)
        return (*said, *there.wal(backup).problems(backup))

    def _verified(self, program: Program, backup: Backup, progress: Progress) -> str:
        if "verify" not in self._said:
            progress(0, backup.size, "bytes, with all else in the repository, are read by pgBackRest")
            self._said["verify"] = program.verify()
            progress(
                backup.size, backup.size, "bytes, with all else in the repository, were read by pgBackRest"
            )
        return self._said["verify"]

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
            Refused: there are no programs of the backup's major version.
        """
        began = time.monotonic()
        bindir = _programs(self.settings.bindir, backup)
        program = pgbackrest_program.find(self.settings)
        with scratch.opened(bindir=bindir, among=self.drill.scratch, room=backup.size) as place:
            program = replace(program, user=place.user)
            _fetch(program, place, backup, within, progress)
            spent = timedelta(seconds=time.monotonic() - began)
            with recovery.running(
                place,
                target,
                restore_command=program.offer_wal(place.home),
                name=self.name,
                spent=Timings(fetch=spent, replay=timedelta(0), open=timedelta(0)),
                within=within - spent,
                fsync=self.drill.fsync,
                progress=progress,
                halfway=halfway,
            ) as cluster:
                _verify_end(program, backup, cluster)
                yield cluster


def _verify_end(program: Program, backup: Backup, cluster: Cluster) -> None:
    """Where all of the WAL was recovered, look that it was all: a gap or damage looks to Postgres like the end."""
    if cluster.target.kind is not TargetKind.LATEST:
        return
    wal = pgbackrest_info.read(program).wal(backup)
    if problems := wal.problems(backup):
        raise errors.CheckFailed(" ".join(each.said for each in problems))
    covered, reached = wal.coverage(backup), cluster.end_lsn or 0
    if covered.end and reached < covered.end.lsn - wal.archive.size:
        raise errors.CheckFailed(
            f"Recovery of {backup.id} ended at {recovery_target.written(reached)} though the repository has WAL up to "
            f"{recovery_target.written(covered.end.lsn)}: a segment is damaged there. Let pgBackRest verify it."
        )


def _programs(bindir: Path | None, backup: Backup) -> Path | None:
    usual = Path(_OF_DEBIAN.format(major=backup.major))
    chosen = bindir or (usual if usual.is_dir() else None)
    binaries.fitting(chosen, of=backup.id, major=backup.major, key="`bindir` of backups.pgbackrest")
    return chosen


def _fetch(program: Program, place: Scratch, backup: Backup, within: timedelta, progress: Progress) -> None:
    def look() -> None:
        # Files are renamed while they are counted.
        with contextlib.suppress(OSError):
            progress(copying.size(place.data), backup.size, "bytes of the backup restored")

    place.data.mkdir(mode=0o700)
    place.user.own(place.data)
    program.restore(backup.id, home=place.home, within=within, looking=look)
    progress(backup.size, backup.size, "bytes of the backup restored")
