"""Each daily check on a real server: healthy, then broken, found and named with the next step, mended, and gone."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import threading
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from flows.daily_checks import daily_checks
from ops import (
    backup_memory,
    check_app,
    check_backups,
    check_connections,
    check_counters,
    check_errors,
    check_platform,
    check_redis,
    check_replication,
    check_transactions,
    embedded,
)
from ops.checked import Checked
from tests import fix_http, polling
from tests.fix_checks import Checkup, looking_at
from tests.fix_redis import RunRedis, Server

LIMITS = "[environments.production.checks]\n"


@contextlib.contextmanager
def session(dsn: str, **how: Any) -> Generator[psycopg.Connection]:
    with psycopg.connect(dsn, **how) as connection:
        try:
            yield connection
        finally:
            connection.rollback() if not connection.closed else None


@contextlib.contextmanager
def sessions(dsn: str, count: int, **how: Any) -> Generator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(session(dsn, **how))
        yield


@pytest.fixture(scope="module")
def loud() -> Iterator[embedded.Server]:
    """A server with a log in JSON, passwords, and room for those who receive WAL."""
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "log_timezone": "UTC",
        "log_directory": "log",
        "log_filename": "postgres.log",
        "max_wal_senders": "4",
    }
    with embedded.running(settings=settings, listen=True) as server:
        yield server


def test_connections_are_counted_by_role_and_application(checkup: Checkup):
    checkup.checks = (check_connections.check_connections,)
    checkup.configure(f"{LIMITS}connections = 0.3")
    assert checkup.kinds() == []
    with sessions(checkup.admin, 35, application_name="leaky"):
        found = checkup.the("connections-high")
        assert "(leaky) 35" in found.said
        assert "pg_terminate_backend" in found.todo
    polling.wait_until(lambda: checkup.kinds() == [])


def test_a_role_near_its_own_limit_is_named(checkup: Checkup, shaped: str):
    checkup.checks = (check_connections.check_connections,)
    checkup.sql("create role limited login connection limit 4; grant limited to postgres")
    limited = conninfo.make_conninfo(checkup.admin, user="limited")
    try:
        with sessions(limited, 3):
            assert checkup.kinds() == []
        with sessions(limited, 4):
            assert checkup.the("role-connections-high").said == (
                "The role limited has 4 of the 4 connections that it may have."
            )
        polling.wait_until(lambda: checkup.kinds() == [])
    finally:
        checkup.sql("drop role limited")


def test_an_idle_and_a_long_transaction_are_named_with_their_session(checkup: Checkup):
    checkup.checks = (check_transactions.check_transactions,)
    checkup.configure(f'{LIMITS}idle = "0.2 s"\ntransaction = "0.4 s"')
    assert checkup.kinds() == []
    with session(checkup.admin, application_name="forgetful") as idle:
        idle.execute("select 1")
        polling.wait_until(lambda: checkup.kinds() == ["idle-in-transaction"])
        found = checkup.the("idle-in-transaction")
        assert found.object == "role supabase_admin, application forgetful"
        assert f"pg_terminate_backend({idle.info.backend_pid})" in found.todo
        assert found.since
        assert datetime.now(UTC) - found.since < timedelta(minutes=5)
    with session(checkup.admin, application_name="slow") as slow:
        asleep = threading.Thread(target=sleep, args=(slow,))
        asleep.start()
        try:
            polling.wait_until(lambda: checkup.kinds() == ["long-transaction"])
            assert f"pg_cancel_backend({slow.info.backend_pid})" in checkup.the("long-transaction").todo
        finally:
            slow.cancel()
            asleep.join()
    polling.wait_until(lambda: checkup.kinds() == [])


def sleep(connection: psycopg.Connection) -> None:
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        connection.execute("select pg_sleep(120)")


def test_a_queue_is_named_by_who_stands_at_its_beginning(checkup: Checkup):
    checkup.checks = (check_transactions.check_blocked,)
    checkup.configure(f'{LIMITS}blocked = "0.2 s"')
    checkup.sql("create table public.shop (id int)")
    assert checkup.kinds() == []
    with (
        session(checkup.admin, application_name="holder") as holder,
        session(checkup.admin, application_name="second") as second,
        session(checkup.admin, application_name="third") as third,
    ):
        holder.execute("lock table public.shop in access exclusive mode")
        waiting = [threading.Thread(target=wait, args=(each,)) for each in (second, third)]
        for each in waiting:
            each.start()
        try:
            polling.wait_until(
                lambda: "2 queries" in " ".join(each.said for each in checkup.run().report.findings)
            )
            found = checkup.the("blocked-queries")
        finally:
            holder.rollback()
            for each in waiting:
                each.join()
        assert found.object == "role supabase_admin, application holder"
        assert f"pid {holder.info.backend_pid}, idle in transaction" in found.said
        assert "on shop" in found.said or "on public.shop" in found.said
        assert f"pg_terminate_backend({holder.info.backend_pid})" in found.todo
    assert checkup.kinds() == []


def wait(connection: psycopg.Connection) -> None:
    connection.execute("lock table public.shop in access exclusive mode")
    connection.rollback()


def test_a_slot_that_nobody_reads_and_one_that_holds_wal(checkup: Checkup):
    checkup.checks = (check_replication.check_replication,)
    checkup.configure(f'{LIMITS}retained_wal = "2 MB"')
    assert checkup.kinds() == []
    checkup.sql("select pg_create_physical_replication_slot('forgotten', true)")
    try:
        checkup.sql("select pg_logical_emit_message(false, 'test', repeat('x', 4000000))")
        found = checkup.the("slot-holds-wal")
        assert (found.object, found.severity) == ("forgotten", "failed")
        assert "pg_drop_replication_slot" in found.todo
    finally:
        checkup.sql("select pg_drop_replication_slot('forgotten')")
    assert checkup.kinds() == []


STREAMS = "select 1 from pg_stat_replication where state = 'streaming'"
NOBODY = "select pg_terminate_backend(pid) from pg_stat_replication"


@contextlib.contextmanager
def receiving(server: embedded.Server, name: str, folder: Path) -> Generator[subprocess.Popen[bytes]]:
    """Receive the server's WAL under a name."""
    folder.mkdir(exist_ok=True)
    dsn = conninfo.make_conninfo(server.dsn(user=server.superuser), application_name=name)
    receiver = subprocess.Popen(
        [server.bindir / "pg_receivewal", "-D", folder, "-d", dsn, "--no-loop", "-s", "1"]
    )
    try:
        yield receiver
    finally:
        receiver.kill()
        receiver.wait()


