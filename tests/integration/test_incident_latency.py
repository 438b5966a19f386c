"""An incident of latency that is made on a real server: found by name, with what would help, and gone when mended."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from cli.run import parameters
from flows.emergency_migration import emergency_migration
from flows.incident_latency import incident_latency
from flows.schema_rollback import schema_rollback
from ops import incident_correction, incident_locks, incident_running, incident_statements, incident_suspects
from ops.check_transactions import Session
from ops.checked import Checked, Reported
from ops.promotion_result import Promotion
from ops.schema_rollback import RollbackChoices
from tests import polling, projects
from tests.fix_checks import Checkup, written
from tests.fix_indexes import traffic
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


@pytest.mark.parametrize(
    ("query", "column"),
    [
        ("update public.orders set note = 'paid' where customer = %s", "customer"),
        ("delete from public.orders where paid < 0 and customer = %s", "customer"),
        ("select id from public.orders where paid = %s for update", "paid"),
    ],
)
def test_what_writes_or_locks_is_planned_too(orders: Checkup, query: str, column: str):
    with traffic(orders.admin, query, 7):
        found = of(orders.run(), query.partition(" %s")[0][:26])
    assert "reads public.orders whole" in found.said
    assert f'on "public"."orders" ("{column}"' in found.todo
    assert orders.sql("select count(*) from pg_prepared_statements") == [(0,)]


def test_one_statement_that_takes_most_of_the_time_is_to_be_looked_at(orders: Checkup):
    query = "select count(*) from public.orders a where a.id > %s and sqrt(a.id) > 0"
    with contextlib.ExitStack() as sessions:
        for _ in range(3):
            sessions.enter_context(traffic(orders.admin, query, 0))
        found = of(orders.run(), "sqrt")
    # On a machine that gets busier meanwhile it has become slower, too.
    assert found.kind in ("statement-costly", "statement-slower")
    assert found.severity == "attention"
    assert int(found.said.partition("% of the time of all")[0].rpartition(" ")[2]) > 50


def test_beginnings_and_ends_of_transactions_are_not_among_the_costliest(orders: Checkup):
    over = threading.Event()

    def ask() -> None:
        with psycopg.connect(orders.admin) as connection:
            while not over.is_set():
                with connection.transaction(), connection.transaction("inner"):
                    connection.execute("select count(*) from public.orders where id < %s", (40000,))
                connection.execute("select 1 as nothing")
                connection.commit()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        found = orders.run().report.findings
    finally:
        over.set()
        asking.join()
    assert len(found) == 1
    assert "from public.orders where id" in found[0].said


@contextlib.contextmanager
def running(dsn: str, text: str, application: str = "reports") -> Generator[psycopg.Connection]:
    """Run a statement that does not end before the block does, and yield who watches it."""
    with psycopg.connect(dsn, autocommit=True, application_name=application) as connection:

        def run() -> None:
            with contextlib.suppress(psycopg.errors.QueryCanceled):
                connection.execute(text.encode())

        busy = threading.Thread(target=run)
        busy.start()
        try:
            yield connection
        finally:
            while busy.is_alive():
                connection.cancel_safe()
                busy.join(0.2)


ENDLESS = (
    "select count(*) from public.orders a, generate_series(1, 100000000) b "
    "where a.customer = 4711 and a.note <> 'a person''s name'"
)


def test_a_statement_that_has_not_ended_is_named_without_its_values_and_gone_when_cancelled(orders: Checkup):
    orders.configure('[environments.production.checks]\nrunning = "1 s"\nincident_span = "0.2 s"\n')
    orders.checks = (incident_running.check_running, incident_correction.propose)
    assert orders.kinds() == []
    with running(orders.admin, ENDLESS) as busy:
        polling.wait_until(lambda: orders.kinds() == ["statement-running"])
        found = orders.run()
        (seen,) = found.report.findings
        pid = busy.info.backend_pid
        assert found.verdict == "failed"
        assert seen.since
        assert seen.object.startswith("role supabase_admin, application reports, statement ")
        for part in (f"pid {pid}", "1 waiting for ", "a.customer = $", "reads public.orders whole"):
            assert part in seen.said
        assert f"select pg_cancel_backend({pid})" in seen.todo
        assert 'on "public"."orders" ("customer")' in seen.todo
        written = Path(found.bundle or "", incident_correction.MENDING).read_text("utf-8")
        assert 'on "public"."orders" ("customer");' in written
        everything = [
            each.read_text("utf-8") for each in Path(found.bundle or "").rglob("*") if each.is_file()
        ]
        assert not [each for each in everything if "4711" in each or "person" in each]
        orders.sql(f"select pg_cancel_backend({pid})")
        polling.wait_until(lambda: orders.kinds() == [])


def test_of_several_statements_in_one_text_none_is_planned_nor_run_again(orders: Checkup):
    orders.configure('[environments.production.checks]\nrunning = "0.5 s"\n')
    orders.checks = (incident_running.check_running,)
    orders.sql("create sequence public.turns")
    with running(orders.admin, "select pg_sleep(600); commit; select nextval('public.turns')"):
        polling.wait_until(lambda: orders.kinds() == ["statement-running"])
        assert "Timeout: PgSleep" in orders.the("statement-running").said
    assert orders.sql("select is_called from public.turns") == [(False,)]


def test_many_sessions_on_one_statement_at_once_are_a_hotspot(orders: Checkup):
    orders.configure("[environments.production.checks]\nat_once = 3\n")
    orders.checks = (incident_running.check_running,)
    with psycopg.connect(orders.admin) as holder, contextlib.ExitStack() as sessions:
        holder.execute("update public.orders set note = 'held' where id = 7")
        for number in range(3):
            change = f"update public.orders set note = 'mine {number}' where id = 7"
            sessions.enter_context(running(orders.admin, change, "api"))
        polling.wait_until(lambda: "statement-hotspot" in orders.kinds())
        polling.wait_until(lambda: "waiting for Lock: tuple" in orders.the("statement-hotspot").said)
        found = orders.the("statement-hotspot")
        holder.rollback()
    assert found.severity == "attention"
    assert "3 sessions run statement" in found.said
    assert "application api" in found.said
    assert "mine" not in found.said


@pytest.mark.parametrize(
    "query",
    [
        "select id from public.orders where id = public.leave(%s) limit 1",
        "update public.orders set paid = public.leave(%s) where id = 7",
    ],
)
def test_a_function_that_a_statement_calls_is_not_run_by_planning(orders: Checkup, query: str):
    orders.sql("create table public.ran (n int)")
    orders.sql(
        "create function public.leave(n int) returns int language plpgsql volatile as $$ begin"
        " insert into public.ran values (n); return n; end $$"
    )
    with traffic(orders.admin, query, 7):
        found = of(orders.run(), "public.leave")
    # Run without values it would have left a row, or been refused where only reading is allowed.
    assert "Its plan costs" in found.said
    assert orders.sql("select count(*) > 1, count(*) filter (where n is null) from public.ran") == [(True, 0)]


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
    (newest,) = [each for each in found if projects.TAGS in each.object]
    _, settings = newest.todo.split("runbooks run schema-rollback/production --set ")
    (given,) = shlex.split(settings)
    choices = RollbackChoices.model_validate_json(parameters([given])["choices"])
    assert choices.down_to == sorted(shop.history)[sorted(shop.history).index(projects.TAGS[:14]) - 1]
    checkup.checks = (incident_correction.propose,)
    steps = Path(checkup.run().bundle or "", incident_correction.NEXT).read_text("utf-8")
    assert f"--set act=rollback --set suspect={projects.TAGS[:14]}" in steps
    assert settings.strip() in steps

    checkup.checks = (incident_suspects.check_suspects,)
    with shop.terminal("approve", "ada", ""):
        schema_rollback.fn(str(shop.root), "production", RollbackChoices(last=1))
    found = {each.kind: each for each in checkup.run().report.findings}
    assert "app still expects" in found["recent-rollback"].todo


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
