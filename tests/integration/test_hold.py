"""A database is rehearsed on only if it says so itself, one run at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ops import database, embedded, errors, hold, journal, marker, plan, rehearsal
from ops.choices import Choices
from ops.evidence import Evidence
from tests import fix_command, fix_postgres, projects
from tests.polling import wait_until

CONFIG = """
[environments.staging]
place = "in-place"
database = "env:STAGING_URL"
rehearse = true

[environments.production]
place = "in-place"
database = "env:PRODUCTION_URL"
rehearse = true
guarded = true
"""
Take = Callable[..., Evidence]


@pytest.fixture
def take(tmp_path: Path, shaped: str, monkeypatch: pytest.MonkeyPatch) -> Take:
    """Take hold of a database, as a rehearsal of a project does, and let it go again."""
    root = projects.write(tmp_path, migrations={projects.NOTES: projects.CREATE_NOTES}, config=CONFIG)
    monkeypatch.delenv("PRODUCTION_URL", raising=False)

    def taking(dsn: str = shaped, *, environment: str = "staging", run: str = "rehearse-1") -> Evidence:
        monkeypatch.setenv("STAGING_URL", dsn)
        with rehearsal.opened(plan.rehearsal(str(root), environment, Choices()), run) as rehearsing:
            return hold.take(rehearsing)

    return taking


def _execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _marking(dsn: str) -> marker.Marking:
    with database.connect(dsn) as connection:
        return marker.read(connection)


def test_an_empty_database_becomes_ours(take: Take, shaped: str) -> None:
    assert _marking(shaped).empty
    assert (
        take().summary
        == "The database was empty, and is marked now and may be rehearsed on; rehearse-1 holds its lock."
    )
    found = _marking(shaped)
    assert (found.environment, found.rehearse, found.same_database) == ("staging", True, True)
    _execute(shaped, "create table public.t (id int)")
    assert "says that it is 'staging'" in take().summary


@pytest.mark.parametrize(
    "thing",
    [
        "create table public.t (id int)",
        "create function public.f() returns int language sql as 'select 1'",
        "create type public.mood as enum ('a')",
        "create sequence public.s",
        "create schema app",
        "create schema supabase_migrations",
    ],
)
def test_a_database_that_is_neither_marked_nor_empty_is_refused(take: Take, shaped: str, thing: str) -> None:
    _execute(shaped, thing)
    with pytest.raises(errors.Refused, match="does not say that it may be rehearsed on, and it is not empty"):
        take()
    assert _marking(shaped).environment is None


def test_a_database_with_users_is_not_empty(take: Take, shaped: str, shaped_admin: str) -> None:
    _execute(shaped_admin, "insert into auth.users (id) values (gen_random_uuid())")
    with pytest.raises(errors.Refused, match="is not empty"):
        take()


def test_the_command_marks_a_database(take: Take, shaped: str) -> None:
    _execute(shaped, "create table public.t (id int)")
    words = ("mark", "env:STAGING_URL", "--environment")
    done = fix_command.run(*words, "staging", STAGING_URL=shaped)
    assert (done.returncode, done.stderr) == (0, "")
    assert "says that it is 'staging' and may be rehearsed on" in done.stdout
    assert take().ok
    assert fix_command.run(*words, "staging", "--no-rehearse", STAGING_URL=shaped).returncode == 0
    with pytest.raises(errors.Refused, match="says that it is 'staging' and not to be rehearsed on"):
        take()
    assert fix_command.run(*words, "preview", STAGING_URL=shaped).returncode == 0
    with pytest.raises(
        errors.Refused, match="says that it is 'preview', and the environment asked for is 'staging'"
    ):
        take()


def test_a_copy_of_a_marked_database_is_refused_until_it_is_marked_itself(
    take: Take, server: embedded.Server, shaped: str, shaped_name: str
) -> None:
    take()
    with fix_postgres.fresh_database(server, template=shaped_name) as copied:
        copy = server.dsn(copied)
        with pytest.raises(errors.Refused, match="is a copy: its marker was made for another one"):
            take(copy)
        with database.connect(copy) as connection:
            marker.write(connection, "staging", rehearse=True)
        assert take(copy).ok
    assert take(shaped).ok


def test_a_guarded_environment_is_refused(take: Take) -> None:
    with pytest.raises(errors.Refused, match="'production' is guarded"):
        take(environment="production")


def test_a_guarded_database_is_refused_however_its_dsn_came_in(
    take: Take, shaped: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODUCTION_URL", shaped.replace("postgres@", "another@"))
    with pytest.raises(errors.Refused, match="leads to the database of the environment 'production'"):
        take()
    assert _marking(shaped).environment is None
    monkeypatch.setenv("PRODUCTION_URL", shaped.replace("/test_", "/live_"))
    assert take().ok


def test_a_second_run_is_refused_with_the_name_of_the_first(take: Take, shaped: str) -> None:
    take()
    busy = "Another run is working on this database: rehearse-first"
    with journal.held(shaped, "rehearse-first"), pytest.raises(errors.Refused, match=busy):
        take(run="rehearse-second")
    assert take(run="rehearse-second").ok


def test_two_databases_of_one_server_do_not_lock_each_other_out(
    take: Take, server: embedded.Server, shaped: str
) -> None:
    with fix_postgres.fresh_database(server) as other, journal.held(server.dsn(other), "elsewhere"):
        assert take(shaped).ok


def test_a_lock_that_is_lost_is_noticed(shaped: str) -> None:
    with database.connect(shaped) as connection, journal.held(shaped, "rehearse-1") as holder:
        journal.verify_held(connection, holder)
        connection.execute("select pg_terminate_backend(%s)", (holder,))
        gone = "select not exists (select from pg_stat_activity where pid = %s)"
        wait_until(lambda: connection.execute(gone, (holder,)).fetchone() == (True,))
        with pytest.raises(errors.Unavailable, match="lock is gone"):
            journal.verify_held(connection, holder)


def test_an_empty_database_of_a_plain_server_gets_the_shape(take: Take, bare: str) -> None:
    assert take(bare).ok
    assert _marking(bare).shaped


def test_a_plain_database_that_nobody_may_shape_is_said_to_lack_it(
    take: Take, server: embedded.Server, bare: str
) -> None:
    name = conninfo.conninfo_to_dict(bare)["dbname"]
    assert take(server.dsn(str(name))).ok
    assert not _marking(bare).shaped
