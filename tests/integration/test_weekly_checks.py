"""Each weekly check on a real server: healthy, then broken, found and named with the next step, mended, and gone."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.weekly_checks import weekly_checks
from ops import (
    backup_memory,
    check_drift,
    check_exhaustion,
    check_growth,
    check_indexes,
    check_memory,
    check_migrations,
    check_vacuum,
    check_window,
)
from ops.growth_samples import Sample, Samples
from tasks import checking as step
from tests import fix_archiving, polling
from tests.fix_checks import Checkup
from tests.releases import Shop

LIMITS = "[environments.production.checks]\n"
PNG = b"\x89PNG"


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)


@pytest.fixture
def promoted(shop: Shop, shaped_admin: str) -> Checkup:
    """The shop after a real promotion."""
    assert shop.rehearse().ok
    assert shop.promote().state == "promoted"
    return Checkup(shop.root, shaped_admin, [])


def test_a_file_that_waits_and_a_version_of_other_hands(promoted: Checkup):
    promoted.checks = (check_migrations.check_migrations,)
    assert promoted.kinds() == []
    late = promoted.project / "supabase" / "migrations" / "20300101000000_late.sql"
    late.write_text("create table public.late (id int);", "utf-8")
    found = promoted.the("pending-migrations")
    assert "20300101000000_late.sql" in found.said
    assert "prod-promotion" in found.todo
    promoted.sql("create table public.late (id int)")
    found = promoted.the("migration-partly-applied")
    assert found.severity == "failed"
    assert "before the next run. The file does not end with a newline." in found.said
    promoted.sql(
        "insert into supabase_migrations.schema_migrations (version, name, statements) "
        "values ('20300101000000', 'late', array['create table public.late (id int)'])"
    )
    assert promoted.the("other-hands").object == "20300101000000"
    late.unlink()
    assert promoted.kinds() == ["migration-missing-file"]
    promoted.sql("delete from supabase_migrations.schema_migrations where version = '20300101000000'")
    assert promoted.kinds() == []


def test_a_project_without_migrations_has_nothing_to_look_at_until_there_is_one(checkup: Checkup):
    checkup.checks = (check_migrations.check_migrations,)
    found = checkup.run()
    assert (found.verdict, found.report.findings) == ("passed", ())
    assert [each.state for each in found.report.looks] == ["well", "idle"]
    first = checkup.project / "supabase" / "migrations" / "20300101000000_first.sql"
    first.parent.mkdir(parents=True, exist_ok=True)
    first.write_text("create table public.first (id int);\n", "utf-8")
    assert checkup.kinds() == ["pending-migrations"]
    first.unlink()
    assert checkup.kinds() == []
    checkup.sql(
        "create schema if not exists supabase_migrations; create table supabase_migrations.schema_migrations "
        "(version text primary key, statements text[], name text); "
        "insert into supabase_migrations.schema_migrations (version) values ('20300101000000')"
    )
    assert checkup.kinds() == ["migration-missing-file"]


def test_what_was_changed_beside_the_promotions_is_drift(promoted: Checkup):
    promoted.checks = (check_drift.check_drift,)
    assert promoted.kinds() == []
    promoted.sql(
        "create index by_hand on public.notes (body); alter table public.tags disable row level security"
    )
    found = {each.object: each for each in promoted.run().report.findings}
    assert set(found) == {"index public.by_hand", "table public.tags"}
    assert found["index public.by_hand"].said.startswith("index public.by_hand is there and was not promoted")
    assert "write it as a migration" in found["table public.tags"].todo
    promoted.sql("drop index public.by_hand; alter table public.tags enable row level security")
    assert promoted.kinds() == []


def test_where_nothing_was_promoted_nothing_can_drift(checkup: Checkup):
    checkup.checks = (check_drift.check_drift,)
    assert [each.state for each in checkup.run().report.looks] == ["well", "idle"]


def sampled(checkup: Checkup, weeks: int, *, daily: int, whole: int) -> None:
    """Let earlier looks have been every week, as time itself cannot be waited for."""
    now = datetime.now(UTC)
    kept = tuple(
        Sample(
            at=now - timedelta(weeks=n),
            whole=whole - 7 * n * daily,
            tables={"public.logs": whole - 7 * n * daily},
        )
        for n in range(weeks, 0, -1)
    )
    path = checkup.project / "artifacts" / "ops" / "growth" / "production.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Samples(samples=kept).model_dump_json(), "utf-8")


def test_storage_that_will_be_full_is_said_with_its_day_and_drawn(checkup: Checkup):
    checkup.checks = (check_growth.check_growth,)
    assert checkup.kinds() == ["no-storage-limit"]
    ((whole,),) = checkup.sql(
        "select sum(pg_database_size(oid))::bigint from pg_database where has_database_privilege(oid, 'connect')"
    )
    mb = 1024**2
    checkup.configure(f"{LIMITS}storage = {whole + 300 * mb}")
    sampled(checkup, 8, daily=mb, whole=whole)
    assert checkup.kinds() == []
    sampled(checkup, 8, daily=10 * mb, whole=whole)
    run = checkup.run()
    (found,) = run.report.findings
    day = datetime.now(UTC) + timedelta(days=30)
    assert any(f"will be full on {day + timedelta(days=n):%Y-%m-%d}" in found.said for n in (-2, -1, 0, 1, 2))
    assert "70 MB more a week" in found.said
    assert run.bundle
    assert (Path(run.bundle) / "growth.png").read_bytes().startswith(PNG)
    checkup.configure(f"{LIMITS}storage = {whole}")
    assert checkup.the("storage-full-soon").severity == "failed"
    checkup.configure(f"{LIMITS}storage = {whole * 100}")
    assert checkup.kinds() == []


def growth(checkup: Checkup) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the table of the look, and the kinds that it finds."""
    plan = step.plan_checks(str(checkup.project), "production", kind="weekly-checks")
    with step.opened(plan) as state:
        evidence = check_growth.check_growth(state)
        return list(evidence.rows), sorted(each.kind for each in state.findings.values())


