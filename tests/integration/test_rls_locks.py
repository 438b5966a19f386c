"""The trial of many tables holds few locks at once: the room for them is the app's as well."""

from __future__ import annotations

from collections.abc import Generator

import psycopg
import pytest

from ops import database, embedded, rls_trial
from ops.rls_trial import Trial
from tests.fix_postgres import fresh_database

TABLES = 300
# Of 30 sessions with 30 locks each; a table with its trial takes an eighth of it at most.
ROOM = {
    "max_locks_per_transaction": "30",
    "max_connections": "30",
    "max_wal_senders": "0",
    "max_worker_processes": "2",
}
# Whoever writes a row says how many locks the trial holds at that time.
MAKE = """\
create function public.locks() returns trigger language plpgsql as $$ begin
raise notice 'locks %', (select count(*) from pg_catalog.pg_locks where pid = pg_backend_pid());
return coalesce(new, old); end $$;
grant execute on function public.locks to public;
"""
TABLE = """\
create table public.t{n} (id bigint generated always as identity primary key, owner_id uuid not null, said text, x int);
create index on public.t{n} (owner_id);
create index on public.t{n} (said);
alter table public.t{n} enable row level security;
create policy p on public.t{n} for all to authenticated using (owner_id = (select auth.uid()));
create trigger locks after insert or update or delete on public.t{n}
for each row execute function public.locks();
"""
HUB = """\
create table public.hub (id bigint generated always as identity primary key, owner_id uuid not null);
alter table public.hub enable row level security;
create policy p on public.hub for all to authenticated using (owner_id = (select auth.uid()));
"""


@pytest.fixture(scope="module")
def server() -> Generator[embedded.Server]:
    """A server with room for few locks."""
    with embedded.running(settings=ROOM) as running:
        yield running


@pytest.fixture
def dsn(server: embedded.Server) -> Generator[str]:
    with fresh_database(server) as name:
        yield server.dsn(name)


def make(dsn: str, *texts: str) -> None:
    """Run each text in a transaction of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in texts:
            connection.execute(text.encode())


def tried(dsn: str) -> tuple[Trial, list[int]]:
    """Return what came of a trial, and the locks that it held each time a row was written."""
    held: list[int] = []
    with database.connect(dsn) as connection:
        connection.add_notice_handler(
            lambda said: held.append(int((said.message_primary or "").removeprefix("locks ")))
        )
        return rls_trial.run(connection, schemas=["public"], samples={}), held


def test_the_locks_of_many_tables_do_not_pile_up(dsn: str):
    make(dsn, MAKE, *(TABLE.format(n=n) for n in range(TABLES)))
    trial, held = tried(dsn)
    assert [name for name, each in trial.contract.tables.items() if each.untried] == []
    assert {each.acts["owner"].delete for each in trial.contract.tables.values()} == {"yes"}
    # Each table is written many times; what the last one holds is what the first one did.
    assert len(held) >= 10 * TABLES
    assert max(held) < 30 * 30 / 8
    assert max(held[-10:]) <= max(held[:10])


def test_the_numbers_of_many_sequences_are_asked_for_some_at_a_time(dsn: str):
    sequences = [
        f"do $$ begin for i in {first}..{first + 199} loop execute 'create sequence public.s' || i; end loop; end $$"
        for first in range(0, 5_000, 200)
    ]
    make(dsn, "create table public.one (id int primary key)", *sequences)
    assert tried(dsn)[0].contract.tables["public.one"].untried is None


def test_a_table_that_hangs_together_with_too_many_is_not_tried(dsn: str):
    chain = [
        f"create table public.c{n} (id bigint primary key, "
        + (f"c bigint not null references public.c{n - 1})" if n else "said text)")
        for n in range(60)
    ]
    make(dsn, *chain)
    found = tried(dsn)[0].contract.tables
    assert found["public.c0"].untried is None
    assert "about" in (found["public.c59"].untried or "")
    assert "max_locks_per_transaction" in (found["public.c59"].untried or "")


def test_a_row_that_many_tables_may_point_to_is_not_deleted_and_all_else_is_tried(dsn: str):
    pointing = [
        f"create table public.p{n} (id bigint primary key, hub bigint not null references public.hub)"
        for n in range(60)
    ]
    make(dsn, HUB, *pointing)
    found = tried(dsn)[0].contract.tables
    acts = found["public.hub"].acts["owner"]
    assert (found["public.hub"].untried, acts.read, acts.update, acts.move) == (None, "yes", "yes", "refused")
    assert {each.delete for each in found["public.hub"].acts.values()} == {"untried"}
    assert found["public.p7"].acts["service_role"].delete == "yes"
