"""An incident of latency that is made on a real server: found by name, with what would help, and gone when mended."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from flows.emergency_migration import emergency_migration
from flows.incident_latency import incident_latency
from ops import incident_correction, incident_locks, incident_statements, incident_suspects
from ops.check_transactions import Session
from ops.checked import Checked, Reported
from ops.promotion_result import Promotion
from tests import polling, projects
from tests.fix_checks import Checkup, written
from tests.releases import Shop

SHORT = '[environments.production.checks]\nincident_span = "2 s"\n'
SLOW = "select note from public.orders where customer = %s and paid > %s"


@pytest.fixture
def orders(checkup: Checkup) -> Checkup:
    """Fifty thousand orders that nobody has an index for."""
    checkup.configure(SHORT)
    checkup.sql(
        "create table public.orders (id bigint primary key, customer int, paid int, note text);"
        "insert into public.orders select n, n % 5000, n, 'order ' || n from generate_series(1, 50000) n;"
        "analyze public.orders"
    )
    checkup.checks = (incident_statements.check_statements,)
    return checkup


@contextlib.contextmanager
def traffic(dsn: str, query: str, *values: int | str) -> Generator[None]:
    """Ask this again and again for as long as the block runs."""
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not over.is_set():
                connection.execute(query.encode(), values)
                over.wait(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


def of(found: Checked, part: str) -> Reported:
    """Return the finding whose statement holds this text."""
    (one,) = [each for each in found.report.findings if part in each.said]
    return one


def test_what_costs_the_most_is_named_with_the_index_that_it_misses_and_gone_with_it(orders: Checkup):
    with traffic(orders.admin, SLOW, 7, 100):
        found = of(orders.run(), "from public.orders")
        assert found.kind == "statement-costly"
        assert "reads public.orders whole" in found.said
        assert "$1" in found.said
        proposal = (
            'create index concurrently "orders_customer_paid_idx" on "public"."orders" ("customer", "paid");'
        )
        assert proposal in found.todo
        assert "emergency-migration" in found.todo

        orders.sql(proposal)
        after = of(orders.run(), "from public.orders")
        assert after.severity == "note"
        assert "no index seems to be missing" in after.said


def test_what_has_become_slower_is_told_apart(orders: Checkup):
    orders.sql("create index on public.orders (customer)")
    query = "select count(*) from public.orders where customer = %s and pg_sleep(0.0) is not null"
    with traffic(orders.admin, query, 7):
        assert of(orders.run(), "pg_sleep").kind == "statement-costly"
    orders.sql("drop index public.orders_customer_idx")
    orders.sql(
        "insert into public.orders select n, 7, n, 'more' from generate_series(50001, 90000) n; analyze public.orders"
    )
    with traffic(orders.admin, query, 7):
        found = of(orders.run(), "pg_sleep")
    assert (found.kind, found.severity) == ("statement-slower", "attention")
    assert "ms before" in found.said


def test_what_writes_is_not_planned_and_nothing_is_changed(orders: Checkup):
    with traffic(orders.admin, "update public.orders set note = 'paid' where id = %s", 7):
        found = of(orders.run(), "update public.orders")
    assert "not asked for, since it writes or locks" in found.said
    locking = "select id from public.orders where paid = %s for update"
    with traffic(orders.admin, locking, 7):
        found = of(orders.run(), "for update")
    assert "not asked for, since it writes or locks" in found.said
    assert orders.sql("select count(*) from pg_prepared_statements") == [(0,)]


def test_a_function_that_a_statement_calls_is_not_run_by_planning(orders: Checkup):
    orders.sql("create table public.ran (at timestamptz)")
    orders.sql(
        "create function public.leave(n int) returns int language plpgsql volatile as $$ begin"
        " insert into public.ran values (now()); return n; end $$"
    )
    orders.sql("select public.leave(1)")
    with traffic(orders.admin, "select id from public.orders where id = public.leave(%s) limit 1", 7):
        orders.run()
    before = orders.sql("select count(*) from public.ran")
    assert before[0][0] > 1
    orders.run()
    assert orders.sql("select count(*) from public.ran") == before


def test_without_the_extension_nobody_has_looked_and_that_is_said(orders: Checkup):
    orders.sql("drop extension pg_stat_statements cascade")
    (found,) = orders.run().report.findings
    assert found.kind == "not-looked-at"
    assert "pg_stat_statements" in found.said


def test_what_was_promoted_of_late_is_a_suspect(
    shaped: str, shaped_admin: str, checkup: Checkup, monkeypatch: pytest.MonkeyPatch
):
    shop = Shop(checkup.project.parent / "shop", shaped, monkeypatch, admin=shaped_admin)
    checkup.checks = (incident_suspects.check_suspects,)
    assert checkup.kinds() == []
    shop.rehearse()
    shop.promote()
    found = checkup.run().report.findings
    assert {each.kind for each in found} == {"recent-migration"}
    assert {each.object for each in found} >= {f"supabase/migrations/{projects.TAGS}.sql"}
    assert all("schema-rollback" in each.todo for each in found)


def test_the_whole_runbook_ends_in_a_record(orders: Checkup):
    found = orders.look(flow=incident_latency.fn)
    looked = {each.about: each.state for each in found.report.looks}
    assert looked.keys() >= {"blocked queries", "statements", "recent migrations"}
    assert "unseen" not in looked.values()
    assert written(found)["looks"]


def test_who_waits_for_whom_is_a_tree_with_the_holder_at_its_root(checkup: Checkup):
    checkup.checks = (incident_locks.show,)
    checkup.sql("create table public.shop (id int); create table public.stock (id int)")
    assert not Path(checkup.run().bundle or "", "locks.txt").exists()
    names = ("holder", "second", "third", "fourth")
    with contextlib.ExitStack() as sessions:
        holder, second, third, fourth = (
            sessions.enter_context(psycopg.connect(checkup.admin, application_name=name)) for name in names
        )
        holder.execute("lock table public.shop in access exclusive mode")
        second.execute("lock table public.stock in access exclusive mode")
        waits = {second: "public.shop", third: "public.stock", fourth: "public.stock"}
        waiting = [threading.Thread(target=locked, args=each) for each in waits.items()]
        for each in waiting:
            each.start()
        try:
            polling.wait_until(lambda: len(drawn(checkup)) == 4)
            lines = drawn(checkup)
        finally:
            holder.rollback()
            for each in waiting:
                each.join()
        pids = [each.info.backend_pid for each in (holder, second)]
    assert lines[0].startswith(f"pid {pids[0]}: role supabase_admin, application holder, idle in transaction")
    assert lines[1].startswith(f"└─ pid {pids[1]}: ")
    assert "application second" in lines[1]
    assert "shop since" in lines[1]
    assert all(line.startswith("   └─ ") and "stock since" in line for line in lines[2:])


def locked(connection: psycopg.Connection, table: str) -> None:
    connection.execute(f"lock table {table} in access exclusive mode".encode())
    connection.rollback()


def drawn(checkup: Checkup) -> list[str]:
    tree = Path(checkup.run().bundle or "", "locks.txt")
    return tree.read_text("utf-8").splitlines() if tree.exists() else []


def test_a_deadlock_and_a_prepared_transaction_have_a_tree_too():
    def session(pid: int, *blockers: int) -> Session:
        said = {"role": "app", "application": "", "state": "active", "what": "shop"}
        return Session(pid=pid, since=None, waits_since=None, blockers=[*blockers], **said)

    found = [
        *incident_locks.tree({each.pid: each for each in (session(1, 2), session(2, 1), session(3, 0, 1))})
    ]
    assert found[0] == "a prepared transaction"
    assert found[1].endswith(", and for pid 1 too")
    assert [line.partition(":")[0] for line in found[2:]] == ["pid 2", "└─ pid 1"]


FIX = "20260301120000"


def test_what_is_proposed_goes_through_the_shortened_gate_and_helps(
    tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch
):
    shop = Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)
    shop.without_overlay()
    for path in sorted((shop.root / "supabase" / "migrations").iterdir()):
        shop.push(str(path.relative_to(shop.root)))
    shop.admin("grant pg_read_all_stats to postgres")
    config = shop.root / "runbooks.toml"
    config.write_text(config.read_text() + SHORT)
    shop.admin(
        "insert into public.notes (owner, body) select gen_random_uuid(), 'note ' || n from generate_series(1, 20000) n"
        ";"
        "create table public.notes_body_idx (id int); alter table public.notes_body_idx enable row level security;"
        "analyze public.notes"
    )
    with traffic(shaped_admin, "select id from public.notes where body = %s", "note 7"):
        found = incident_latency.fn(str(shop.root), "production")
        assert isinstance(found, Checked)
        forth, back = (
            Path(found.bundle or "", name).read_text("utf-8")
            for name in (incident_correction.MENDING, incident_correction.BACK)
        )
        # The name that it would have is a table's already.
        assert 'create index concurrently "notes_body_idx1" on "public"."notes" ("body");' in forth
        shop.admin("drop table public.notes_body_idx")
        shop.add(f"{FIX}_index", forth, back)
        assert shop.rehearse().ok
        with shop.terminal("approve", "ada", ""):
            mended = emergency_migration.fn(str(shop.root), "production", FIX, "notes are found too slowly")
        assert isinstance(mended, Promotion)
        assert (mended.state, shop.history[-1]) == ("promoted", FIX)
        after = incident_latency.fn(str(shop.root), "production")
    assert isinstance(after, Checked)
    assert "no index seems to be missing" in of(after, "from public.notes").said
    assert not Path(after.bundle or "", incident_correction.MENDING).exists()
