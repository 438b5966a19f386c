"""A real cluster that archives its WAL with a real archive_command, and real base backups of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ops import embedded, os_user
from ops.backup_settings import Physical
from ops.embedded import Server
from tests.fix_postgres import DEBIAN_15 as DEBIAN_15
from tests.polling import wait_until

# As docs/base-backup.md gives it for where there is no Python.
COPY = (
    "if [ -f {wal}/%f ]; then cmp -s %p {wal}/%f; else cp %p {wal}/.%f.tmp && sync {wal}/.%f.tmp"
    " && mv -n {wal}/.%f.tmp {wal}/%f && sync {wal}; fi"
)

# A backup flushes each of a thousand files, which a disk takes seconds for.
_MEMORY = Path("/dev/shm")


@dataclass
class Archiving:
    """A cluster with its archive and its backups, and what one does to them."""

    server: Server
    settings: Physical

    @property
    def dsn(self) -> str:
        return self.server.dsn(user=self.server.superuser)

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement; return its rows."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement)  # pyright: ignore[reportCallIssue, reportArgumentType]
            return cursor.fetchall() if cursor.description else []

    def set(self, **settings: str) -> None:
        """Change settings of the server, and wait until it has them."""
        for name, value in settings.items():
            self.run(f"alter system set {name} = $value${value}$value$")
        self.run("select pg_reload_conf()")
        asked = "select reset_val from pg_settings where name = '{}'"
        for name, value in settings.items():
            wait_until(lambda name=name, value=value: self.run(asked.format(name)) == [(value,)])

    def write(self, rows: int = 1000) -> None:
        """Write some WAL."""
        self.run("create table if not exists public.things (id bigserial primary key, body text)")
        self.run(
            f"insert into public.things (body) select repeat(md5(n::text), 8) from generate_series(1, {rows}) n"
        )

    def switch(self) -> str:
        """End a segment and wait until it is archived; return its name."""
        ((name,),) = self.run("select pg_walfile_name(pg_current_wal_insert_lsn())")
        self.run("select pg_logical_emit_message(false, 'test', 'so that there is something to switch')")
        self.run("select pg_switch_wal()")
        wait_until(lambda: (self.settings.wal / str(name)).is_file())
        return str(name)

    def fill(self, segments: int) -> list[str]:
        """Write so many segments."""
        names: list[str] = []
        for _ in range(segments):
            self.write(200)
            names.append(self.switch())
        return names

    def backup(self, name: str, *options: str) -> Path:
        """Take a base backup as people do."""
        folder = self.settings.base / name
        subprocess.run(
            [
                *(self.server.bindir / "pg_basebackup", "--dbname", self.dsn, "--pgdata", folder),
                *("--checkpoint", "fast", "--no-sync", *(options or ("--wal-method", "none"))),
            ],
            check=True,
            capture_output=True,
        )
        return folder


@contextmanager
def archiving(*, bindir: Path | None = None, command: str = COPY, **settings: str) -> Generator[Archiving]:
    """Start a cluster that archives; its folders are gone when the block ends."""
    home = Path(tempfile.mkdtemp(prefix="backups-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        (home / "base").mkdir()
        (home / "wal").mkdir()
        home.chmod(0o755)
        os_user.find().own(home / "wal")
        wanted = {"archive_mode": "on", "full_page_writes": "on"}
        if bindir is None:
            wanted["summarize_wal"] = "on"
        with embedded.running(bindir=bindir, settings=wanted) as server:
            cluster = Archiving(server, Physical(base=home / "base", wal=home / "wal", bindir=bindir))
            # Not given at its start, so that a test can set another one.
            cluster.set(archive_command=command.format(wal=home / "wal"), **settings)
            yield cluster
    finally:
        shutil.rmtree(home, ignore_errors=True)


def flip(path: Path, at: int) -> None:
    """Change one byte of a file, so that it is another one."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 0x55]))