@pytest.fixture
def replicated(loud: embedded.Server, tmp_path: Path) -> Generator[Checkup]:
    with looking_at(loud.dsn(user=loud.superuser), tmp_path) as checkup:
        checkup.checks = (check_replication.check_replication,)
        checkup.configure(f'{LIMITS}retained_wal = "2 MB"')
        yield checkup
        checkup.sql(NOBODY)
        polling.wait_until(lambda: not checkup.sql("select 1 from pg_stat_replication"))


def test_a_receiver_that_has_stopped_is_behind(replicated: Checkup, loud: embedded.Server, tmp_path: Path):
    with receiving(loud, "archive", tmp_path / "wal") as receiver:
        polling.wait_until(lambda: bool(replicated.sql(STREAMS)) and replicated.kinds() == [])
        receiver.send_signal(signal.SIGSTOP)
        replicated.sql("select pg_logical_emit_message(false, 'test', repeat('x', 9000000))")
        polling.wait_until(lambda: "replica-lag" in replicated.kinds())
        assert replicated.the("replica-lag").object == "archive at local"
        receiver.send_signal(signal.SIGCONT)
        polling.wait_until(lambda: replicated.kinds() == [], seconds=40)


def test_a_replica_that_dies_is_missing_and_its_lag_is_not_over(
    replicated: Checkup, loud: embedded.Server, tmp_path: Path
):
    with receiving(loud, "standby1", tmp_path / "wal") as receiver:
        polling.wait_until(lambda: bool(replicated.sql(STREAMS)) and replicated.kinds() == [])
        receiver.send_signal(signal.SIGSTOP)
        replicated.sql("select pg_logical_emit_message(false, 'test', repeat('x', 9000000))")
        polling.wait_until(lambda: "replica-lag" in replicated.kinds())
    replicated.sql(NOBODY)
    polling.wait_until(lambda: not replicated.sql("select 1 from pg_stat_replication"))
    found = replicated.run()
    assert (found.verdict, found.report.gone) == ("failed", ())
    assert [each.object for each in found.report.unknown] == ["standby1 at local"]
    (missing,) = found.report.findings
    assert (missing.kind, missing.object, missing.severity) == ("replica-missing", "standby1", "failed")
    assert missing.said.startswith("The replica standby1 is not connected; it was seen last at 20")
    assert missing.since
    assert datetime.now(UTC) - missing.since < timedelta(minutes=5)
    assert "replicas = [...] in [environments.production.checks]" in missing.todo
    assert "DAILY-CHECKS FAILED" in replicated.heard[-1]["text"]
    assert "Not any more" not in replicated.heard[-1]["text"]
    with receiving(loud, "standby1", tmp_path / "wal"):
        polling.wait_until(lambda: bool(replicated.sql(STREAMS)))
        polling.wait_until(lambda: replicated.kinds() == [])
    told = "".join(each["text"] for each in replicated.heard)
    assert "WELL AGAIN" in replicated.heard[-1]["text"]
    assert "Not any more: replica-missing (standby1)" in told
    assert "Not any more: replica-lag (standby1 at local)" in told


