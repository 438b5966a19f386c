"""What daily and weekly checks find seldom, each made for real: healthy, broken, found and named, mended, gone."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import conninfo

from ops import (
    check_backups,
    check_counters,
    check_errors,
    check_exhaustion,
    check_migrations,
    check_platform,
    check_replication,
    check_transactions,
    embedded,
)
from tests import fix_copied, polling
from tests.fix_checks import Checkup, looking_at
from tests.integration.test_daily_checks import LIMITS, WELL, page
from tests.integration.test_weekly_checks import promoted, shop  # noqa: F401  # fixtures are found by their names

SETTINGS = {
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_timezone": "UTC",
    "log_directory": "log",
    "log_filename": "postgres.log",
    "max_wal_senders": "4",
    "max_slot_wal_keep_size": "2MB",
    "max_wal_size": "4MB",
    "min_wal_size": "2MB",
    "max_prepared_transactions": "4",
}

EVICT = """\
select pg_buffercache_evict(bufferid) from pg_buffercache
where relfilenode = pg_relation_filenode('public.damaged')
"""


@pytest.fixture(scope="module")
def apart() -> Generator[embedded.Server]:
    """A server of its own, whose files are damaged and whose slots lose what they need."""
    with embedded.running(settings=SETTINGS) as server:
        yield server


@pytest.fixture
def here(apart: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Checkup]:
    with looking_at(apart.dsn(user=apart.superuser), tmp_path_factory.mktemp("here")) as checkup:
        yield checkup


def test_a_slot_whose_reader_can_never_go_on(here: Checkup):
    here.checks = (check_replication.check_replication,)
    assert here.kinds() == []
    here.sql("select pg_create_physical_replication_slot('left_behind', true)")
    try:

        def lost() -> bool:
            here.sql("select pg_logical_emit_message(false, 'test', repeat('x', 4000000)); checkpoint")
            return here.sql("select wal_status from pg_replication_slots") == [("lost",)]

        polling.wait_until(lost)
        found = here.the("slot-lost")
        assert (found.object, found.severity) == ("left_behind", "failed")
        assert "Drop the slot" in found.todo
    finally:
        here.sql("select pg_drop_replication_slot('left_behind')")
    assert here.kinds() == []


def test_a_page_whose_checksum_is_wrong(apart: embedded.Server, here: Checkup):
    here.checks = (check_counters.check_counted_errors,)
    here.sql("create extension if not exists pg_buffercache; create table public.damaged as select 1 as n")
    assert here.kinds() == []
    here.sql("checkpoint")
    ((path,),) = here.sql("select pg_relation_filepath('public.damaged')")
    here.sql(EVICT)
    with (apart.data / path).open("r+b") as file:
        file.seek(-8, os.SEEK_END)
        file.write(b"\xff" * 8)
    with pytest.raises(psycopg.errors.DataCorrupted):
        here.sql("select * from public.damaged")
    polling.wait_until(lambda: "checksum-failures" in here.kinds())
    found = here.the("checksum-failures")
    assert found.severity == "failed"
    assert "prod-restore" in found.todo
    assert "pg_stat_reset()" in found.todo
    here.sql("drop table public.damaged; select pg_stat_reset()")
    assert here.kinds() == []


def test_a_session_that_the_server_ended_with_an_error(here: Checkup):
    here.checks = (check_counters.check_counted_errors,)
    assert here.kinds() == []
    with psycopg.connect(here.admin, autocommit=True) as connection:
        connection.execute("set idle_session_timeout = '50ms'")
        fatal = "select sessions_fatal from pg_stat_database where datname = current_database()"
        polling.wait_until(lambda: here.sql(fatal)[0][0] > 0)
    found = here.the("sessions-broken-off")
    assert found.said.startswith("The server has counted 1 sessions broken off since")
    assert "FATAL" in found.todo
    assert here.kinds() == []


def test_a_query_on_a_replica_that_was_cancelled_for_replay(
    apart: embedded.Server, here: Checkup, tmp_path_factory: pytest.TempPathFactory
):
    here.sql("create table public.hot as select n from generate_series(1, 1000) n")
    with (
        fix_copied.copied(apart, standby=True) as replica,
        looking_at(replica.dsn(user=replica.superuser), tmp_path_factory.mktemp("there")) as there,
    ):
        there.checks = (check_counters.check_counted_errors, check_replication.check_replication)
        # A slot or a lag of the server that was copied would be its own affair.
        polling.wait_until(lambda: there.kinds() == [])
        there.sql("alter system set max_standby_streaming_delay = 0")
        there.sql("select pg_reload_conf()")
        with psycopg.connect(there.admin) as reader:
            reader.execute("set transaction isolation level repeatable read")
            reader.execute("select count(*) from public.hot")
            here.sql("delete from public.hot")
            here.sql("vacuum public.hot")
            with pytest.raises(psycopg.errors.OperationalError):
                polling.wait_until(lambda: reader.execute("select count(*) from public.hot") is None)
        polling.wait_until(lambda: "replica-conflicts" in there.kinds())
        assert there.kinds() == [], "it is said once"
        there.configure(f'{LIMITS}lag = "0.5 s"')
        there.sql("select pg_wal_replay_pause()")
        here.sql("insert into public.hot select generate_series(1, 10)")
        polling.wait_until(lambda: "replica-lag" in there.kinds())
        found = there.the("replica-lag")
        assert found.object == "this server"
        assert "pg_stat_activity" in found.todo
        there.sql("select pg_wal_replay_resume()")
        polling.wait_until(lambda: there.kinds() == [])
    here.sql("drop table public.hot")


def test_a_transaction_that_somebody_has_prepared_and_forgotten(here: Checkup):
    here.checks = (check_transactions.check_transactions,)
    here.configure(f'{LIMITS}transaction = "0.2 s"\nidle = "0.2 s"')
    assert here.kinds() == []
    with psycopg.connect(here.admin) as connection:
        connection.execute("create table public.half (id int)")
        connection.execute("prepare transaction 'forgotten'")
    polling.wait_until(lambda: "prepared-transaction" in here.kinds())
    found = here.the("prepared-transaction")
    assert "forgotten" in f"{found.object} {found.said}"
    assert "rollback prepared" in found.todo.lower()
    here.sql("rollback prepared 'forgotten'")
    assert here.kinds() == []


def test_a_right_that_somebody_lacks_stands_in_the_log(apart: embedded.Server, here: Checkup):
    here.checks = (check_errors.check_errors,)
    log = apart.data / "log" / "postgres.json"
    here.configure(f'{LIMITS}log_file = "{log}"')
    here.sql("create table public.ledger (id int); revoke all on public.ledger from anon")
    assert here.kinds() == []
    with psycopg.connect(here.admin) as other, pytest.raises(psycopg.errors.InsufficientPrivilege):
        other.execute("set role anon; select * from public.ledger")
    polling.wait_until(lambda: "rights-refusals" in here.kinds())
    found = here.the("rights-refusals")
    assert found.object == "table ledger"
    assert "42501" in found.todo
    log.write_text("", "utf-8")
    here.sql("grant select on public.ledger to anon")
    with psycopg.connect(here.admin) as other:
        other.execute("set role anon; select * from public.ledger")
    assert here.kinds() == []
    here.sql("drop table public.ledger")


def test_multixacts_on_their_way_to_the_end(here: Checkup):
    here.checks = (check_exhaustion.check_transaction_ids,)
    here.sql("create table public.shared as select 1 as n")
    here.sql("vacuum (freeze)")
    here.configure(f"{LIMITS}transaction_ids = {200 / 2**31:.12f}")
    name = f"database {conninfo.conninfo_to_dict(here.admin)['dbname']}"

    def found() -> dict[str, str]:
        mine = (each for each in here.run().report.findings if each.object == name)
        return {each.kind: each.todo for each in mine}

    # Other databases of the server are as old as they are; this one's transaction ids are young.
    assert "multixacts-ending" not in found()
    with psycopg.connect(here.admin) as one, psycopg.connect(here.admin) as two:
        for _ in range(250):
            for each in (one, two):
                each.execute("select n from public.shared for share")
            one.commit()
            two.commit()
    assert "VACUUM (FREEZE)" in found()["multixacts-ending"]
    here.sql("vacuum (freeze)")
    assert "multixacts-ending" not in found()
    here.sql("drop table public.shared")


def test_a_maintenance_of_the_platform_that_begins_soon(checkup: Checkup):
    checkup.checks = (check_platform.check_status_page,)
    soon = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
    work = {"id": "m1", "name": "New disks", "status": "scheduled", "scheduled_for": soon}
    with page({**WELL, "scheduled_maintenances": []}) as (url, answers):
        checkup.configure(f'{LIMITS}status_url = "{url}"')
        assert checkup.kinds() == []
        answers["body"] = json.dumps({**WELL, "scheduled_maintenances": [work]}).encode()
        found = checkup.the("platform-maintenance")
        assert "New disks" in found.said
        assert "production" in found.todo
        later = {**work, "scheduled_for": (datetime.now(UTC) + timedelta(days=9)).isoformat()}
        answers["body"] = json.dumps({**WELL, "scheduled_maintenances": [later]}).encode()
        assert checkup.kinds() == []
        answers["body"] = json.dumps(
            {**WELL, "scheduled_maintenances": [{**work, "status": "completed"}]}
        ).encode()
        assert checkup.kinds() == []


def test_a_production_that_names_no_backups(checkup: Checkup):
    checkup.checks = (check_backups.check_backups,)
    found = checkup.the("no-backups-named")
    assert found.severity == "note"
    assert "[environments.production.backups]" in found.todo
    checkup.configure("guarded = true")
    assert checkup.the("no-backups-named").severity == "attention"
    checkup.sql("create table public.backups (at timestamptz); insert into public.backups values (now())")
    query = 'backup_query = "select max(at) from public.backups"'
    checkup.configure(f"guarded = true\n[environments.production.promotion]\n{query}")
    assert checkup.kinds() == []


def test_a_file_that_was_edited_and_one_below_what_is_applied(promoted: Checkup):  # noqa: F811
    promoted.checks = (check_migrations.check_migrations,)
    assert promoted.kinds() == []
    applied = sorted((promoted.project / "supabase" / "migrations").glob("*.sql"))[0]
    before = applied.read_text("utf-8")
    applied.write_text(f"{before}\ncreate table public.added (id int);\n", "utf-8")
    found = promoted.the("migration-edited")
    assert applied.name in found.said
    assert found.todo
    applied.write_text(before, "utf-8")
    assert promoted.kinds() == []
    below = applied.with_name("20000101000000_below.sql")
    below.write_text("create table public.below (id int);", "utf-8")
    assert "migration-out-of-order" in promoted.kinds()
    assert "20000101000000_below.sql" in promoted.the("migration-out-of-order").said
    below.unlink()
    assert promoted.kinds() == []