def test_each_table_has_its_rate_its_share_and_the_day_of_its_own_limit(checkup: Checkup):
    mb = 1024**2
    checkup.sql("create table public.events as select repeat('x', 1000) from generate_series(1, 3000)")
    ((whole, size),) = checkup.sql(
        "select sum(pg_database_size(oid))::bigint, pg_total_relation_size('public.events') from pg_database "
        "where has_database_privilege(oid, 'connect')"
    )
    now = datetime.now(UTC)
    kept = tuple(
        Sample(
            at=now - timedelta(weeks=n),
            whole=whole - n * 8 * mb // 10,
            tables={"public.events": size - n * 2 * mb // 10},
        )
        for n in range(10, 0, -1)
    )
    path = checkup.project / "artifacts" / "ops" / "growth" / "production.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Samples(samples=kept).model_dump_json(), "utf-8")
    limits = f'table_limits = {{ "public.events" = {size + 2 * mb}, "public.evnts" = "1 GB" }}'
    checkup.configure(f'{LIMITS}storage = "10 TB"\nfull_within = "1 day"\n{limits}')
    rows, kinds = growth(checkup)
    assert kinds == ["limit-of-nothing"]
    assert (rows[0]["kind"], rows[0]["name"]) == ("all", "databases")
    (events,) = [row for row in rows if row["name"] == "public.events"]
    assert events["share of growth"] == "25%"
    assert events["a week"] == "205 kB"
    day = now + timedelta(weeks=10)
    assert events["full on"] in {f"{day + timedelta(days=n):%Y-%m-%d}" for n in (-1, 0, 1)}
    checkup.configure(f'{LIMITS}storage = "10 TB"\nfull_within = "80 days"\n{limits}')
    checkup.checks = (check_growth.check_growth,)
    found = checkup.the("storage-full-soon")
    assert found.object == "table public.events"
    assert found.said.startswith("The table public.events has ")
    checkup.sql("truncate public.events")
    assert [each.kind for each in checkup.run().report.findings] == ["limit-of-nothing"]


def test_a_table_that_is_locked_is_left_out_and_all_else_is_measured(checkup: Checkup):
    checkup.checks = (check_growth.check_growth,)
    checkup.configure(f'{LIMITS}storage = "10 TB"\nbuckets = "1 GB"\nlock_timeout = "0.3 s"')
    checkup.sql(
        "create table public.busy (id int primary key, said text); create table public.still (id int)"
    )
    assert checkup.kinds() == []
    for how, name in (
        ("lock table public.busy", "public.busy"),
        ("reindex index public.busy_pkey", "public.busy"),
        ("lock table storage.objects", "storage.objects"),
    ):
        with psycopg.connect(checkup.admin) as holder:
            holder.execute(how.encode())
            found = checkup.the("size-not-seen")
            holder.rollback()
        assert found.object == name
        assert "somebody has locked it" in found.said
        kept = Samples.model_validate_json(
            (checkup.project / "artifacts" / "ops" / "growth" / "production.json").read_bytes()
        )
        assert name not in kept.samples[-1].tables
        assert "public.still" in kept.samples[-1].tables
        assert (kept.samples[-1].buckets is None) == (name == "storage.objects")
        assert checkup.kinds() == []


@pytest.mark.parametrize("read", ["whole", "in part"])
def test_the_files_of_buckets_are_added_up(checkup: Checkup, read: str):
    checkup.checks = (check_growth.check_growth,)
    checkup.sql(
        "insert into storage.buckets (id, name) values ('ebooks', 'ebooks'); "
        "insert into storage.objects (bucket_id, name, metadata) "
        "select 'ebooks', n::text, jsonb_build_object('size', 1000) from generate_series(1, 5000) n"
    )
    scan = "64 MB" if read == "whole" else "100 kB"
    checkup.configure(f'{LIMITS}storage = "10 TB"\nbuckets = "1 GB"\nmost_scan = "{scan}"')
    (look,) = [each for each in checkup.run().report.looks if each.about == "storage growth"]
    assert ("estimated" in look.said) == (read == "in part")
    kept = Samples.model_validate_json(
        (checkup.project / "artifacts" / "ops" / "growth" / "production.json").read_bytes()
    )
    assert kept.samples[-1].buckets
    assert kept.samples[-1].buckets["ebooks"] == pytest.approx(5_000_000, rel=0.0 if read == "whole" else 0.3)
    checkup.configure(f'{LIMITS}storage = "10 TB"\nbuckets = "5 MB"')
    assert checkup.the("storage-full-soon").object == "buckets"
    checkup.configure(
        f'{LIMITS}storage = "10 TB"\nbuckets = "1 GB"\nbucket_limits = {{ ebooks = "5 MB", other = "1 kB" }}'
    )
    assert checkup.the("storage-full-soon").object == "bucket ebooks"
    checkup.sql("set storage.allow_delete_query = 'true'; delete from storage.objects")
    assert checkup.kinds() == []


def test_a_sequence_near_the_end_of_its_column(checkup: Checkup):
    checkup.checks = (check_exhaustion.check_sequences,)
    checkup.sql("create table public.clicks (id serial, small smallint generated by default as identity)")
    assert checkup.kinds() == []
    checkup.sql("select setval('public.clicks_id_seq', 1900000000), setval('public.clicks_small_seq', 32000)")
    found = {each.object: each for each in checkup.run().report.findings}
    assert {name: each.severity for name, each in found.items()} == {
        "public.clicks_id_seq": "attention",
        "public.clicks_small_seq": "failed",
    }
    assert "clicks.id" in found["public.clicks_id_seq"].said
    assert "247,483,647 numbers are left" in found["public.clicks_id_seq"].said
    checkup.sql("alter table public.clicks alter id type bigint, alter small type bigint")
    checkup.sql(
        "alter sequence public.clicks_id_seq as bigint; alter sequence public.clicks_small_seq as bigint"
    )
    assert checkup.kinds() == []


def test_a_sequence_of_bigint_behind_a_column_of_integer_ends_with_the_column(checkup: Checkup):
    checkup.checks = (check_exhaustion.check_sequences,)
    checkup.sql("create sequence public.n; create table public.t (id int default nextval('public.n'))")
    checkup.sql("alter sequence public.n owned by public.t.id; select setval('public.n', 2000000000)")
    assert checkup.the("sequence-ending").severity == "failed"
    checkup.sql("alter sequence public.n cycle")
    assert checkup.kinds() == []


def test_transaction_ids_on_their_way_to_the_end(checkup: Checkup, shaped_name: str):
    checkup.checks = (check_exhaustion.check_transaction_ids,)
    checkup.configure(f"{LIMITS}transaction_ids = {10_000 / 2**31:.12f}")
    checkup.sql("vacuum (freeze)")
    here = f"database {shaped_name}"
    assert here not in {each.object for each in checkup.run().report.findings}
    checkup.sql(
        "create table public.burnt (n int); do $$ begin for n in 1..12000 loop "
        "begin insert into public.burnt values (n); exception when others then raise; end; end loop; end $$"
    )
    found = {each.object: each for each in checkup.run().report.findings}[here]
    assert found.kind == "transaction-ids-ending"
    assert "the oldest is in" in found.said
    assert "VACUUM (FREEZE)" in found.todo
    checkup.sql("vacuum (freeze)")
    assert here not in {each.object for each in checkup.run().report.findings}


def test_an_index_that_nobody_uses_counts_when_it_is_old(checkup: Checkup):
    checkup.checks = (check_indexes.check_unused,)
    checkup.sql(
        "create table public.t as select n, n % 7 as m from generate_series(1, 20000) n; analyze public.t"
    )
    checkup.configure(f'{LIMITS}unused_index = "100 kB"')
    assert [each.state for each in checkup.run().report.looks] == ["well", "idle"]
    checkup.configure(f'{LIMITS}unused_index = "100 kB"\ncounted_for = "0.001 s"')
    assert checkup.kinds() == []
    checkup.sql("create index idle on public.t (n)")
    assert checkup.the("unused-index").severity == "note"
    path = checkup.project / "artifacts" / "ops" / "daily-checks" / "production.json"
    kept = check_memory.Memory.model_validate_json(path.read_bytes())
    ago = datetime.now(UTC) - timedelta(days=30)
    old = kept.model_copy(
        update={"known": tuple(each.model_copy(update={"first": ago}) for each in kept.known)}
    )
    path.write_text(old.model_dump_json(), "utf-8")
    found = checkup.the("unused-index")
    assert (found.severity, found.object) == ("attention", "public.idle")
    with psycopg.connect(checkup.admin, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off; select count(*) from public.t where n = 5")
        connection.execute("select pg_stat_force_next_flush()")
    polling.wait_until(lambda: checkup.kinds() == [])


def test_an_index_that_is_there_twice_and_others_that_only_look_so(checkup: Checkup):
    checkup.checks = (check_indexes.check_duplicates,)
    checkup.sql(
        "create table public.t (id int primary key, a text, b text); create index a on public.t (a); "
        "create index ab on public.t (a, b); create index a_some on public.t (a) where b is null; "
        'create index a_down on public.t (a desc); create index a_c on public.t (a collate "C"); '
        "create index a_hash on public.t using hash (a); create index a_b on public.t (a) include (b)"
    )
    assert checkup.kinds() == []
    checkup.sql("create index a_again on public.t (a); create unique index again on public.t (id)")
    found = {each.object: each for each in checkup.run().report.findings}
    assert set(found) == {"public.t: a_again", "public.t: again"}
    assert "says the same as t_pkey" in found["public.t: again"].said
    checkup.sql("drop index public.a_again; drop index public.again")
    assert checkup.kinds() == []


def test_a_table_that_vacuum_does_not_keep_up_with(checkup: Checkup):
    checkup.checks = (check_vacuum.check_vacuum,)
    checkup.configure(f"{LIMITS}least_rows = 1000")
    checkup.sql("create table public.t (n int) with (autovacuum_enabled = false)")
    assert checkup.kinds() == []
    with psycopg.connect(checkup.admin, autocommit=True) as connection:
        connection.execute("insert into public.t select n from generate_series(1, 5000) n")
        connection.execute("update public.t set n = n where n <= 4000")
        connection.execute("select pg_stat_force_next_flush()")
    found = {each.kind: each for each in checkup.run().report.findings}
    assert set(found) == {"vacuum-behind", "autovacuum-off"}
    assert "it was never vacuumed" in found["vacuum-behind"].said
    assert found["vacuum-behind"].todo.startswith("VACUUM public.t")
    checkup.sql("alter table public.t reset (autovacuum_enabled)")
    checkup.sql("vacuum public.t")
    polling.wait_until(lambda: checkup.kinds() == [])


WINDOW = 'backups = {{ window = "{window}", physical = {{ base = "{base}", wal = "{wal}" }} }}'


@pytest.fixture(scope="module")
def archive() -> Generator[fix_archiving.Archiving]:
    with fix_archiving.archiving() as cluster:
        cluster.fill(1)
        cluster.backup("nightly")
        cluster.fill(1)
        yield cluster


def test_a_window_that_is_not_full_yet_and_one_that_was_lost(
    checkup: Checkup, archive: fix_archiving.Archiving
):
    checkup.checks = (check_window.check_window,)
    where = {"base": archive.settings.base, "wal": archive.settings.wal}
    checkup.configure(WINDOW.format(window="0.01 s", **where))
    assert checkup.kinds() == []
    checkup.configure(WINDOW.format(window="7 days", **where))
    assert checkup.the("window-short").severity == "attention"
    long_ago = datetime.now(UTC) - timedelta(days=9)
    backup_memory.write(checkup.project, "production", backup_memory.Memory(since=long_ago))
    assert checkup.the("window-short").severity == "failed"
    checkup.configure(WINDOW.format(window="0.01 s", **where))
    assert checkup.kinds() == []


def test_a_whole_week_after_a_promotion_is_well_and_a_change_is_told_once(promoted: Checkup):
    found = promoted.look(flow=weekly_checks.fn)
    assert found.verdict == "passed", found.summary
    states = {each.about: each.state for each in found.report.looks}
    assert len(states) == 10
    assert {name for name, state in states.items() if state == "idle"} == {
        "the window of points in time",
        "unused indexes",
    }
    promoted.sql("create table public.t (id int primary key); create unique index again on public.t (id)")
    found, again = (promoted.look(flow=weekly_checks.fn) for _ in range(2))
    assert {each.kind for each in found.report.findings if each.counts} == {"duplicate-index", "drift"}
    assert (len(found.report.told), len(again.report.told)) == (1, 0)
    promoted.sql("drop table public.t")
    found = promoted.look(flow=weekly_checks.fn)
    assert (found.verdict, len(found.report.told)) == ("passed", 1)
    assert {each.kind for each in found.report.gone} == {"duplicate-index", "drift"}