def test_a_healthy_replica_that_vanishes_is_missed_until_somebody_says_who_stays(
    replicated: Checkup, loud: embedded.Server, tmp_path: Path
):
    with receiving(loud, "one", tmp_path / "one"), receiving(loud, "two", tmp_path / "two"):
        polling.wait_until(lambda: len(replicated.sql(STREAMS)) == 2)
        assert replicated.kinds() == []
    polling.wait_until(lambda: not replicated.sql("select 1 from pg_stat_replication"))
    for _ in range(2):
        assert {each.object for each in replicated.run().report.findings} == {"one", "two"}
    replicated.configure(f'{LIMITS}replicas = ["two", "three"]')
    said = {each.object: each.said for each in replicated.run().report.findings}
    assert set(said) == {"two", "three"}
    assert said["three"].endswith("it was seen last by no look so far.")
    replicated.configure(f"{LIMITS}replicas = []")
    found = replicated.run()
    assert (found.verdict, len(found.report.gone)) == ("passed", 2)
    replicated.configure("")
    assert replicated.kinds() == []


def test_one_of_two_replicas_with_one_name_is_missed(
    replicated: Checkup, loud: embedded.Server, tmp_path: Path
):
    with receiving(loud, "walreceiver", tmp_path / "one"):
        with receiving(loud, "walreceiver", tmp_path / "two"):
            polling.wait_until(lambda: len(replicated.sql(STREAMS)) == 2)
            assert replicated.kinds() == []
        polling.wait_until(lambda: len(replicated.sql(STREAMS)) == 1)
        assert (
            "Of 2 replicas with the name walreceiver, 1 are connected"
            in replicated.the("replica-missing").said
        )
        with receiving(loud, "walreceiver", tmp_path / "two"):
            polling.wait_until(lambda: len(replicated.sql(STREAMS)) == 2)
            assert replicated.kinds() == []


