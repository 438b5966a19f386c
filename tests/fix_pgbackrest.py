"""A real repository of pgBackRest: two backups of a PostgreSQL 15, and the WAL with known points in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from ops import os_user, postmaster
from ops.backup_settings import Drill, PgBackRest
from ops.pgbackrest import PgBackRestSource
from tests.fix_postgres import DEBIAN_15
from tests.polling import wait_until

STANZA = "demo"
SUPERUSER = "postgres"
_STEP = 100
_CONFIG = """\
[global]
repo1-path={repo}
repo1-retention-full=9
lock-path={home}/lock
log-path={home}/log
log-level-file=off
start-fast=y
compress-type={compress}
archive-timeout=60

[demo]
pg1-path={home}/data
pg1-socket-path={home}
pg1-user={user}

# What leads a restore to the live cluster, if nobody minds.
[demo:restore]
link-all=y
delta=y
"""


@dataclass(frozen=True)
class Repository:
    """A repository and the points that were noted as it was made; rows are those of `kept` at each point."""

    home: Path
    full: str
    incremental: str
    at: datetime
    lsn: str
    name: str
    rows: int
    all_rows: int

    def copied(self, to: Path) -> Damaged:
        """Return a copy that a test may damage."""
        user = os_user.find()
        to.mkdir(mode=0o755)
        shutil.copytree(self.home / "repo", to / "repo")
        user.own(to)
        return Damaged(self, to)


@dataclass(frozen=True)
class Damaged:
    """A copy of a repository; what is damaged in it is named by its path in there."""

    made: Repository
    home: Path

    @property
    def source(self) -> PgBackRestSource:
        return source(self.home, self.home / "repo")

    def archived(self, number: int) -> Path:
        """The file of a segment of WAL."""
        (found,) = (self.home / "repo/archive/demo").rglob(f"00000001{number:016X}-*")
        return found

    def backup(self, label: str, name: str = "") -> Path:
        return self.home / "repo/backup/demo" / label / name


def source(home: Path, repo: Path) -> PgBackRestSource:
    """Return the source as an environment would have it."""
    config = home / "pgbackrest.conf"
    config.write_text(_CONFIG.format(repo=repo, home=home, user=SUPERUSER, compress="none"))
    return PgBackRestSource(PgBackRest(stanza=STANZA, config=config), Drill(scratch=_place()))


def _place() -> Path:
    """In memory, where there is room, the thousand files of a backup take a third of the time."""
    memory = Path("/dev/shm")
    is_roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1024**3
    return memory if is_roomy else Path("/tmp")


@pytest.fixture(scope="session")
def pgbackrest_repository() -> Generator[Repository]:
    """The repository that no test may change."""
    assert shutil.which("pgbackrest"), "pgbackrest is not installed; .ci/run installs it."
    with _folder() as home:
        with _server(home):
            made = _made(home)
        yield made


@pytest.fixture
def damaged(pgbackrest_repository: Repository) -> Generator[Damaged]:
    """A copy that a test may damage."""
    with _folder() as home:
        yield pgbackrest_repository.copied(home / "copy")


@contextmanager
def _folder() -> Generator[Path]:
    """A folder that the server's user may enter, which it may not those of pytest."""
    with tempfile.TemporaryDirectory(prefix="pgbackrest-", dir=_place()) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def _server(home: Path) -> Generator[None]:
    user = os_user.find()
    (home / "repo").mkdir()
    (home / "beside").mkdir()
    source(home, home / "repo")
    user.own(home)
    done = user.run(
        *(DEBIAN_15 / "initdb", "-D", home / "data", "-U", SUPERUSER, "-E", "UTF8", "-k", "--no-sync")
    )
    assert done.returncode == 0, done.stderr
    program = f"pgbackrest --config={home}/pgbackrest.conf --stanza={STANZA}"
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "archive_mode": "on",
        "archive_command": f"{program} archive-push %p",
        "fsync": "off",
        "autovacuum": "off",
    }
    with postmaster.running(DEBIAN_15 / "postgres", home / "data", user=user, settings=settings):
        yield


def _made(home: Path) -> Repository:
    run(home, "stanza-create")
    with psycopg.connect(f"host={home} user={SUPERUSER} dbname=postgres", autocommit=True) as connection:
        connection.execute("create table kept (id int primary key)")
        connection.execute(f"create tablespace beside location '{home}/beside'".encode())
        connection.execute("create table spaced tablespace beside as select 1 as id")
        _insert(connection, 1)
        run(home, "--type=full", "backup")
        _insert(connection, 2)
        _archive(home, connection)
        _insert(connection, 3)
        ((lsn, name),) = connection.execute(
            "select pg_current_wal_lsn()::text, pg_create_restore_point('before-deploy')::text"
        ).fetchall()
        ((at,),) = connection.execute("select clock_timestamp()").fetchall()
        # A commit in the same microsecond would be recovered too.
        connection.execute("select pg_sleep(0.01)")
        _insert(connection, 4)
        _archive(home, connection)
        run(home, "--type=incr", "backup")
        _insert(connection, 5)
        _archive(home, connection)
        _insert(connection, 6)
        _archive(home, connection)
    full, incremental = sorted(path.name for path in (home / "repo/backup/demo").glob("2*F*"))
    assert name
    return Repository(home, full, incremental, at, lsn, "before-deploy", 3 * _STEP, 6 * _STEP)


def _insert(connection: psycopg.Connection, step: int) -> None:
    first = (step - 1) * _STEP + 1
    connection.execute("insert into kept select generate_series(%s::int, %s::int)", (first, step * _STEP))


def _archive(home: Path, connection: psycopg.Connection) -> None:
    ((segment,),) = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchall()
    wait_until(lambda: any((home / "repo/archive/demo").rglob(f"{segment}-*")), seconds=60)


def run(home: Path, *words: str) -> None:
    """Run pgBackRest as the server's user, as those who make the backups do."""
    user = os_user.find()
    done = user.run("pgbackrest", f"--config={home}/pgbackrest.conf", f"--stanza={STANZA}", *words)
    assert done.returncode == 0, done.stdout + done.stderr
