"""Makes a logical backup: roles, schema and data of a Supabase project, as of one moment, whole or not at all.

What is left out is what `supabase db dump` leaves out, since the platform or an extension makes it anew; but the
schemas of auth and storage are kept with their rows, so that policies and triggers on them are not lost, and so is
the history of migrations.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import binaries, connectivity, database, errors, logical_manifest, logical_programs, queries
from ops.backup_settings import Logical
from ops.backups import Progress
from ops.logical_manifest import Manifest

ROLES, ARCHIVE = "roles.sql", "project"
_PARTIAL = ".partial-"
_LOCK = ".lock"
_LEFT_OUT = (
    *("_analytics", "_realtime", "_supavisor", "etl", "extensions", "graphql", "graphql_public", "pgbouncer"),
    *(
        "pgsodium",
        "pgsodium_masks",
        "pgtle",
        "realtime",
        "repack",
        "tiger",
        "tiger_data",
        "topology",
        "vault",
    ),
    *("timescaledb_*", "_timescaledb_*"),
)
_WITHIN = timedelta(hours=4)


def make_dump(
    settings: Logical,
    dsn: str,
    *,
    within: timedelta = _WITHIN,
    progress: Progress = lambda _done, _whole, _what: None,
) -> Path:
    """Dump the project behind a DSN, which may go through the session pooler, into a new folder; return that.

    Raises:
        Refused: the folder is not there, another dump is being made, the programs are older than the server, or the
            DSN goes through a pooler that keeps no session.
        Unavailable: nobody answers, it did not end within the time, or there is no room.
        CheckFailed: something cannot be dumped.
    """
    bindir = binaries.find(settings.bindir)
    connectivity.check(dsn, needs_session=True, needs_writes=False)
    with alone(settings.folder) as lock, database.translating(), database.connect(dsn) as connection:
        connection.execute("begin transaction isolation level repeatable read, read only")
        began = datetime.now(UTC)
        row = connection.execute(queries.load("logical/server")).fetchone()
        version, system, lsn, size, snapshot = row or ("", "", "", 0, "")
        work = settings.folder / f"{_PARTIAL}{began:%Y%m%dT%H%M%SZ}"
        work.mkdir(mode=0o700)
        dump = _Dump(bindir.bindir, work, dsn, within, lock)
        dump.roles()
        dump.project(snapshot, settings.jobs, lambda done: progress(done, size, "bytes dumped, compressed"))
        manifest = Manifest(
            began=began,
            ended=datetime.now(UTC),
            database=connection.info.dbname,
            server_version=version,
            dumped_by=bindir.version,
            system_identifier=system,
            lsn=lsn,
            database_size=size,
            files={name: logical_manifest.hashed(path) for name, path in logical_manifest.files(work)},
        )
        return _finished(work, manifest, settings.folder / f"{began:%Y%m%dT%H%M%SZ}")


class _Dump:
    def __init__(self, bindir: Path, work: Path, dsn: str, within: timedelta, lock: int) -> None:
        self._bindir = bindir
        self._work = work
        self._dsn = dsn
        self._within = within
        self._lock = lock

    def roles(self) -> None:
        """Write the roles; no passwords, since hosted Supabase shows them to nobody."""
        with (self._work / ROLES).open("wb") as output:
            code, said = logical_programs.run(
                self._bindir / "pg_dumpall",
                ("--roles-only", "--no-role-passwords", "--quote-all-identifiers", "--no-password"),
                dsn=self._dsn,
                within=self._within,
                said=self._said,
                output=output,
                keep=self._lock,
            )
        self._judge("pg_dumpall", code, said)

    def project(self, snapshot: str, jobs: int, told: Callable[[int], None]) -> None:
        """Write schema and data as they were at a snapshot that we hold."""
        code, said = logical_programs.run(
            self._bindir / "pg_dump",
            (
                *("--format=directory", f"--jobs={jobs}", f"--snapshot={snapshot}", "--no-password"),
                *("--file", self._work / ARCHIVE, "--no-sync"),
                *(f"--exclude-schema={each}" for each in _LEFT_OUT),
            ),
            dsn=self._dsn,
            within=self._within,
            said=self._said,
            keep=self._lock,
            looking=lambda: told(_size(self._work)),
        )
        self._judge("pg_dump", code, said)

    @property
    def _said(self) -> Path:
        return self._work.with_name(f"{self._work.name}.said")

    def _judge(self, program: str, code: int, said: str) -> None:
        self._said.unlink(missing_ok=True)
        if code == 0:
            return
        text = " ".join(said.split())[:600]
        if "server version mismatch" in said:
            raise errors.Refused(f"{text} Name newer programs as `bindir` of backups.logical.")
        passing = "No space left" in said or "could not connect" in said or "connection to server" in said
        kind = errors.Unavailable if passing else errors.CheckFailed
        raise kind(f"{program} ended with {code}, so there is no backup: {text}")


@contextmanager
def alone(folder: Path) -> Generator[int]:
    """Hold the lock of the folder, which a dump that outlives us would hold too; remove what the dead left."""
    if not folder.is_dir():
        raise errors.Refused(
            f"{folder}, the `folder` of backups.logical, is no folder. Make it, or name another."
        )
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _take(lock, folder)
        _remove_partial(folder)
        try:
            yield lock
        finally:
            _remove_partial(folder)
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise errors.Refused(
            f"A dump into {folder} is being made already. Wait until it has ended."
        ) from None


def _remove_partial(folder: Path) -> None:
    for path in folder.glob(f"{_PARTIAL}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def _finished(work: Path, manifest: Manifest, final: Path) -> Path:
    """Give the dump its name once all of it is on the disk."""
    logical_manifest.write(work, manifest)
    for path in (*work.rglob("*"), work):
        file = os.open(path, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
    work.rename(final)
    return final


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for _, path in logical_manifest.files(folder))