def test_a_base_backup_that_is_over_is_no_replica_that_is_missing(
    replicated: Checkup, loud: embedded.Server, tmp_path: Path
):
    dsn = loud.dsn(user=loud.superuser)
    command = [loud.bindir / "pg_basebackup", "-D", tmp_path / "base", "-d", dsn, "-X", "stream", "--no-slot"]
    with subprocess.Popen([*command, "--checkpoint", "fast", "--max-rate", "10M"]) as backup:
        polling.wait_until(lambda: bool(replicated.sql(STREAMS)))
        assert replicated.kinds() == []
        assert backup.wait() == 0
    polling.wait_until(lambda: not replicated.sql("select 1 from pg_stat_replication"))
    assert replicated.kinds() == []


def test_deadlocks_are_counted_from_one_look_to_the_next(checkup: Checkup):
    checkup.checks = (check_counters.check_counted_errors,)
    checkup.sql("create table public.one (id int); create table public.two (id int)")
    assert checkup.kinds() == []
    deadlock(checkup)
    polling.wait_until(
        lambda: (
            checkup.sql("select deadlocks from pg_stat_database where datname = current_database()")[0][0] > 0
        )
    )
    found = checkup.the("deadlocks")
    assert found.said.startswith("The server has counted 1 deadlocks since 20")
    assert "same" in found.todo
    assert checkup.kinds() == []


def deadlock(checkup: Checkup) -> None:
    with session(checkup.admin) as one, session(checkup.admin) as two:
        one.execute("set deadlock_timeout = '50ms'; lock table public.one")
        two.execute("set deadlock_timeout = '50ms'; lock table public.two")

        def cross(connection: psycopg.Connection, name: str) -> None:
            with contextlib.suppress(psycopg.errors.DeadlockDetected):
                connection.execute(f"lock table public.{name}")
            connection.rollback()
            connection.execute("select pg_stat_force_next_flush()")
            connection.rollback()

        both = [threading.Thread(target=cross, args=args) for args in ((one, "two"), (two, "one"))]
        for each in both:
            each.start()
        for each in both:
            each.join()


def test_reads_that_miss_the_cache_and_sorts_that_go_to_the_disk(checkup: Checkup):
    checkup.checks = (check_counters.check_cache,)
    checkup.configure(f'{LIMITS}cache_hit = 0.9\nleast_reads = 500\ntemporary = "1 MB"')
    checkup.sql(
        "create extension pg_buffercache; "
        "create table public.big as select n, repeat('x', 500) from generate_series(1, 20000) n"
    )
    checkup.run()
    assert checkup.kinds() == []
    with session(checkup.admin, autocommit=True) as connection:
        evict = (
            "select count(pg_buffercache_evict(bufferid)) from pg_buffercache "
            "where relfilenode = pg_relation_filenode('public.big')"
        )
        connection.execute(evict)
        connection.execute("set max_parallel_workers_per_gather = 0; select count(*) from public.big")
        connection.execute(
            "set work_mem = '64kB'; "
            "select count(*) from (select n from public.big order by repeat('y', n % 7 * 100), n offset 0) s"
        )
        connection.execute("select pg_stat_force_next_flush()")
    found = {each.kind: each for each in checkup.run().report.findings}
    assert set(found) == {"cache-misses", "temporary-files"}
    assert "shared_blks_read" in found["cache-misses"].todo
    assert checkup.kinds() == []


class Page(BaseHTTPRequestHandler):
    answers: dict[str, Any]

    def do_GET(self) -> None:
        time.sleep(self.answers.get("sleep", 0))
        self.send_response(self.answers.get("code", 200))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(self.answers["body"])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def page(body: object) -> Generator[tuple[str, dict[str, Any]]]:
    answers: dict[str, Any] = {"body": json.dumps(body).encode()}
    with fix_http.serving(type("Handler", (Page,), {"answers": answers})) as address:
        yield f"{address}/api/v2/summary.json", answers


