"""What one file does to its session is nothing to the next, whether they share it or not."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from ops import apply, database, errors, reversal
from ops.sessions import Sessions
from tests import projects
from tests.fix_site import MakeSite, Site

# What the file leaves behind, and what the next sees of it.
MARKS = {
    "search path": ("set search_path = auth", "current_setting('search_path') = 'auth'"),
    "role": ("set role anon", "current_user = 'anon'"),
    "session authorization": ("set session authorization default", "session_user <> 'postgres'"),
    "setting": ("set work_mem = '77MB'", "current_setting('work_mem') = '77MB'"),
    "lock timeout": ("set lock_timeout = '77s'", "current_setting('lock_timeout') = '77s'"),
    "isolation": (
        "set session characteristics as transaction isolation level serializable",
        "current_setting('transaction_isolation') = 'serializable'",
    ),
    "setting of its own": ("set app.tenant = 'a'", "current_setting('app.tenant', true) is not null"),
    "setting by function": (
        "select set_config('app.tenant', 'a', false)",
        "current_setting('app.tenant', true) is not null",
    ),
    "temporary table": ("create temp table kept (id int)", "to_regclass('pg_temp.kept') is not null"),
    "prepared statement": (
        "prepare kept as select 1",
        "exists (select from pg_prepared_statements where name = 'kept')",
    ),
    "advisory lock": (
        "select pg_advisory_lock(4712)",
        "exists (select from pg_locks where pid = pg_backend_pid() and locktype = 'advisory')",
    ),
    "setting of the role": (
        "alter role postgres set work_mem = '78MB'",
        "current_setting('work_mem') <> '78MB'",
    ),
}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(lambda path: projects.write(path, migrations={"1_first": "select 1;\n"}))


def run(site: Site, text: str) -> apply.Outcome:
    projects.write(site.root, migrations={"1_first": text})
    (migration,) = site.found()
    return apply.run(site.target, migration.script, reversal.forward_entry(migration))


@pytest.mark.parametrize("mark", MARKS)
def test_the_next_file_sees_nothing_of_it(site: Site, mark: str) -> None:
    leave, seen = MARKS[mark]
    before = run(site, "create table public.first (id int);\n")
    assert before.ok, before.failure
    left = run(site, f"{leave};\n")
    assert left.ok, left.failure
    after = run(site, f"do $$ begin assert not ({seen}), 'it is seen'; end $$;\n")
    assert after.ok, after.failure


def test_files_that_leave_no_mark_share_a_session(site: Site) -> None:
    def backend() -> int:
        run(site, "create table if not exists public.backends as select pg_backend_pid() as pid;\n")
        found = site.connection.execute("select max(pid) from public.backends").fetchone()
        site.connection.execute("drop table public.backends")
        return found[0] if found else 0

    first = backend()
    assert backend() == first
    run(site, "create temp table kept (id int);\n")
    assert backend() != first


def test_a_sequence_of_another_file_has_no_current_value(site: Site) -> None:
    run(site, "create sequence public.numbers; select nextval('public.numbers');\n")
    after = run(site, "select currval('public.numbers');\n")
    assert after.failure is not None
    assert after.failure.sqlstate == psycopg.errors.ObjectNotInPrerequisiteState.sqlstate


def test_after_an_error_the_session_is_a_new_one(site: Site) -> None:
    run(site, "create table public.first (id int);\n")
    failed = run(site, "set work_mem = '77MB'; select 1 / 0;\n")
    assert not failed.ok
    after = run(site, "do $$ begin assert current_setting('work_mem') <> '77MB'; end $$;\n")
    assert after.ok, after.failure


def test_a_session_that_cannot_be_made_as_new_is_closed(shaped: str) -> None:
    def refuse(_: database.Connection) -> None:
        raise errors.Unavailable("it is gone")

    kept = Sessions(lambda: database.connect(shaped), refuse)
    connection = kept.take(new=False)
    kept.keep(connection)
    with pytest.raises(errors.Unavailable, match="it is gone"):
        kept.take(new=False)
    assert connection.closed
    kept.close()


def test_the_wal_of_a_file_is_its_own(site: Site, tmp_path: Path) -> None:
    large = run(site, "create table public.large as select repeat('x', 100) from generate_series(1, 5000);\n")
    small = run(site, "select 1;\n")
    assert large.wal_bytes is not None
    assert small.wal_bytes is not None
    assert small.wal_bytes < 20_000 < 500_000 < large.wal_bytes
