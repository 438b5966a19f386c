"""A deployment that stays, of which something is killed: it is started again, or goes on after the next start."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest
from prefect.states import AwaitingRetry, Pending, Running, Scheduled

from tests.fix_up import Deployment
from tests.polling import wait_until

pytestmark = pytest.mark.timeout(600)


def let_go(folder: Path, name: str) -> str:
    path = folder / name
    path.touch()
    return str(path)


def answers(deployment: Deployment, folder: Path, name: str) -> bool:
    """Whether a run comes to its end."""
    run = deployment.start("lasting/up", file=let_go(folder, name))
    deployment.wait_for(run, "Completed")
    return True


def silent(deployment: Deployment) -> UUID:
    """Leave a run as one is left whose machine died elsewhere: Running, by nobody, and silent for ten minutes."""
    with deployment.client() as client:
        found = client.read_deployment_by_name("lasting/up")
        later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1))
        run = client.create_flow_run_from_deployment(found.id, parameters={"file": "x"}, state=later).id
        client.set_flow_run_state(run, Pending(), force=True)
        client.set_flow_run_state(run, Running(), force=True)
        state = client.read_flow_run(run).state
    assert state
    where = f"host={deployment.path / 'socket'} port=5432 user=postgres dbname=prefect"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute(
            'update flow_run_state set "timestamp" = "timestamp" - interval \'10 minutes\' where id = %s',
            (state.id,),
        )
    return run


def test_whatever_dies_is_started_again(deployment: Deployment, tmp_path: Path):
    deployment.up()
    supervisor = deployment.program("supervisor")
    elsewhere = silent(deployment)
    for name in ("worker", "server", "postgres"):
        victim = deployment.program(name)
        victim.send_signal(signal.SIGKILL)
        wait_until(lambda name=name: deployment.state.restarts.get(name) == 1, seconds=120)
        assert answers(deployment, tmp_path, name)
        assert deployment.program(name) != victim
    # The leash itself: what it held does not go on beside what is started in its place.
    held = deployment.program("worker")
    psutil.Process(deployment.state.processes["worker"][0]).kill()
    wait_until(lambda: deployment.state.restarts.get("worker") == 2, seconds=120)
    assert psutil.wait_procs([held], timeout=20)[1] == []
    assert answers(deployment, tmp_path, "leash")
    assert deployment.program("supervisor") == supervisor
    deployment.wait_for(elsewhere, "Crashed")


def test_a_machine_that_was_killed_goes_on_where_it_was(deployment: Deployment, tmp_path: Path):
    deployment.up()
    done = deployment.start("lasting/up", file=let_go(tmp_path, "done"))
    deployment.wait_for(done, "Completed")
    waits = deployment.start("asking/up", file=str(tmp_path / "answered"))
    deployment.wait_for(waits, "Suspended")
    cut = deployment.start("lasting/up", file=str(tmp_path / "cut"))
    wait_until(lambda: str(cut) in deployment.state.runs, seconds=60)
    family = deployment.family()
    for process in family:
        process.kill()
    psutil.wait_procs(family, timeout=30)

    assert "It runs: " in deployment.up()
    assert deployment.read(done).state_name == "Completed"
    with deployment.client() as client:
        client.resume_flow_run(waits, run_input={"decision": "approve"})
    deployment.wait_for(waits, "Completed")
    assert deployment.read(cut).state_name == "Crashed"
    let_go(tmp_path, "cut")
    with deployment.client() as client:
        client.set_flow_run_state(cut, AwaitingRetry())
    deployment.wait_for(cut, "Completed")


def test_a_supervisor_that_was_killed_takes_everything_with_it(deployment: Deployment, tmp_path: Path):
    deployment.up()
    family = deployment.family()
    deployment.program("supervisor").kill()
    # At once, while what it has left is still about to end.
    assert "It runs: " in deployment.up()
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert answers(deployment, tmp_path, "after")