WELL: dict[str, Any] = {
    "page": {"id": "x", "name": "Platform"},
    "status": {"indicator": "none", "description": "All Systems Operational"},
    "components": [{"id": "1", "name": "Database", "status": "operational", "group": False}],
    "incidents": [],
    "scheduled_maintenances": [],
}
INCIDENT = {
    "id": "abc",
    "name": "Elevated errors <script>",
    "status": "investigating",
    "impact": "major",
    "shortlink": "https://stspg.io/abc",
    "started_at": "2026-01-01T00:00:00.000Z",
}


def test_an_incident_of_the_platform_and_a_component_that_does_not_work(checkup: Checkup):
    checkup.checks = (check_platform.check_status_page,)
    with page(WELL) as (url, answers):
        checkup.configure(f'{LIMITS}status_url = "{url}"')
        assert checkup.kinds() == []
        broken = {
            **WELL,
            "incidents": [INCIDENT],
            "components": [{"name": "Auth", "status": "partial_outage"}],
        }
        answers["body"] = json.dumps(broken).encode()
        found = {each.kind: each for each in checkup.run().report.findings}
        assert set(found) == {"platform-incident", "platform-component"}
        assert found["platform-incident"].since == datetime(2026, 1, 1, tzinfo=UTC)
        assert "&lt;script&gt;" in checkup.heard[-1]["text"]
        answers["body"] = json.dumps(WELL).encode()
        assert checkup.kinds() == []


@pytest.mark.parametrize(
    "wrong", [{"code": 503}, {"body": b"<html>"}, {"body": b"[]"}, {"body": b'{"status": {}}'}]
)
def test_a_status_page_that_says_nothing_was_not_looked_at(checkup: Checkup, wrong: dict[str, Any]):
    checkup.checks = (check_platform.check_status_page,)
    with page(WELL) as (url, answers):
        checkup.configure(f'{LIMITS}status_url = "{url}"')
        answers |= wrong
        assert checkup.the("not-looked-at").object == "the platform's status page"


def test_an_app_that_is_sick_slow_or_silent(checkup: Checkup):
    checkup.checks = (check_platform.check_health,)
    with page({}) as (url, answers):
        checkup.configure(
            f'health_url = "{url}"\nchecks = {{ health_latency = "0.3 s", connect_timeout = "1 s" }}'
        )
        assert checkup.kinds() == []
        answers["code"] = 500
        assert "answers 500" in checkup.the("app-unhealthy").said
        answers |= {"code": 200, "sleep": 0.5}
        assert checkup.kinds() == ["app-slow"]
        answers["sleep"] = 1.5
        assert "nothing within" in checkup.the("app-unhealthy").said
        answers["sleep"] = 0
        assert checkup.kinds() == []


def test_a_redis_that_is_down_is_said_and_stops_nothing(
    checkup: Checkup, redis_server: Server, tmp_path: Path
):
    checkup.checks = (check_redis.check_redis, check_connections.check_connections)
    (tmp_path / "redis").write_text(redis_server.url, "utf-8")
    checkup.configure(f'redis = "file:{tmp_path / "redis"}"\nredis_prefix = "prod:"')
    assert [each for each in checkup.run().report.findings if each.severity == "failed"] == []
    redis_server.stop()
    found = checkup.run()
    assert found.verdict == "failed"
    assert {each.about for each in found.report.findings if each.severity == "failed"} == {"Redis"}
    assert {each.about: each.state for each in found.report.looks}["connections"] == "well"


def test_what_redis_throws_away_is_said_of_the_day_and_then_gone(checkup: Checkup, run_redis: RunRedis):
    checkup.checks = (check_redis.check_redis,)
    server = run_redis("--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru")
    secret = checkup.project.parent / "redis"
    secret.write_text(server.url, "utf-8")
    checkup.configure(f'redis = "file:{secret}"\nredis_prefix = "prod:"')
    assert checkup.kinds() == []
    server.fill(f"prod:{'x' * 1000}:", 9000)
    server.admin.flushall()
    found = checkup.the("redis-evicts")
    assert found.severity == "attention"
    assert "keys away since 20" in found.said
    assert "maxmemory" in found.todo
    assert checkup.kinds() == []
    assert "Not any more: redis-evicts" in checkup.heard[-1]["text"]


