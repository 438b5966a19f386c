"""`runbooks up` and `runbooks down`: a deployment that stays, is safe to run twice, and stops in order."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from ops import database, embedded, heartbeat
from tests import fix_command, projects
from tests.fix_postgres import fresh_database
from tests.fix_up import FILE, Deployment
from tests.polling import wait_until

pytestmark = pytest.mark.timeout(600)
CONFIG = """\
[environments.production]
database = "env:SHOP_DATABASE"
"""
DAILY, MONTHLY, NEW = "0 3 * * *", "30 4 1 * *", "15 5 * * 1"


def env_file(folder: Path, *lines: str) -> Path:
    path = folder / "worker.env"
    path.write_text("# of the worker\n" + "\n".join(lines) + "\n", "utf-8")
    path.chmod(0o600)
    return path


def test_it_stays_goes_on_after_a_stop_and_gives_its_secrets_to_the_worker_alone(
    deployment: Deployment, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        project = projects.write(tmp_path / "app", migrations={}, config=CONFIG)
        dsn = server.dsn(name)
        said = deployment.up("--env-file", str(env_file(tmp_path, f'SHOP_DATABASE="{dsn}"')))
        assert f"http://127.0.0.1:{deployment.port}" in said
        assert "3 deployments. Next by schedule:" in said
        assert "heartbeat/production (in " in said
        first = deployment.start("heartbeat/production", project=str(project))
        deployment.wait_for(first, "Completed")
        assert dsn not in str(deployment.program("server").environ())
        assert dsn in str(deployment.program("worker").environ())

        family = deployment.family()
        assert "Stopped; its data stays" in deployment.down()
        assert psutil.wait_procs(family, timeout=10)[1] == []
        assert deployment.down() == "Nothing runs.\n"

        # Neither the port nor the file is named again.
        again = deployment.tried("up")
        assert again.returncode == 0, again.stderr
        assert f"It runs: http://127.0.0.1:{deployment.port}" in again.stdout
        assert deployment.read(first).state_name == "Completed"
        deployment.wait_for(deployment.start("heartbeat/production", project=str(project)), "Completed")
        with database.connect(dsn) as connection:
            last = heartbeat.last(connection)
        assert last
        assert last.id == 2


def test_run_again_it_finds_itself_and_deploys_what_has_changed_but_not_over_an_operator(
    deployment: Deployment, tmp_path: Path
):
    deployment.file = tmp_path / "prefect.yaml"
    shutil.copy(FILE, deployment.file)
    deployment.up()
    supervisor = deployment.program("supervisor")
    assert deployment.switched() == {DAILY: False, MONTHLY: True}
    deployment.switch(DAILY, on=True)
    deployment.switch(MONTHLY, on=False)

    said = deployment.up()
    assert "It ran already" in said
    assert f"heartbeat/production: {DAILY} stays on, as an operator has set it; the file says off." in said
    assert f"heartbeat/production: {MONTHLY} stays off, as an operator has set it; the file says on." in said
    assert deployment.switched() == {DAILY: True, MONTHLY: False}

    written = yaml.safe_load(deployment.file.read_text("utf-8"))
    first = written["deployments"][0]["schedules"]
    first[1]["active"] = False
    first.append({"cron": NEW, "timezone": "UTC", "active": True})
    deployment.file.write_text(yaml.safe_dump(written), "utf-8")
    said = deployment.up()
    assert f"{DAILY} stays on" in said
    assert MONTHLY not in said
    assert deployment.switched() == {DAILY: True, MONTHLY: False, NEW: True}

    first[0]["active"] = True
    first[2]["active"] = False
    deployment.file.write_text(yaml.safe_dump(written), "utf-8")
    deployment.up()
    assert deployment.switched() == {DAILY: True, MONTHLY: False, NEW: False}
    assert deployment.program("supervisor") == supervisor
    with deployment.client() as client:
        assert not client.read_work_pool("runbooks").is_paused


def test_two_at_once_start_one(deployment: Deployment):
    words = ("--home", deployment.path, "--port", str(deployment.port), "--file", deployment.file)
    both = [fix_command.start("up", *words) for _ in range(2)]
    said = [each.communicate(timeout=300)[0] for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert sorted("It ran already" in each for each in said) == [False, True]


def test_a_stop_looks_who_runs_and_what_waits_at_a_gate_goes_on_afterwards(
    deployment: Deployment, tmp_path: Path
):
    deployment.up()
    waits = deployment.start("asking/up", file=str(tmp_path / "answered"))
    deployment.wait_for(waits, "Suspended")
    lasts = deployment.start("lasting/up", file=str(tmp_path / "let-go"))
    wait_until((tmp_path / "let-go.begun").exists, seconds=60)

    refused = deployment.tried("down", "--wait", "1")
    assert refused.returncode == 2
    assert f"Last until {tmp_path}/let-go (Running" in refused.stderr
    assert deployment.read(lasts).state_name == "Running"
    with deployment.client() as client:
        assert not client.read_work_pool("runbooks").is_paused

    said = deployment.down("--now")
    assert f"Cut off: Last until {tmp_path}/let-go. It is Crashed" in said
    assert (
        f"Waits at its gate, and goes on waiting after the next start: Ask about {tmp_path}/answered." in said
    )
    (tmp_path / "let-go").touch()
    deployment.up()
    run = deployment.read(lasts)
    assert run.state_name == "Crashed"
    assert "cut off when the deployment was stopped" in (run.state.message or "" if run.state else "")
    with deployment.client() as client:
        client.resume_flow_run(waits, run_input={"decision": "approve"})
    deployment.wait_for(waits, "Completed")
    assert (tmp_path / "answered").read_text() == "approve\n"

    lasts = deployment.start("lasting/up", file=str(tmp_path / "later"))
    wait_until((tmp_path / "later.begun").exists, seconds=60)
    stopping = fix_command.start("down", "--home", deployment.path, "--wait", "120")
    assert stopping.stdout
    while "Waiting for 1 runs" not in (line := stopping.stdout.readline()):
        assert line, "it did not wait"
    (tmp_path / "later").touch()
    rest, _ = stopping.communicate(timeout=120)
    assert stopping.returncode == 0, rest
    deployment.up()
    assert deployment.read(lasts).state_name == "Completed"


def test_the_api_asks_for_its_password(deployment: Deployment, tmp_path: Path):
    secret = "PREFECT_SERVER_API_AUTH_STRING=ops:a-fake-password"
    deployment.up("--env-file", str(env_file(tmp_path, secret)))
    deployment.wait_for(deployment.start("heartbeat/production", project=str(tmp_path / "nowhere")), "Failed")
    unnamed = httpx.post(f"http://127.0.0.1:{deployment.port}/api/deployments/filter", json={})
    assert unnamed.status_code == 401

    env_file(tmp_path, "PREFECT_SERVER_API_AUTH_STRING=ops:another-fake-password")
    refused = deployment.tried("down")
    assert refused.returncode == 2
    assert "wants its password" in refused.stderr
    assert "fake-password" not in refused.stderr
    env_file(tmp_path, secret, "ANOTHER=1")
    assert "keeps those that it has" in " ".join(deployment.up().split())
    assert "Stopped" in deployment.down()


def refused(deployment: Deployment, *more: str) -> str:
    done = deployment.tried("up", "--port", str(deployment.port), "--file", str(deployment.file), *more)
    assert done.returncode == 2, done.stdout + done.stderr
    assert not deployment.home.held()
    return " ".join(done.stderr.split())


def test_what_does_not_hold_is_said_before_anything_starts(deployment: Deployment, tmp_path: Path):
    variables = env_file(tmp_path, "A=1")
    variables.chmod(0o640)
    assert "is not yours alone (mode 0640)" in refused(deployment, "--env-file", str(variables))
    assert "Line 3 of" in refused(deployment, "--env-file", str(env_file(tmp_path, "A=1", "no line")))
    assert "cannot be read" in refused(deployment, "--env-file", str(tmp_path / "nowhere"))
    assert "is no port" in refused(deployment, "--port", "80")
    assert "there is nothing to deploy" in refused(deployment, "--file", str(tmp_path / "nothing.yaml"))
    with socket.create_server(("127.0.0.1", deployment.port)):
        assert f"Port {deployment.port} is taken by something else" in refused(deployment)
    data = deployment.path / "postgres"
    data.mkdir(parents=True)
    assert "is no data directory of a Postgres" in refused(deployment)
    (data / "PG_VERSION").write_text("15\n", "utf-8")
    assert "is of PostgreSQL 15, and the programs here are of" in refused(deployment)
