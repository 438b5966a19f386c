"""A live cluster that archives its WAL and of which base backups are made, as production does."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ops import embedded, os_user
from ops.backup_settings import Drill, Physical
from ops.physical import PhysicalSource

NAME = "postgres"
DRILL = Drill(fsync=False, scratch=None)


@dataclass(frozen=True)
class Live:
    """The cluster, and the folder of its base backups and its archive."""

    server: embedded.Server
    folder: Path

    @property
    def settings(self) -> Physical:
        return Physical(base=self.folder / "base", wal=self.folder / "wal", bindir=self.server.bindir)

    @property
    def source(self) -> PhysicalSource:
        return PhysicalSource(self.settings, drill=DRILL)

    @property
    def dsn(self) -> str:
        return self.server.dsn(NAME, user=self.server.superuser)

    def ask(self, text: str) -> list[tuple[object, ...]]:
        """Run statements, each a transaction of its own, and return the rows of the last one."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(text.encode())
            while cursor.nextset():
                pass
            return list(cursor.fetchall()) if cursor.description else []

    def now(self) -> datetime:
        """The server's time, after every commit until now and before every one from now on."""
        time.sleep(0.002)
        ((at,),) = self.ask("select clock_timestamp()")
        time.sleep(0.002)
        assert isinstance(at, datetime)
        return at.astimezone(UTC)

    def base_backup(self, name: str, *arguments: str) -> Path:
        """Make a base backup with pg_basebackup itself."""
        into = self.folder / "base" / name
        ended = os_user.find().run(
            *(self.server.bindir / "pg_basebackup", "-D", into, "-h", self.server.host),
            *("-p", str(self.server.port), "-U", self.server.superuser, "--checkpoint=fast", *arguments),
        )
        assert ended.returncode == 0, ended.stderr
        return into

    def archive(self) -> None:
        """Have everything until now archived."""
        ((before,),) = self.ask("select pg_walfile_name(pg_current_wal_insert_lsn())")
        self.ask("select pg_logical_emit_message(false, 'test', 'so that there is something to switch')")
        self.ask("select pg_switch_wal()")
        deadline = time.monotonic() + 60
        while not (self.folder / "wal" / str(before)).exists():
            assert time.monotonic() < deadline, f"{before} was not archived"
            time.sleep(0.02)


@contextmanager
def living(
    bindir: Path | None = None, *, timeout: int = 60, settings: Mapping[str, str] | None = None
) -> Generator[Live]:
    """Run a live cluster; after so many seconds it archives even a part of a segment."""
    user = os_user.find()
    with tempfile.TemporaryDirectory(prefix="backups-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for each in ("base", "wal"):
            (folder / each).mkdir()
        user.own(folder)
        wal = folder / "wal"
        chosen = {
            "archive_mode": "on",
            "archive_timeout": str(timeout),
            "archive_command": f"test ! -f {wal}/%f && cp %p {wal}/.%f && mv {wal}/.%f {wal}/%f",
            "full_page_writes": "on",
            "wal_level": "replica",
            "track_commit_timestamp": "on",
            **(settings or {}),
        }
        with embedded.running(bindir=bindir, settings=chosen) as server:
            yield Live(server, folder)


@pytest.fixture
def live() -> Generator[Live]:
    """A live cluster of the embedded Postgres."""
    with living() as running:
        yield running