GUARD = '\n[schema_guard]\ntable = "bot_config"\n'


def test_an_app_that_is_newer_than_the_schema(checkup: Checkup, monkeypatch: pytest.MonkeyPatch):
    checkup.checks = (check_app.check_guard,)
    checkup.configure(GUARD)
    checkup.sql(
        "create table public.bot_config (config_key text, environment text, config_value jsonb); insert into "
        """public.bot_config values ('schema_version', 'production', '{"version": "1.2.0"}')"""
    )
    monkeypatch.delenv("APP_SCHEMA_VERSION", raising=False)
    assert [(each.state, checkup.kinds()) for each in checkup.run().report.looks[1:]] == [("idle", [])]
    monkeypatch.setenv("APP_SCHEMA_VERSION", "1.2.0")
    assert checkup.kinds() == []
    monkeypatch.setenv("APP_SCHEMA_VERSION", "1.3.0")
    assert "the app is newer" in checkup.the("schema-guard").said
    monkeypatch.setenv("SKIP_SCHEMA_GUARD", "true")
    assert set(checkup.kinds()) == {"schema-guard", "schema-guard-skipped"}
    monkeypatch.delenv("SKIP_SCHEMA_GUARD")
    monkeypatch.setenv("APP_SCHEMA_VERSION", "1.1.0")
    assert checkup.kinds() == []


BACKUPS = '[environments.production.backups]\nlogical = { folder = "/nowhere" }\n'


def remember(checkup: Checkup, verdict: str, ago: timedelta) -> None:
    at = datetime.now(UTC) - ago
    found = () if verdict == "passed" else (("wal-gap", "00000001"),)
    kept = backup_memory.Memory(since=at, at=at, verdict=verdict, found=found)
    backup_memory.write(checkup.project, "production", kept)


def test_backups_that_nobody_verified_lately_or_that_were_not_good(checkup: Checkup):
    checkup.checks = (check_backups.check_backups,)
    checkup.configure(BACKUPS)
    assert checkup.the("backups-unverified").severity == "attention"
    remember(checkup, "passed", timedelta(hours=1))
    assert checkup.kinds() == []
    remember(checkup, "failed", timedelta(hours=1))
    assert "wal-gap (00000001)" in checkup.the("backups-not-good").said
    remember(checkup, "passed", timedelta(hours=30))
    assert checkup.the("backups-unverified").severity == "failed"
    remember(checkup, "passed", timedelta(hours=1))
    assert checkup.kinds() == []


def test_a_backup_that_is_too_old_by_the_projects_own_query(checkup: Checkup):
    checkup.checks = (check_backups.check_backups,)
    checkup.configure(
        '[environments.production.promotion]\nbackup_query = "select max(at) from public.backups"'
    )
    checkup.sql("create table public.backups (at timestamptz); insert into public.backups values (now())")
    assert checkup.kinds() == []
    checkup.sql("update public.backups set at = now() - interval '10 days'")
    assert "10 d 0 h old" in checkup.the("backup-too-old").said
    checkup.sql("insert into public.backups values (now())")
    assert checkup.kinds() == []


