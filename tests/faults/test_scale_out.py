"""Fifty runs on two servers and three workers, of which one of each is killed: every run ends, and none acts twice.

Ten of them switch a flag after somebody has approved it, and are retried; forty are heartbeats, after which the next
one comes, so that nobody retries them.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkQueueUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.states import AwaitingRetry

from ops import embedded
from tests import fix_app, fix_scale, preforked, projects
from tests.fix_scale import Scaled
from tests.polling import wait_until

pytestmark = pytest.mark.timeout(600)
SWITCHES = 10
RUNS = 50
AT_ONCE = 8
# So long a process may take to appear that a living worker has begun to start.
MARGIN = timedelta(seconds=15)
CONFIG = '[flags]\nknown = ["search"]\n'
SHOP = '[environments.shop-{number}]\ndatabase = "file:{secret}"\nlock_timeout = "PT2M"\n'
# Every update of the flag leaves a row: what is done twice is seen, even where it changes nothing any more.
FLAG = """
create table bot_config (
    config_key text not null, environment text not null, config_value jsonb not null, unique (config_key, environment)
);
insert into bot_config values ('feature_flags', 'shop-{number}', '{{"search": true}}');
create table acts (at timestamptz not null default clock_timestamp());
create function acted() returns trigger language plpgsql as 'begin insert into acts default values; return new; end';
create trigger acted after update on bot_config for each row execute function acted();
"""
ACTS = "select count(*)::int, (select config_value ->> 'search' from bot_config) from acts"
THERE = "select to_regclass('runbooks.heartbeat') is not null"
BEATS = "select count(*)::int from runbooks.heartbeat"
WAITS = "select count(*) from pg_locks where not granted and relation = 'bot_config'::regclass and mode = '{mode}'"


class Shops:
    """Environments with a database of their own each, and the runs that were started on them."""

    def __init__(self, server: embedded.Server, folder: Path, client: SyncPrefectClient) -> None:
        self._client = client
        self.dsns: list[str] = []
        self.switches: list[UUID] = []
        self.heartbeats: list[UUID] = []
        config = CONFIG
        for number in range(RUNS):
            self.dsns.append(embedded.create_database(server, f"shop_{number}", template=embedded.EMPTY))
            secret = folder / f"shop-{number}.dsn"
            secret.write_text(self.dsns[number], "utf-8")
            config += SHOP.format(number=number, secret=secret)
        for number in range(SWITCHES):
            fix_app.execute(self.dsns[number], FLAG.format(number=number))
        self.project = projects.write(folder / "shops", migrations={}, config=config)

    @property
    def runs(self) -> list[UUID]:
        return [*self.switches, *self.heartbeats]

    def start(self, runbook: str, number: int, **chosen: str) -> UUID:
        found = self._client.read_deployment_by_name(f"{runbook}/production")
        parameters = {"project": str(self.project), "environment": f"shop-{number}", **chosen}
        return self._client.create_flow_run_from_deployment(found.id, parameters=parameters).id

    def approve(self, run: UUID) -> None:
        said = {"decision": "approve", "approver": "ada", "note": "it does harm"}
        wait_until(
            lambda: self._client.resume_flow_run(run, run_input=said).status.value == "ACCEPT", seconds=60
        )

    def seen(self) -> dict[UUID, FlowRun]:
        return {run.id: run for run in self._client.read_flow_runs(limit=200) if run.id in self.runs}

    def under_way(self) -> list[FlowRun]:
        return [run for run in self.seen().values() if run.state is None or not run.state.is_final()]

    def acts(self) -> dict[UUID, tuple[Any, ...]]:
        found = (fix_app.ask(dsn, ACTS)[0] for dsn in self.dsns[:SWITCHES])
        return dict(zip(self.switches, found, strict=True))

    def beats(self) -> dict[UUID, int]:
        found = (beats(dsn) for dsn in self.dsns[SWITCHES:])
        return dict(zip(self.heartbeats, found, strict=True))


def beats(dsn: str) -> int:
    ((there,),) = fix_app.ask(dsn, THERE)
    return fix_app.ask(dsn, BEATS)[0][0] if there else 0


@contextmanager
def acted_and_not_looked(dsn: str) -> Generator[Callable[[], None]]:
    """Let a switch wait before its act; what this yields lets it act, and keeps it from reading what it has done."""
    with psycopg.connect(dsn) as before, psycopg.connect(dsn) as after, ThreadPoolExecutor(1) as apart:

        def waits(mode: str) -> bool:
            return fix_app.ask(dsn, WAITS.format(mode=mode)) == [(1,)]

        def let_act() -> None:
            wait_until(lambda: waits("ShareRowExclusiveLock"), seconds=120)
            # The next in the queue for the table: it has it in the moment in which the act is committed.
            locked = apart.submit(after.execute, "lock table bot_config in access exclusive mode")
            wait_until(lambda: waits("AccessExclusiveLock"))
            before.rollback()
            locked.result(timeout=60)
            wait_until(lambda: waits("AccessShareLock"), seconds=60)

        before.execute("lock table bot_config in share row exclusive mode")
        yield let_act


def aged(scaled: Scaled, run: UUID) -> None:
    """Let a run have been taken a quarter of an hour ago, for which nobody waits here."""
    url = scaled.stack.database.url.replace("+asyncpg", "")
    query = """update flow_run_state s set "timestamp" = s."timestamp" - interval '15 minutes'
               from flow_run r where r.state_id = s.id and r.id = %s and r.state_type = 'PENDING'"""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query, (run,))


def tidy(client: SyncPrefectClient, shops: Shops) -> None:
    """Let the janitor look, as its schedule does."""
    run = shops.start("janitor", 0)
    wait_until(lambda: client.read_flow_run(run).state_name == "Completed", seconds=120, pause=0.5)


def test_one_server_and_one_worker_die_and_every_run_ends_and_none_acts_twice(tmp_path: Path):
    with (
        embedded.running() as server,
        fix_scale.running() as scaled,
        preforked.serving(scaled.stack, {}),
        scaled.stack.client() as client,
    ):
        queue = client.read_work_queue_by_name("default", work_pool_name="runbooks")
        limited = WorkQueueUpdate(concurrency_limit=AT_ONCE)  # pyright: ignore[reportCallIssue]  # the rest stays
        client.update_work_queue(queue.id, **limited.model_dump(exclude_unset=True))
        shops = Shops(server, tmp_path, client)
        shops.switches = [
            shops.start("feature-flag-rollback", each, flag="search") for each in range(SWITCHES)
        ]
        wait_until(
            lambda: {run.state_name for run in shops.under_way()} == {"Suspended"}, seconds=180, pause=0.5
        )
        cut, *others = shops.switches
        with acted_and_not_looked(shops.dsns[0]) as let_act:
            shops.approve(cut)
            shops.heartbeats = [shops.start("heartbeat", each) for each in range(SWITCHES, RUNS)]
            let_act()
            for run in others:
                shops.approve(run)
            (victim,) = (name for name in fix_scale.WORKERS if str(cut) in scaled.runs_on(name))
            scaled.kill("a")
            scaled.kill(victim)
        killed = datetime.now(UTC)

        def all_ended() -> bool:
            """Age what the dead worker had taken and not begun, and let the janitor look."""
            working = {
                UUID(run) for name in fix_scale.WORKERS if name != victim for run in scaled.runs_on(name)
            }
            for run in shops.under_way():
                taken = run.state is not None and run.state.is_pending() and run.state.timestamp < killed
                if taken and run.id not in working and datetime.now(UTC) > killed + MARGIN:
                    aged(scaled, run.id)
            tidy(client, shops)
            return not shops.under_way()

        wait_until(all_ended, seconds=240, pause=5)
        lost = {run.id for run in shops.seen().values() if run.state_name == "Crashed"}
        assert cut in lost
        for run in lost & {*shops.switches}:
            client.set_flow_run_state(run, AwaitingRetry())
        wait_until(lambda: not shops.under_way(), seconds=120, pause=0.5)

        seen = shops.seen()
        forgotten = lost & {*shops.heartbeats}
        ended = {run: seen[run].state_name for run in shops.runs}
        assert ended == {run: "Crashed" if run in forgotten else "Completed" for run in shops.runs}
        # What was cut off after its act, before it could say so, has not done it again; a heartbeat may not have come.
        assert shops.acts() == dict.fromkeys(shops.switches, (1, "false"))
        beaten = shops.beats()
        assert {beaten[run] for run in shops.heartbeats if run not in forgotten} == {1}
        assert all(beaten[run] <= 1 for run in forgotten)
        once = {run: seen[run].run_count for run in shops.runs if run not in lost}
        assert once == dict.fromkeys(once, 1)
