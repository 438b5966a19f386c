"""Fifty runs on two servers and three workers, of which one of each is killed: every run ends, and none acts twice."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkQueueUpdate
from prefect.client.schemas.objects import FlowRun
from prefect.states import AwaitingRetry

from ops import embedded
from tests import fix_scale, preforked, projects
from tests.fix_scale import Scaled
from tests.polling import wait_until

pytestmark = pytest.mark.timeout(900)
RUNS = 50
AT_ONCE = 8
SHOP = '[environments.shop-{number}]\ndatabase = "file:{secret}"\n'
BEATS = "select count(*) from runbooks.heartbeat"


def shops(server: embedded.Server, folder: Path) -> tuple[Path, list[str]]:
    """Return a project with fifty environments, each with a database of its own, and their DSNs."""
    dsns, config = [], ""
    for number in range(RUNS):
        dsn = embedded.create_database(server, f"shop_{number}", template=embedded.EMPTY)
        secret = folder / f"shop-{number}.dsn"
        secret.write_text(dsn, "utf-8")
        dsns.append(dsn)
        config += SHOP.format(number=number, secret=secret)
    return projects.write(folder / "shops", migrations={}, config=config), dsns


def states(client: SyncPrefectClient, runs: list[UUID]) -> dict[UUID, FlowRun]:
    found = client.read_flow_runs(limit=200)
    return {run.id: run for run in found if run.id in runs}


def ended(client: SyncPrefectClient, runs: list[UUID], but: set[UUID]) -> bool:
    seen = states(client, runs)
    return all(run.state_name == "Completed" for number, run in seen.items() if number not in but)


def beats(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        ((count,),) = connection.execute(BEATS).fetchall()
        return count


def aged(scaled: Scaled, run: UUID) -> None:
    """Let a run have been taken a quarter of an hour ago, for which nobody waits here."""
    url = scaled.stack.database.url.replace("+asyncpg", "")
    query = """update flow_run_state s set "timestamp" = s."timestamp" - interval '15 minutes'
               from flow_run r where r.state_id = s.id and r.id = %s and r.state_type = 'PENDING'"""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query, (run,))


def janitor(client: SyncPrefectClient, project: Path) -> None:
    found = client.read_deployment_by_name("janitor/production")
    parameters = {"project": str(project), "environment": "shop-0"}
    run = client.create_flow_run_from_deployment(found.id, parameters=parameters).id
    wait_until(lambda: client.read_flow_run(run).state_name == "Completed", seconds=120, pause=0.5)


def test_one_server_and_one_worker_die_and_every_run_ends_and_none_acts_twice(tmp_path: Path):
    with (
        embedded.running() as server,
        fix_scale.running() as scaled,
        preforked.serving(scaled.stack, {}),
        scaled.stack.client() as client,
    ):
        project, dsns = shops(server, tmp_path)
        queue = client.read_work_queue_by_name("default", work_pool_name="runbooks")
        client.update_work_queue(
            queue.id, **WorkQueueUpdate(concurrency_limit=AT_ONCE).model_dump(exclude_unset=True)
        )
        found = client.read_deployment_by_name("heartbeat/production")
        runs = [
            client.create_flow_run_from_deployment(
                found.id, parameters={"project": str(project), "environment": f"shop-{number}"}
            ).id
            for number in range(RUNS)
        ]
        wait_until(lambda: any(scaled.runs_on(name) for name in fix_scale.WORKERS), seconds=60)
        scaled.kill("a")
        busiest = ""

        def busy() -> bool:
            nonlocal busiest
            count = {name: len(scaled.runs_on(name)) for name in fix_scale.WORKERS}
            busiest = max(count, key=lambda name: count[name])
            return count[busiest] > 0

        wait_until(busy, seconds=60, pause=0.05)
        scaled.kill(busiest)
        cut = {
            number for number, run in states(client, runs).items() if run.state and not run.state.is_final()
        }
        assert cut
        lost: set[UUID] = set()

        def settled() -> bool:
            nonlocal lost
            seen = states(client, runs)
            lost = {number for number, run in seen.items() if run.state_name != "Completed"}
            working = {
                UUID(run) for name in fix_scale.WORKERS if name != busiest for run in scaled.runs_on(name)
            }
            waiting = {number for number in lost if seen[number].state_name in ("Scheduled", "Late")}
            return not waiting and not lost & working

        wait_until(settled, seconds=200, pause=1)
        print(f"cut off: {len(lost)}", Counter(run.state_name for run in states(client, runs).values()))
        for number in lost:
            aged(scaled, number)

        def crashed() -> bool:
            janitor(client, project)
            seen = states(client, runs)
            return all(seen[number].state_name == "Crashed" for number in lost)

        wait_until(crashed, seconds=200, pause=5)
        for number in lost:
            client.set_flow_run_state(number, AwaitingRetry())
        wait_until(lambda: ended(client, runs, set()), seconds=120, pause=0.5)

        seen = states(client, runs)
        assert Counter(run.state_name for run in seen.values()) == {"Completed": RUNS}
        for number, dsn in zip(runs, dsns, strict=True):
            if number in lost:
                assert 1 <= beats(dsn) <= 2
            else:
                assert beats(dsn) == 1
                assert seen[number].run_count == 1