def test_a_query_for_backups_that_writes_or_is_slow_says_what_it_is(checkup: Checkup):
    checkup.checks = (check_backups.check_backups,)
    checkup.sql("create table public.backups (at timestamptz)")
    query = "with new as (insert into public.backups values (now()) returning at) select max(at) from new"
    for text, said in (
        (query, "it writes, and may only read"),
        ("select now() from pg_sleep(30)", "took longer"),
    ):
        checkup.configure(
            f'checks = {{ statement_timeout = "0.3 s" }}\n[environments.production.promotion]\nbackup_query = "{text}"'
        )
        found = checkup.the("backup-age-unknown")
        assert said in found.said
        assert found.todo.startswith(
            "Mend backup_query in [environments.production.promotion]: it only reads"
        )
    assert checkup.sql("select * from public.backups") == []
    checkup.configure('[environments.production.promotion]\nbackup_query = "select now()"')
    assert checkup.kinds() == []


def test_what_rls_and_authentication_refused_stands_in_the_servers_own_log(
    loud: embedded.Server, tmp_path: Path
):
    with looking_at(loud.dsn(user=loud.superuser), tmp_path) as checkup:
        log = loud.data / "log" / "postgres.json"
        checkup.checks = (check_errors.check_errors,)
        assert checkup.the("no-log").severity == "note"
        checkup.configure(f'{LIMITS}log_file = "{log}"\nrefused_logins = 2')
        assert checkup.kinds() == []
        checkup.sql(
            "create table public.orders (id int); alter table public.orders enable row level security"
        )
        checkup.sql("grant all on public.orders to authenticated")
        with session(checkup.admin) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute("set role authenticated; insert into public.orders values (1)")
        stranger = conninfo.make_conninfo(loud.tcp_dsn(), password="wrong")
        for _ in range(3):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(stranger)
        polling.wait_until(lambda: len(checkup.kinds()) == 2)
        found = {each.kind: each for each in checkup.run().report.findings}
        assert found["rls-refusals"].object == "table orders"
        assert found["rls-refusals"].said.startswith(
            "1 statement was refused at table orders in the last 24 h, 1 by"
        )
        assert found["failed-logins"].object == "role postgres"
        assert found["failed-logins"].since
        log.write_text("", "utf-8")
        assert checkup.kinds() == []
        log.unlink()
        assert checkup.kinds() == ["not-looked-at"]


def test_a_whole_morning_is_well_and_a_flow_that_fails_names_what(checkup: Checkup, tmp_path: Path):
    with page(WELL) as (url, _):
        log = tmp_path / "postgres.json"
        log.write_text("", "utf-8")
        checkup.configure(f'{LIMITS}status_url = "{url}"\nlog_file = "{log}"')
        found = checkup.look(flow=daily_checks.fn)
        assert isinstance(found, Checked)
        assert (found.verdict, checkup.heard) == ("passed", [])
        states = {each.about: each.state for each in found.report.looks}
        assert len(states) == 13
        assert {name for name, state in states.items() if state == "idle"} == {
            "Redis",
            "the app's health",
            "schema guard",
        }
        (tmp_path / "secret").write_text("postgresql://nobody@127.0.0.1:1/postgres", "utf-8")
        found = checkup.look(flow=daily_checks.fn)
        assert found.verdict == "failed"
        seen = {each.about for each in found.report.looks if each.state != "unseen"}
        assert {"the platform's status page", "backups"} <= seen
        (tmp_path / "secret").write_text(checkup.admin, "utf-8")
        assert checkup.look(flow=daily_checks.fn).verdict == "passed"
        assert [each["text"].partition(":")[0] for each in checkup.heard] == [
            "DAILY-CHECKS FAILED",
            "DAILY-CHECKS WELL AGAIN",
        ]


def test_without_the_right_to_see_other_sessions_nothing_about_them_passes(checkup: Checkup):
    checkup.sql("create role blind login")
    try:
        (checkup.project.parent / "secret").write_text(
            conninfo.make_conninfo(checkup.admin, user="blind"), "utf-8"
        )
        found = checkup.look(flow=daily_checks.fn)
        unseen = {each.object for each in found.report.findings if each.kind == "not-looked-at"}
        assert {"connections", "transactions", "blocked queries", "replication"} <= unseen
    finally:
        checkup.sql("drop role blind")
