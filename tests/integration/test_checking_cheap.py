"""Checks are cheap and safe: they lock nothing that others wait for, read no large table, and take no time."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from flows.daily_checks import daily_checks
from flows.incident_latency import incident_latency
from flows.quarterly_audit import quarterly_audit
from flows.weekly_checks import weekly_checks
from ops import database
from ops.checked import Checked
from ops.checking import Checking
from tests.fix_checks import Checkup

FLOWS = (daily_checks.fn, weekly_checks.fn)
EVERY = (*FLOWS, quarterly_audit.fn, incident_latency.fn)
TABLES = """\
select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_toast|pg_temp|information_schema)'
"""
# What every question to the catalogue takes, and goes without anybody waiting.
HARMLESS = {"AccessShareLock"}
LOCKS = """\
select distinct l.mode, coalesce(l.relation::regclass::text, '') from pg_locks l
where l.pid = pg_backend_pid() and l.locktype not in ('virtualxid')
"""


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What each transaction of a check held when it was about to end."""
    seen: list[tuple[str, str]] = []
    reading = Checking.reading

    @contextmanager
    def watched(self: Checking, timeout: timedelta | None = None) -> Generator[database.Connection]:
        with reading(self, timeout) as connection:
            yield connection
            with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
                seen.extend(cursor.execute(LOCKS).fetchall())

    monkeypatch.setattr(Checking, "reading", watched)
    return seen


@pytest.fixture
def quiet(checkup: Checkup) -> Checkup:
    """An environment that asks nothing of the Internet, with migrations."""
    migrations = checkup.project / "supabase" / "migrations"
    migrations.mkdir(parents=True, exist_ok=True)
    (migrations / "20260101000000_one.sql").write_text(
        "create table public.one (id int primary key);", "utf-8"
    )
    checkup.configure('checks = { status_url = "", most_scan = "64 kB" }')
    return checkup


def runs(quiet: Checkup) -> list[Checked]:
    return [quiet.look(flow=flow) for flow in FLOWS]


def test_no_lock_is_stronger_than_that_of_a_select(quiet: Checkup, locked: list[tuple[str, str]]):
    found = runs(quiet)
    assert all(look.state != "unseen" for each in found for look in each.report.looks)
    assert {mode for mode, _ in locked} == HARMLESS
    assert "storage.objects" in {name for _, name in locked}


def test_no_check_needs_more_of_a_table_than_reading_it(quiet: Checkup):
    """A table in EXCLUSIVE mode can be read, and whoever wants any lock stronger than ACCESS SHARE waits."""
    quiet.configure('checks = { status_url = "", lock_timeout = "0.5 s", incident_span = "1 s" }')
    quiet.sql(
        "create table public.held (id int primary key); create extension if not exists pg_stat_statements"
    )
    with psycopg.connect(quiet.admin) as holder:
        for (name,) in holder.execute(TABLES).fetchall():
            holder.execute(f"lock table {name} in exclusive mode".encode())
        for flow in EVERY:
            found = quiet.look(flow=flow)
            unseen = [look for look in found.report.looks if look.state == "unseen"]
            assert not unseen, (found.report.kind, unseen)


def test_no_table_of_the_app_is_read_and_no_large_one_whole(quiet: Checkup):
    quiet.sql(
        "create table public.big as select n, repeat('x', 100) as body from generate_series(1, 50000) n"
    )
    quiet.sql(
        "insert into storage.buckets (id, name) values ('b', 'b'); "
        "insert into storage.objects (bucket_id, name, metadata) "
        "select 'b', n::text, jsonb_build_object('size', 1) from generate_series(1, 20000) n"
    )
    before = read(quiet)
    runs(quiet)
    after = read(quiet)
    assert after["public.big"] == before["public.big"]
    assert 0 < after["storage.objects"] - before["storage.objects"] < 5000


def read(quiet: Checkup) -> dict[str, Any]:
    """Return how many rows of each table were read by scans of it."""
    quiet.sql("select pg_stat_force_next_flush()")
    return dict(
        quiet.sql(
            "select schemaname || '.' || relname, seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables"
        )
    )


def test_a_table_that_somebody_holds_delays_a_check_for_no_longer_than_its_timeout(quiet: Checkup):
    quiet.configure('checks = { status_url = "", lock_timeout = "0.2 s" }')
    quiet.sql("create table public.held (id int primary key)")
    with psycopg.connect(quiet.admin) as holder:
        holder.execute("lock table public.held in access exclusive mode")
        began = time.monotonic()
        found = quiet.look(flow=weekly_checks.fn)
        assert time.monotonic() - began < 60
        assert {each.object for each in found.report.findings if each.kind == "size-not-seen"} == {
            "public.held"
        }
    found = quiet.look(flow=weekly_checks.fn)
    assert not {"not-looked-at", "size-not-seen"} & {each.kind for each in found.report.findings}
