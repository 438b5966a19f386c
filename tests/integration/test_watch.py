"""A watch on a real server: load, locks, deadlocks, resets, a lost login, metrics and health over HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import psycopg
import pytest

from ops import database, embedded, project, watch, watch_sample
from ops.project import Environment
from ops.watch_settings import Metric, Watch
from tests import fix_app, fix_http
from tests.polling import wait_until

APP = {"error_rate": Metric(name="errors_total", of="requests_total", counter=True, most=0.01)}


class Watching:
    """A watch that runs in a thread, while the test does what the app would do."""

    def __init__(self, dsn: str, environment: Environment) -> None:
        self.dsn = dsn
        self.environment = environment
        self.looks: list[str] = []
        self._done = threading.Event()
        self._result: list[watch.Watched] = []
        with database.connect(dsn) as connection:
            self.before = watch.baseline(connection, project_of(), environment)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.looked()

    def _run(self) -> None:
        # It ends when the test has seen enough: the last look is then the end of the time.
        self._result.append(
            watch.run(
                self.dsn,
                self.environment,
                self.before,
                progress=lambda _done, _whole, said: self.looks.append(said),
                stop=self._done.is_set,
            )
        )

    def looked(self, times: int = 1) -> None:
        """Wait until so many more looks were taken."""
        wanted = len(self.looks) + times
        wait_until(lambda: len(self.looks) >= wanted, seconds=60)

    def ended(self) -> watch.Watched:
        """Return what was seen, with the looks that were under way when the test had done its part."""
        self.looked(2)
        self._done.set()
        self._thread.join(60)
        return self._result[0]


def project_of() -> project.Project:
    return project.Project.model_validate({"root": "/", "name": "app", "configured": True})


def environment(**chosen: Any) -> Environment:
    health = chosen.pop("health_url", None)
    every = timedelta(seconds=0.2)
    settings = {"duration": timedelta(minutes=5), "every": every, "least_calls": 5, **chosen}
    return Environment(name="production", health_url=health, watch=Watch(**settings))


def measure(found: watch.Watched, name: str) -> Any:
    return next(each for each in found.measures if each.name.startswith(name))


@pytest.fixture
def dsn(shaped: str) -> str:
    fix_app.execute(
        shaped,
        "create table public.things (id bigint primary key); insert into public.things values (1), (2)",
    )
    return shaped


def ask(dsn: str, times: int, seconds: float) -> None:
    """Run one and the same statement, which takes as long as it is told."""
    with database.connect(dsn) as connection:
        for _ in range(times):
            connection.execute("select pg_sleep(%s) from public.things where id = 1", (seconds,))


def test_a_quiet_database_has_nothing_against_it(dsn: str):
    watching = Watching(dsn, environment())
    ask(dsn, 10, 0.0)
    found = watching.ended()
    assert [each.name for each in found.measures if each.ok is False] == []
    assert found.stopped
    assert measure(found, "new: select pg_sleep($1)").now.endswith("(10 calls)")
    assert not [each for each in found.measures if "watch" in each.name and each.name.startswith("new")]


def test_a_statement_that_became_slower_is_named(dsn: str):
    ask(dsn, 20, 0.0)
    watching = Watching(dsn, environment())
    ask(dsn, 10, 0.03)
    found = watching.ended()
    slower = measure(found, "slower: select pg_sleep($1) from public.things")
    assert slower.now.endswith("(10 calls)")
    assert slower.before.endswith("(20 calls)")


def test_it_is_as_well_known_after_its_table_was_made_anew(dsn: str):
    ask(dsn, 20, 0.0)
    watching = Watching(dsn, environment())
    fix_app.execute(dsn, "drop table public.things; create table public.things as select 1::bigint as id")
    ask(dsn, 10, 0.03)
    assert measure(watching.ended(), "slower: select pg_sleep($1) from public.things")


def test_a_session_that_waits_for_a_lock_is_named_with_who_keeps_it(dsn: str):
    watching = Watching(dsn, environment(most_lock_wait=timedelta(seconds=0.1)))
    with database.connect(dsn, autocommit=False, application="the app") as holder:
        by = holder.info.backend_pid
        holder.execute("lock table public.things")
        waiter = threading.Thread(target=ask, args=(dsn, 1, 0.0), daemon=True)
        waiter.start()
        wait_until(lambda: fix_app.ask(dsn, "select true from pg_locks where not granted") != [])
        watching.looked(3)
        holder.rollback()
        waiter.join(60)
        found = measure(watching.ended(), "waiting for a lock")
    assert found.ok is False
    assert f"waited for {by} (the app, idle in transaction" in found.why


def test_a_deadlock_and_a_killed_session_are_counted(dsn: str, shaped_admin: str):
    watching = Watching(dsn, environment())
    deadlock(dsn)
    with database.connect(dsn) as victim:
        fix_app.execute(shaped_admin, f"select pg_terminate_backend({victim.info.backend_pid})")
    found = counted(watching, shaped_admin, "deadlocks > 0 and sessions_killed > 0")
    assert (measure(found, "deadlocks").ok, measure(found, "deadlocks").now) == (False, "1")
    assert measure(found, "sessions lost").ok is False


def deadlock(dsn: str) -> None:
    with (
        database.connect(dsn, autocommit=False) as one,
        database.connect(dsn, autocommit=False) as other,
    ):
        one.execute("update public.things set id = id where id = 1")
        other.execute("update public.things set id = id where id = 2")
        failed: list[psycopg.Error] = []

        def update(connection: database.Connection, row: int) -> None:
            try:
                connection.execute("update public.things set id = id where id = %s", (row,))
            except psycopg.errors.DeadlockDetected as error:
                failed.append(error)
            connection.rollback()

        both = [threading.Thread(target=update, args=each) for each in ((one, 2), (other, 1))]
        for each in both:
            each.start()
        for each in both:
            each.join(60)
        assert len(failed) == 1


def counted(watching: Watching, admin: str, condition: str) -> watch.Watched:
    """Wait until the server says so, which it does a moment later, and end the watch."""
    query = f"select true from pg_stat_database where datname = current_database() and {condition}"
    wait_until(lambda: fix_app.ask(admin, query) != [])
    return watching.ended()


def test_counters_that_somebody_sets_back_are_seen(dsn: str, shaped_admin: str):
    ask(dsn, 5, 0.0)
    watching = Watching(dsn, environment())
    fix_app.execute(shaped_admin, "select pg_stat_reset()")
    fix_app.execute(
        shaped_admin,
        "select extensions.pg_stat_statements_reset(0, oid, 0) from pg_database where datname = current_database()",
    )
    found = counted(watching, shaped_admin, "stats_reset is not null")
    assert measure(found, "counters set back").ok is False
    assert "the database's counters" in measure(found, "counters set back").why
    assert measure(found, "deadlocks").now == "0 or more"


def test_a_login_that_is_lost_is_made_anew(dsn: str, shaped_admin: str):
    watching = Watching(dsn, environment())
    fix_app.execute(
        shaped_admin,
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'supabase-runbooks watch' "
        "and datname = current_database()",
    )
    wait_until(lambda: any("1 lost" in said for said in watching.looks), seconds=60)
    before = watching.looks[-1]
    found = watching.ended()
    assert found.lost_looks >= 1
    assert found.looks > int(before.split()[0])
    assert "57P01" in found.findings[0] or "no SQLSTATE" in found.findings[0]


def test_where_nobody_answers_nothing_passes(dsn: str):
    with database.connect(dsn) as connection:
        before = watch.baseline(connection, project_of(), environment())
    nowhere = "postgresql://nobody@/nothing?host=/nonexistent"
    found = watch.run(nowhere, environment(duration=timedelta(0)), before)
    assert not found.ok
    assert "could not be looked at even once" in found.summary


def test_a_role_that_sees_little_says_so(server: embedded.Server, dsn: str, shaped_admin: str):
    name = f"looker_{dsn.partition('test_')[2].partition('?')[0]}"
    fix_app.execute(shaped_admin, f"create role {name} login; grant usage on schema extensions to {name}")
    try:
        with database.connect(dsn.replace("postgres@", f"{name}@")) as connection:
            found = watch_sample.take(connection, environment())
        assert f"{name} may not tell other roles' statements apart" in found.unseen[0]
    finally:
        fix_app.execute(shaped_admin, f"drop owned by {name}; drop role {name}")


def test_without_the_extension_no_time_is_known(bare: str):
    with database.connect(bare) as connection:
        found = watch_sample.take(connection, environment())
    assert found.statements is None
    assert "has no pg_stat_statements" in found.unseen[0]


@contextmanager
def app(answers: Callable[[str], tuple[int, str]]) -> Generator[str]:
    """An app that answers what it is told to."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, text = answers(self.path)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    with fix_http.serving(Handler) as address:
        yield address


def test_what_the_app_says_of_itself_is_judged(dsn: str):
    said = {"/health": (200, "ok"), "/metrics": (200, "errors_total 1\nrequests_total 1000\n")}
    with app(lambda path: said[path]) as url:
        watching = Watching(
            dsn, environment(health_url=f"{url}/health", metrics_url=f"{url}/metrics", metrics=APP)
        )
        said["/metrics"] = (200, "errors_total 51\nrequests_total 2000\n")
        said["/health"] = (503, "no")
        found = watching.ended()
    rate = measure(found, "error_rate")
    assert (rate.ok, rate.now, rate.limit) == (False, "0.05", "0.01")
    assert measure(found, "health").ok is False
    assert "503" in measure(found, "health").why


def test_metrics_that_cannot_be_read_are_no_pass(dsn: str):
    with app(lambda _path: (500, "")) as url:
        watching = Watching(dsn, environment(metrics_url=url, metrics=APP))
        found = watching.ended()
    assert measure(found, "error_rate").ok is False
    assert any("answered 500" in said for said in found.findings)
