"""Logical backups: folders of `pg_dump -Fd` with their roles, which restore to the moment of the dump and no other.

Source: supabase-operations.md, "Backup & Restore".
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import sql

from ops import (
    backup_settings,
    binaries,
    database,
    embedded,
    errors,
    homes,
    logical_manifest,
    logical_restore,
    recovery_target,
)
from ops.backup_settings import Drill
from ops.backups import Backup, Ended, Halfway, Holdings, Point, Problem, Progress, SourceKind, Timings
from ops.recovery_target import RecoveryTarget, TargetKind

_DRILL = Drill()
_LATEST = RecoveryTarget()
_LIST_WITHIN = timedelta(minutes=10)
_DATABASE = "restored"
_NEW = "Make a new dump now, and look what became of this one; restore from an older one until then."


@dataclass(frozen=True)
class Database:
    """A restored database on a server of our own."""

    server: embedded.Server
    timings: Timings
    said: tuple[str, ...] = ()
    name: str = _DATABASE
    target: RecoveryTarget = _LATEST
    end_lsn: int | None = None
    last_commit: datetime | None = None
    stopped: datetime | None = None

    @property
    def dsn(self) -> str:
        return self.server.dsn(self.name, user=self.server.superuser)

    @property
    def bindir(self) -> Path:
        return self.server.bindir

    def next_commit(self) -> Ended | None:
        """A dump has no WAL."""
        return None

    def promote(self) -> None:
        """Let it be written to by whoever connects from now on."""
        _read_only(self.server, self.name, "off")


@dataclass(frozen=True)
class LogicalSource:
    """The dumps of one environment."""

    settings: backup_settings.Logical
    drill: Drill = _DRILL

    @property
    def kind(self) -> SourceKind:
        return "logical"

    def holdings(self) -> Holdings:
        """Return which dumps there are; a point in time cannot be restored from any.

        Raises:
            Refused: there is no such folder.
        """
        if not self.settings.folder.is_dir():
            raise errors.Refused(
                f"{self.settings.folder} is no folder, so there is no dump to restore. Mend `folder` of "
                "backups.logical, or make the first dump."
            )
        backups: list[Backup] = []
        problems: list[Problem] = []
        for folder in sorted(self.settings.folder.iterdir()):
            if folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                backups.append(_backup(folder))
            except errors.CheckFailed as error:
                problems.append(_problem("manifest-damaged", folder.name, str(error), blocks=False))
        backups.sort(key=lambda each: each.ended)
        return Holdings(backups=tuple(backups), problems=tuple(problems))

    def fit(self, backup: Backup) -> None:
        """Look whether pg_restore is as new as the dump; raises Refused where it is older."""
        found = binaries.find(self.settings.bindir)
        if found.major < backup.major:
            binaries.fitting(found.bindir, of=backup.id, major=backup.major, key="backups.logical.bindir")

    def point(self, target: RecoveryTarget, backups: Sequence[Backup]) -> Point | None:
        """A dump has no WAL."""
        return None

    def verify(
        self, backup: Backup, progress: Progress, *, before: Backup | None = None
    ) -> tuple[Problem, ...]:
        """Read every file of a dump, and let pg_restore read its table of contents."""
        folder = self._folder(backup)
        try:
            manifest = logical_manifest.read(folder)
        except errors.CheckFailed as error:
            return (_problem("manifest-damaged", backup.id, str(error)),)
        done, found = 0, list[Problem]()

        def told(size: int) -> None:
            nonlocal done
            done += size
            progress(done, manifest.size, "bytes of the dump read")

        there = dict(logical_manifest.files(folder))
        for name, written in manifest.files.items():
            if name not in there:
                found.append(_problem("file-missing", name, f"{name} of {backup.id} is missing."))
            elif logical_manifest.hashed(there[name], told) != written:
                found.append(
                    _problem("file-damaged", name, f"{name} of {backup.id} is not as it was written.")
                )
        for name in sorted(there.keys() - manifest.files.keys()):
            found.append(
                _problem("file-extra", name, f"{name} of {backup.id} was added to it.", blocks=False)
            )
        return (*found, *self._unlisted(folder))

    @contextmanager
    def restored(
        self,
        backup: Backup,
        target: RecoveryTarget,
        *,
        within: timedelta,
        progress: Progress,
        halfway: Halfway | None = None,
    ) -> Generator[Database]:
        """Restore a dump to a scratch server that is gone when the block ends, or when we die.

        `halfway` is passed over: a dump has only one moment.

        Raises:
            Refused: another target than `latest` is asked for.
            CheckFailed: it cannot be restored; says why.
            Unavailable: it did not end within the time, or there is no room.
        """
        if target.kind is not TargetKind.LATEST:
            raise errors.Refused(
                f"A dump can only be restored as of the moment at which it was made, and not to {target}. "
                "Restore `latest`, or configure a source that has the WAL."
            )
        began, folder = time.monotonic(), self._folder(backup)
        manifest = logical_manifest.read(folder)
        settings = {"fsync": "on" if self.drill.fsync else "off", "autovacuum": "off", "max_wal_size": "16GB"}
        among = (self.drill.scratch,) if self.drill.scratch else homes.on_disk()
        with embedded.running(bindir=self.settings.bindir, settings=settings, among=among) as server:
            embedded.create_database(server, _DATABASE)
            fetched = time.monotonic()
            said = logical_restore.roles(server, folder)
            said += logical_restore.project(
                server,
                _DATABASE,
                backup,
                folder=folder,
                jobs=self.settings.jobs,
                size=manifest.database_size,
                within=within - timedelta(seconds=fetched - began),
                progress=progress,
            )
            _read_only(server, _DATABASE, "on")
            spent = Timings(
                fetch=timedelta(seconds=fetched - began),
                restore=timedelta(seconds=time.monotonic() - fetched),
            )
            yield Database(server, spent, (*_other_version(manifest.major, server.major), *said))

    def _folder(self, backup: Backup) -> Path:
        folder = self.settings.folder / backup.id
        if not folder.is_dir():
            raise errors.CheckFailed(
                f"{backup.id} is not in {self.settings.folder} any more. Choose another dump."
            )
        return folder

    def _unlisted(self, folder: Path) -> tuple[Problem, ...]:
        try:
            logical_restore.listing(binaries.find(self.settings.bindir).bindir, folder, _LIST_WITHIN)
        except errors.CheckFailed as error:
            return (_problem("archive-unreadable", folder.name, str(error)),)
        return ()


def _backup(folder: Path) -> Backup:
    manifest = logical_manifest.read(folder)
    place = recovery_target.lsn(manifest.lsn)
    return Backup(
        id=folder.name,
        kind="logical",
        began=manifest.began,
        ended=manifest.ended,
        major=manifest.major,
        size=manifest.size,
        path=folder,
        system_identifier=manifest.system_identifier,
        start_lsn=place,
        stop_lsn=place,
    )


def _problem(kind: str, name: str, said: str, *, blocks: bool = True) -> Problem:
    return Problem(kind=kind, object=name, said=said, todo=_NEW, blocks=blocks)


def _other_version(dumped: int, restored: int) -> tuple[str, ...]:
    if dumped == restored:
        return ()
    return (f"The dump is of PostgreSQL {dumped}, and was restored on {restored}.",)


def _read_only(server: embedded.Server, name: str, value: str) -> None:
    with database.connect(server.dsn(user=server.superuser)) as connection, database.translating():
        connection.execute(
            sql.SQL("alter database {} set default_transaction_read_only = {}").format(
                sql.Identifier(name), sql.SQL("on") if value == "on" else sql.SQL("off")
            )
        )
