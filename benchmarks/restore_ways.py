"""What a restore drill is measured beside: what people do by hand, with pg_restore, and with pgBackRest."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import measure
from cli import demo_production
from cli.demo_production import Production
from ops import embedded, homes, os_user, postmaster, reference, scratch

# pgBackRest as Debian has it knows PostgreSQL up to 15.
_BINDIR_15 = Path("/usr/lib/postgresql/15/bin")
_ROW = 1000
_PGBACKREST = """\
[global]
repo1-path={home}/repo
repo1-retention-full=1
lock-path={home}/lock
log-path={home}/log
log-level-file=off
start-fast=y
compress-type=lz4
process-max=2

[bench]
pg1-path={home}/data
pg1-socket-path={home}
pg1-user=postgres
"""


@dataclass(frozen=True)
class Site:
    """A production of some size, with its backup, its archive and its dump."""

    production: Production
    backup: Path
    dump: Path
    room: Path
    pgbackrest: Path | None

    @property
    def wal(self) -> Path:
        return self.production.folder / "wal"


@contextmanager
def site(size: int) -> Generator[Site]:
    """Make a production with so many MiB of rows, and all that a restore of it needs."""
    with (
        demo_production.running(segment=16) as production,
        tempfile.TemporaryDirectory(dir=homes.on_disk()[0]) as room,
        ExitStack() as ends,
    ):
        # A backup of some size is older than the demo's objective when it is restored.
        config = production.project / "runbooks.toml"
        config.write_text(config.read_text("utf-8").replace('rpo = "1 min"', 'rpo = "1 h"'), "utf-8")
        # Else the server's user could not enter it.
        Path(room).chmod(0o755)
        _fill(production, "filler", size)
        # Else the first read after the backup writes every page into the WAL, for its hint bits.
        production.ask("vacuum (freeze) public.filler")
        backup = production.back_up()
        _forget_older(production, backup)
        reference.keep(production.project, "production", reference.take(production.dsn))
        _fill(production, "later", size // 3)
        production.archive()
        dump = Path(room, "dump")
        command = [production.server.bindir / "pg_dump", "-Fd", "-j", "2", "-f", dump, "-d", production.dsn]
        subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
        yield Site(production, backup, dump, Path(room), _repository(ends, size))


def _forget_older(production: Production, backup: Path) -> None:
    """Remove the WAL that no backup needs any more, as an archive's retention does."""
    production.archive()
    first = (backup / "backup_label").read_text("utf-8").split("(file ")[1].split(")")[0]
    command = (production.server.bindir / "pg_archivecleanup", production.folder / "wal", first)
    ended = os_user.find().run(*command)
    if ended.returncode:
        raise RuntimeError(ended.stderr)


def _fill(production: Production, table: str, size: int) -> None:
    production.ask(_rows(table, size))


def _rows(table: str, size: int) -> str:
    rows = size * 2**20 // _ROW
    return (
        f"create table public.{table} (id bigint primary key, body text);"
        f"insert into public.{table} select i, repeat(md5(i::text), 30) from generate_series(1, {rows}) i"
    )


def _repository(ends: ExitStack, size: int) -> Path | None:
    """Make a repository of pgBackRest with the same rows; none where it is not installed."""
    if not (shutil.which("pgbackrest") and (_BINDIR_15 / "initdb").is_file()):
        return None
    home = Path(ends.enter_context(tempfile.TemporaryDirectory(dir=homes.on_disk()[0])))
    home.chmod(0o755)
    user = os_user.find()
    (home / "repo").mkdir()
    (home / "pgbackrest.conf").write_text(_PGBACKREST.format(home=home))
    user.own(home)
    user.run(_BINDIR_15 / "initdb", "-D", home / "data", "-U", "postgres", "-E", "UTF8", "-k")
    archive = f"pgbackrest --config={home}/pgbackrest.conf --stanza=bench archive-push %p"
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "archive_mode": "on",
        "archive_command": archive,
    }
    with postmaster.running(_BINDIR_15 / "postgres", home / "data", user=user, settings=settings):
        ask = ("psql", "-X", "-h", str(home), "-U", "postgres", "-c", _rows("filler", size), "postgres")
        subprocess.run(ask, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        pgbackrest(home, "stanza-create")
        pgbackrest(home, "backup", "--type=full")
    return home


def pgbackrest(home: Path, *words: str) -> None:
    """Run pgBackRest as the server's user.

    Raises:
        RuntimeError: it failed.
    """
    done = os_user.find().run("pgbackrest", f"--config={home}/pgbackrest.conf", "--stanza=bench", *words)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)


def by_pgbackrest(site: Site) -> float:
    """Restore with pgBackRest alone: no replay, no server, no question."""
    home, data = site.pgbackrest, site.room / "data15"
    assert home
    data.mkdir(mode=0o700)
    os_user.find().own(data)
    try:
        return measure.seconds(lambda: pgbackrest(home, "restore", f"--pg1-path={data}"))
    finally:
        shutil.rmtree(data, ignore_errors=True)


def copied(site: Site) -> float:
    """Copy the backup, and nothing else."""
    target = site.room / "copy"
    try:
        return measure.seconds(lambda: subprocess.run(["cp", "-a", site.backup, target], check=True))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def by_hand(site: Site) -> float:
    """Copy, configure, start, and ask until replay has come to its end."""
    data, user, bindir = site.room / "data", os_user.find(), site.production.server.bindir
    began = time.perf_counter()
    subprocess.run(["cp", "-a", site.backup, data], check=True)
    (data / "postgresql.auto.conf").write_text(
        f"restore_command = 'cp {scratch.shell(site.wal)}/%f %p'\narchive_mode = off\nlisten_addresses = ''\n"
        f"unix_socket_directories = '{site.room}'\nport = 5499\n"
    )
    (data / "recovery.signal").touch()
    user.own(site.room)
    try:
        up = user.run(bindir / "pg_ctl", "-D", data, "-w", "-t", "600", "-l", site.room / "log", "start")
        if up.returncode:
            raise RuntimeError((site.room / "log").read_text("utf-8"))
        dsn = f"host={site.room} port=5499 user={site.production.server.superuser} dbname=postgres"
        done = "select not pg_is_in_recovery() and count(*) > 0 from public.later"
        while user.run(bindir / "psql", "-XAtc", done, dsn).stdout.strip() != "t":
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        user.run(bindir / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)


def from_dump(site: Site) -> float:
    """Restore a dump with two jobs."""
    with embedded.running(settings={"fsync": "on"}) as server:
        dsn = server.dsn("postgres", user=server.superuser)
        command = [
            server.bindir / "pg_restore",
            "--no-owner",
            "-j",
            "2",
            "--schema=public",
            "-d",
            dsn,
            site.dump,
        ]
        words = [str(word) for word in command]
        return measure.seconds(lambda: subprocess.run(words, check=False, capture_output=True))
