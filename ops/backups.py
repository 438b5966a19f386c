"""What every source of backups can do: say what it has, verify a backup, and restore one into a scratch cluster.

Source: supabase-operations.md, "Backup & Restore".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from ops import errors
from ops.recovery_target import RecoveryTarget

SourceKind = Literal["physical", "pgbackrest", "logical", "api"]
# Told how much is done of what: bytes, or bytes of WAL; the text says which.
Progress = Callable[[int, int, str], None]


class NoRoom(errors.Unavailable):
    """A restore that found, or left, no room on the disk."""


class TooSlow(errors.CheckFailed):
    """A restore that did not end within its time."""


class Fact(BaseModel):
    """What is known of backups, kept as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Backup(Fact):
    """One backup; LSNs are numbers, sizes bytes, `parents` the older backups that an incremental one needs."""

    id: str
    kind: SourceKind
    began: datetime
    ended: datetime
    major: int
    size: int
    path: Path | None = None
    system_identifier: str | None = None
    timeline: int | None = None
    start_lsn: int | None = None
    stop_lsn: int | None = None
    segment_size: int = 16 * 1024**2
    parents: tuple[str, ...] = ()


class Point(Fact):
    """A place in the WAL to recover to: the last backup from which recovery gets there, and when that was.

    `at` is the time of the last transaction that ended before it, None where the WAL that is there has none.
    """

    backup: str
    lsn: int
    at: datetime | None = None


class Ended(NamedTuple):
    """The end of a transaction: the place of its record in the WAL, and its time."""

    lsn: int
    at: datetime


class Problem(Fact):
    """What is wrong: its kind in kebab-case, where, and what it means; `blocks` says that nothing can be restored."""

    kind: str
    object: str
    said: str
    todo: str
    blocks: bool = True


class Holdings(Fact):
    """What a source has: backups from old to new, and from when to when a point in time can be restored.

    `earliest` and `latest` are None where no point in time can be restored, or the source does not tell.
    """

    backups: tuple[Backup, ...]
    earliest: datetime | None = None
    latest: datetime | None = None
    end_lsn: int | None = None
    end_timeline: int | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Halfway:
    """A place in the WAL at which recovery stops for a look, whose time is not that of the restore."""

    lsn: int
    look: Callable[[str], None]


class Timings(Fact):
    """Where the time of a restore went; together they are the RTO, up to the first smoke query that passed."""

    fetch: timedelta = timedelta(0)
    restore: timedelta = timedelta(0)
    replay: timedelta = timedelta(0)
    open: timedelta = timedelta(0)

    @property
    def whole(self) -> timedelta:
        """All of it."""
        return self.fetch + self.restore + self.replay + self.open


class Restored(Protocol):
    """A restored database that nobody else can reach, read-only until it is opened for writing."""

    @property
    def dsn(self) -> str:
        """The URL of the restored database, as a superuser where there is one."""
        ...

    @property
    def timings(self) -> Timings: ...

    @property
    def target(self) -> RecoveryTarget:
        """To where it was really recovered."""
        ...

    @property
    def said(self) -> tuple[str, ...]:
        """What one must know, such as that a time after the last commit was recovered as `latest`."""
        ...

    @property
    def end_lsn(self) -> int | None:
        """The place in the WAL up to which it was recovered."""
        ...

    @property
    def last_commit(self) -> datetime | None:
        """The time of the last transaction that was recovered."""
        ...

    @property
    def stopped(self) -> datetime | None:
        """The time of the restore point at which recovery stopped, as the WAL has it."""
        ...

    @property
    def bindir(self) -> Path:
        """The programs of the same major version as the restored server."""
        ...

    def next_commit(self) -> Ended | None:
        """Return the first end of a transaction that was not recovered, where the WAL that is at hand has one."""
        ...

    def promote(self) -> None:
        """Let it be written to, since some checks need that."""
        ...


@runtime_checkable
class Source(Protocol):
    """Where the backups of one environment are."""

    @property
    def kind(self) -> SourceKind: ...

    def holdings(self) -> Holdings:
        """Return what there is; raises Unavailable where nobody answers, Refused where nothing is as configured."""
        ...

    def fit(self, backup: Backup) -> None:
        """Look whether the programs here can restore this backup, before anything of it is touched.

        Raises:
            Refused: they are of another version, or not all there; says what to set.
        """
        ...

    def point(self, target: RecoveryTarget, backups: Sequence[Backup]) -> Point | None:
        """Return where in the WAL an LSN or a restore point lies, and the last of these backups that leads there.

        None where this source cannot tell.

        Raises:
            Refused: it is in no WAL that is behind these backups.
        """
        ...

    def verify(
        self, backup: Backup, progress: Progress, *, before: Backup | None = None
    ) -> tuple[Problem, ...]:
        """Read a backup whole, and the WAL behind it, up to the start of `before`; return what is wrong with it."""
        ...

    def restored(
        self,
        backup: Backup,
        target: RecoveryTarget,
        *,
        within: timedelta,
        progress: Progress,
        halfway: Halfway | None = None,
    ) -> AbstractContextManager[Restored]:
        """Restore a backup to a scratch cluster that is gone when the block ends, or when we die.

        `halfway` is called with the URL where the WAL can be stopped at; a place that is not reached is passed over.

        Raises:
            CheckFailed: it cannot be restored, or not up to this target; says why.
            Unavailable: it did not end within the time, or there is no room.
        """
        ...
