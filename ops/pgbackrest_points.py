"""Where in a repository of pgBackRest a target lies that is no time: its WAL is brought by segment, and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path, PurePosixPath

from ops import pgbackrest_wal, physical_holdings, wal_points
from ops.backups import Backup, Point
from ops.pgbackrest_info import Repository
from ops.pgbackrest_program import Program
from ops.scratch import Scratch

# Twice as many as are read at once.
_MOST_KEPT = 130
_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True)
class _Brought(physical_holdings.Wal):
    """The archive of a repository as if it lay in a folder: a segment is there once it is asked for, and a while on."""

    program: Program | None = None
    paths: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    there: list[Path] = field(default_factory=list[Path], repr=False)

    def path(self, timeline: int, number: int) -> Path:
        path = super().path(timeline, number)
        name = self.paths.get(self.archive.name(timeline, number))
        if path not in self.there and name is not None and self.program is not None:
            self.program.fetch(name, path, within=_WITHIN)
            self.there.append(path)
            if len(self.there) > _MOST_KEPT:
                self.there.pop(0).unlink(missing_ok=True)
        return path


def find(
    repository: Repository, target: str | int, backups: Sequence[Backup], *, place: Scratch
) -> Point | None:
    """Return the place of a restore point, or what is known of an LSN; None where no backup ends before it.

    Raises:
        Refused: no restore point of this name is in the WAL behind these backups.
        Unavailable: the repository does not answer.
    """
    wal = repository.wal(backups[-1])
    # What is of a cluster before an upgrade has an archive of its own.
    alike = [each for each in backups if repository.wal(each) is wal]
    return wal_points.find(_brought(repository, wal, place), target, alike, bindir=place.programs.bindir)


def _brought(repository: Repository, wal: pgbackrest_wal.Wal, place: Scratch) -> _Brought:
    folder = place.home / "wal"
    folder.mkdir()
    place.user.own(folder)
    names = {segment: PurePosixPath(path).name for segment, path in wal.paths.items()}
    return _Brought(
        folder=folder,
        archive=wal.archive,
        listed=names,
        histories=wal.histories,
        program=repository.program,
        paths=wal.paths,
    )
