"""A throw-away database that is copied from a template on somebody's server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from flows.staging_rehearsal import staging_rehearsal
from ops import embedded, errors
from ops.choices import Choices
from ops.verdict import Rehearsal
from tests import projects
from tests.fix_postgres import fresh_database
from tests.polling import wait_until

CONFIG = """\
[environments.copy]
database = "file:{secret}"
template = "{template}"
"""
SLOW = "select pg_sleep(60);\n"


@pytest.fixture
def template(server: embedded.Server) -> Generator[str]:
    """A database with a table and rows of its own, which `postgres` may copy."""
    with fresh_database(server) as name:
        run(server, name, "create table public.kept (id int primary key)")
        run(server, name, "alter table public.kept enable row level security")
        run(server, name, "create policy reading on public.kept for select to authenticated using (true)")
        run(server, name, "insert into public.kept select generate_series(1, 7)")
        run(server, "postgres", "alter role postgres createdb")
        yield name


def run(server: embedded.Server, name: str, statement: str) -> None:
    user = "postgres" if name != "postgres" else server.superuser
    with psycopg.connect(server.dsn(name, user=user), autocommit=True) as connection:
        connection.execute(statement.encode())


def made(server: embedded.Server) -> list[str]:
    with psycopg.connect(server.dsn()) as connection:
        found = connection.execute("select datname from pg_database where datname ~ '^runbooks_'").fetchall()
    return [name for (name,) in found]


def configured(root: Path, server: embedded.Server, template: str) -> Path:
    secret = root / "server.dsn"
    secret.write_text(server.dsn())
    (root / "runbooks.toml").write_text(CONFIG.format(secret=secret, template=template))
    return root


def rehearse(root: Path) -> Rehearsal:
    try:
        return staging_rehearsal.fn(str(root), "copy", Choices(out=str(root / "out")))
    except errors.CheckFailed as error:
        return Rehearsal.model_validate(error.evidence)


def test_the_proofs_see_the_rows_of_the_template(server: embedded.Server, template: str, tmp_path: Path):
    root = configured(projects.sound(tmp_path), server, template)
    up = "update public.kept set id = id + 100;\n"
    (root / "supabase/migrations/20260401000000_move.sql").write_text(up)
    (root / "supabase/rollbacks/20260401000000_move.sql").write_text(
        "delete from public.kept where id > 105;\n"
    )
    found = rehearse(root)
    moved = found.migrations[-1].rollback
    assert (moved.status, moved.rows_seen) == ("differs", 7)
    assert [(d.kind, d.object) for d in moved.differences] == [("rows", "public.kept")]
    assert made(server) == []
    with psycopg.connect(server.dsn(template)) as connection:
        assert connection.execute("select count(*), max(id) from public.kept").fetchone() == (7, 7)


def test_a_sound_project_passes(server: embedded.Server, template: str, tmp_path: Path):
    found = rehearse(configured(projects.sound(tmp_path), server, template))
    assert found.ok, found.findings
    assert found.counts.rollbacks_proven == 3


def test_a_template_in_use_is_refused_by_name(server: embedded.Server, template: str, tmp_path: Path):
    root = configured(projects.sound(tmp_path), server, template)
    with (
        psycopg.connect(server.dsn(template), application_name="the dashboard"),
        pytest.raises(errors.Refused, match=rf"{template} is in use by the dashboard \(pid \d+\)"),
    ):
        rehearse(root)
    assert made(server) == []


def test_a_template_that_is_not_there_is_refused(server: embedded.Server, template: str, tmp_path: Path):
    root = configured(projects.sound(tmp_path), server, "no_such_template")
    with pytest.raises(errors.Refused, match="no database no_such_template to copy"):
        rehearse(root)


def test_a_login_that_may_not_create_databases_is_refused(
    server: embedded.Server, template: str, tmp_path: Path
):
    run(server, "postgres", "alter role postgres nocreatedb")
    with pytest.raises(errors.Refused, match="needs CREATEDB"):
        rehearse(configured(projects.sound(tmp_path), server, template))


def test_what_a_killed_rehearsal_left_is_dropped_by_the_next(
    server: embedded.Server, template: str, tmp_path: Path
):
    root = configured(projects.sound(tmp_path), server, template)
    slow = root / "supabase/migrations/20260501000000_slow.sql"
    slow.write_text(SLOW)
    command = [Path(sys.executable).parent / "runbooks", "rehearse", root, "--environment", "copy"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: sleeping(server), seconds=60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    left = made(server)
    assert len(left) == 2
    slow.unlink()
    wait_until(lambda: not locked(server), seconds=60)
    assert rehearse(root).ok
    assert made(server) == []


def sleeping(server: embedded.Server) -> bool:
    with psycopg.connect(server.dsn(user=server.superuser)) as connection:
        query = "select count(*) from pg_stat_activity where query ~ 'pg_sleep' and pid <> pg_backend_pid()"
        return connection.execute(query).fetchone() != (0,)


def locked(server: embedded.Server) -> bool:
    with psycopg.connect(server.dsn(user=server.superuser)) as connection:
        query = sql.SQL("select count(*) from pg_locks where locktype = 'advisory' and classid = 1398096451")
        return connection.execute(query).fetchone() != (0,)
