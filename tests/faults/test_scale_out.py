"""Fifty runs on two servers and three workers, of which one of each is killed: every run ends, and none acts twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
# So long a process may take to appear that a living worker has begun to start.
MARGIN = timedelta(seconds=15)
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


def start(client: SyncPrefectClient, deployment: UUID, project: Path, number: int) -> UUID:
    parameters = {"project": str(project), "environment": f"shop-{number}"}
    return client.create_flow_run_from_deployment(deployment, parameters=parameters).id


def unended(run: FlowRun) -> bool:
    return run.state is None or not run.state.is_final()


def beats(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        ((count,),) = connection.execute(BEATS).fetchall()
        return count


@contextmanager
def held(dsn: str) -> Generator[None]:
    """Let a heartbeat wait in the midst of its act."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtextextended('supabase-runbooks/prepare', 0))")
        yield


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
        with held(dsns[0]):
            runs = [start(client, found.id, project, number) for number in range(RUNS)]
            wait_until(lambda: client.read_flow_run(runs[0]).state_name == "Running", seconds=90)
            scaled.kill("a")
            (victim,) = (name for name in fix_scale.WORKERS if str(runs[0]) in scaled.runs_on(name))
            scaled.kill(victim)
        killed = datetime.now(UTC)

        def all_ended() -> bool:
            """Age what the dead worker had taken and not begun, and let the janitor look."""
            working = {
                UUID(run) for name in fix_scale.WORKERS if name != victim for run in scaled.runs_on(name)
            }
            for run in states(client, runs).values():
                taken = run.state is not None and run.state.is_pending() and run.state.timestamp < killed
                if taken and run.id not in working and datetime.now(UTC) > killed + MARGIN:
                    aged(scaled, run.id)
            janitor(client, project)
            return not any(map(unended, states(client, runs).values()))

        wait_until(all_ended, seconds=240, pause=5)
        lost = {number for number, run in states(client, runs).items() if run.state_name == "Crashed"}
        assert runs[0] in lost
        for number in lost:
            client.set_flow_run_state(number, AwaitingRetry())
        wait_until(lambda: not any(map(unended, states(client, runs).values())), seconds=120, pause=0.5)

        seen = states(client, runs)
        assert Counter(run.state_name for run in seen.values()) == {"Completed": RUNS}
        acted = {number: beats(dsn) for number, dsn in zip(runs, dsns, strict=True)}
        assert {acted[number] for number in runs if number not in lost} == {1}
        assert {seen[number].run_count for number in runs if number not in lost} == {1}
        # What was cut off in the midst of its act has acted once, and so has what was taken and not begun; one that was
        # cut off after its act, before it could say so, may have acted again.
        assert acted[runs[0]] == 1
        assert all(1 <= acted[number] <= max(1, seen[number].run_count) for number in lost)
