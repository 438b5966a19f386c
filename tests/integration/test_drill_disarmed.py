"""A restored cluster believes to be production: whatever would act by itself there is off before its first connection.

Where pg_cron and pg_net are not to be had, another library with a process of its own stands for theirs: `pg_prewarm`.
"""

from __future__ import annotations

import shutil
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from ops.backups import Halfway, Restored
from ops.recovery_target import RecoveryTarget, lsn
from tests.drills import Shop
from tests.fix_backups import Live, living

# What the processes of a server are that does only what it is asked.
HARMLESS = {
    *("client backend", "checkpointer", "background writer", "walwriter", "startup", "io worker"),
    *("parallel worker", "standalone backend"),
}
ACTING = {
    "shared_preload_libraries": "pg_prewarm",
    "archive_mode": "on",
    "archive_command": "echo archive_command >> {acts}",
    "archive_cleanup_command": "echo archive_cleanup_command >> {acts}",
    "recovery_end_command": "echo recovery_end_command >> {acts}",
    "restore_command": "echo restore_command >> {acts}; false",
    "primary_conninfo": "host={home} port={port} user={user}",
    "autovacuum": "on",
    "listen_addresses": "*",
    "max_logical_replication_workers": "4",
}
ARMED = """
create extension pg_cron;
select cron.schedule('nightly', '* * * * *', 'delete from public.orders');
create publication everything for all tables;
create subscription theirs connection 'host={home} port={port} user={user} dbname=postgres' publication everything
    with (connect = false, slot_name = 'theirs');
alter subscription theirs enable;
select pg_create_physical_replication_slot('kept', true);
create function public.at_login() returns event_trigger language plpgsql as $$
begin
    if current_setting('data_directory') <> '{data}' then
        copy (select 1) to program 'echo login trigger >> {acts}';
    end if;
end
$$;
create event trigger at_login on login execute function public.at_login();
alter event trigger at_login enable always
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shop]:
    """A production whose own files say all that acts; it runs by other settings, so that only a copy would act."""
    quiet = {"autovacuum": "off", "max_logical_replication_workers": "0", "max_replication_slots": "10"}
    with living(settings=quiet) as live:
        made = Shop.at(live, tmp_path_factory.mktemp("shop"))
        user, server = live.server.superuser, live.server
        values = {
            "acts": acts(live),
            "home": server.host,
            "port": server.port,
            "user": user,
            "data": server.data,
        }
        for name, value in ACTING.items():
            live.ask(f"alter system set {name} = $value${value.format(**values)}$value$")
        live.ask(ARMED.format(**values))
        made.back_up()
        yield made


def acts(live: Live) -> Path:
    """Where all that acts leaves its name."""
    return live.folder / "acts"


def processes(dsn: str) -> set[str]:
    with psycopg.connect(dsn) as connection:
        return {str(each) for (each,) in connection.execute("select backend_type from pg_stat_activity")}


def asked(restored: Restored, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(restored.dsn, autocommit=True) as connection:
        return list(connection.execute(query.encode()).fetchall())


def test_nothing_acts_on_the_way_at_the_target_nor_once_it_may_be_written_to(shop: Shop):
    live = shop.live
    ((place,),) = live.ask("select pg_current_wal_insert_lsn()")
    shop.beat()
    live.archive()
    seen: dict[str, set[str]] = {}
    (backup,) = live.source.holdings().backups
    # pg_basebackup leaves slots out; a backup that is a snapshot of the disk does not.
    slot = live.settings.base / backup.id / "pg_replslot" / "kept"
    shutil.copytree(live.server.data / "pg_replslot" / "kept", slot)
    halfway = Halfway(lsn(str(place)), lambda dsn: seen.update({"on the way": processes(dsn)}))
    with live.source.restored(
        backup, RecoveryTarget(), within=timedelta(minutes=5), progress=lambda *_: None, halfway=halfway
    ) as restored:
        seen["at the target"] = processes(restored.dsn)
        restored.promote()
        writes = "set default_transaction_read_only = off; select pg_logical_emit_message(true, 'test', 'x')"
        with psycopg.connect(restored.dsn, autocommit=True) as connection:
            connection.execute(writes.encode())
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")
        seen["opened"] = processes(restored.dsn)
        # They are still there, as production has them, and nobody runs them.
        assert asked(restored, "select jobname, active from cron.job") == [("nightly", True)]
        assert asked(restored, "select subname, subenabled from pg_subscription") == [("theirs", True)]
        assert asked(restored, "select slot_name from pg_replication_slots") == []
        for setting in ("listen_addresses", "shared_preload_libraries", "primary_conninfo"):
            assert asked(restored, f"show {setting}") == [("",)]
        for setting in ("archive_mode", "autovacuum", "event_triggers"):
            assert asked(restored, f"show {setting}") == [("off",)]
    shutil.rmtree(slot)
    assert set(seen) == {"on the way", "at the target", "opened"}
    assert [(when, found - HARMLESS) for when, found in seen.items() if found - HARMLESS] == []
    assert not acts(live).exists(), acts(live).read_text()


def test_a_drill_of_it_passes_and_nothing_has_acted(shop: Shop):
    found = shop.drill()
    assert found.verdict == "passed", found.problems
    live = shop.live
    assert not acts(live).exists(), acts(live).read_text()
    assert live.ask("select active from pg_replication_slots") == [(False,)]
    assert live.ask("select active from cron.job") == [(True,)]
