"""The janitor through a real Prefect: runs that died, gates that lapsed, folders that nobody owns, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import CronSchedule
from prefect.states import Pending, Running, Scheduled

from deployments import runs
from ops import bundle
from tests import projects
from tests.fix_promotion import Production
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "janitor/production"
CONFIG = '[environments.production]\nping = "file:{secret}"\n'


@pytest.fixture
def signs(tmp_path: Path) -> Iterator[list[str]]:
    """The signs of life that somebody outside has heard."""
    heard: list[str] = []

    class Outside(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Outside) as outside:
        Thread(target=outside.serve_forever, daemon=True).start()
        (tmp_path / "ping").write_text(f"http://127.0.0.1:{outside.server_address[1]}/alive", "utf-8")
        yield heard
        outside.shutdown()


@pytest.fixture
def project(tmp_path: Path, signs: list[str]) -> Path:
    return projects.write(tmp_path / "app", migrations={}, config=CONFIG.format(secret=tmp_path / "ping"))


def tidied(desk: Desk, project: Path, environment: str = "production") -> tuple[FlowRun, dict[str, Any]]:
    started = runs.trigger(desk.stack, RUNBOOK, {"project": str(project), "environment": environment})
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    kept = bundle.of_run(project, str(started.id))
    return ended, json.loads((kept / "janitor.json").read_text("utf-8")) if kept else {}


def silent(desk: Desk, *, since: timedelta, parameters: dict[str, Any] | None = None) -> UUID:
    """Leave a run as one is left whose machine died: Running, by nobody, and silent for so long."""
    with desk.stack.client() as client:
        found = client.read_deployment_by_name("staging-rehearsal/throw-away")
        run = client.create_flow_run_from_deployment(
            found.id,
            parameters=parameters,
            state=Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1)),
        ).id
        client.set_flow_run_state(run, Pending(), force=True)
        client.set_flow_run_state(run, Running(), force=True)
        state = client.read_flow_run(run).state
        assert state
        # The server gives the time of a state itself.
        with psycopg.connect(desk.stack.database.url.replace("+asyncpg", ""), autocommit=True) as connection:
            connection.execute(
                'update flow_run_state set "timestamp" = "timestamp" - %s where id = %s', (since, state.id)
            )
        return run


def backdated(desk: Desk, table: str, column: str, row: UUID) -> None:
    """Let something be as old as a week, which the server does not let anybody say."""
    with psycopg.connect(desk.stack.database.url.replace("+asyncpg", ""), autocommit=True) as connection:
        connection.execute(f"update {table} set {column} = now() - interval '7 days' where id = %s", (row,))  # pyright: ignore


def test_a_run_whose_machine_died_is_called_crashed_and_one_that_lives_is_not(
    desk: Desk, project: Path, signs: list[str]
):
    dead, alive = silent(desk, since=timedelta(minutes=10)), silent(desk, since=timedelta(0))
    ended, found = tidied(desk, project)
    assert ended.state
    assert ended.state.is_completed(), ended.state.message
    assert desk.state(dead) == "Crashed"
    assert "its machine died. Retry it" in (desk.read(dead).state.message or "")  # pyright: ignore
    assert desk.state(alive) == "Running"
    # Other tests of this server may have left runs that died.
    assert desk.read(dead).name in found["crashed"]
    assert desk.read(alive).name not in found["crashed"]
    assert signs == ["/alive"]

    again, found = tidied(desk, project)
    assert again.state
    assert again.state.is_completed()
    assert desk.read(dead).name not in found["crashed"]


def test_what_waits_for_somebody_is_left_alone_until_its_time_is_over(production: Production):
    path = production.root / "runbooks.toml"
    path.write_text(path.read_text().replace("guarded = true", 'guarded = true\napproval_window = "PT6S"', 1))
    assert production.shop.rehearse().ok
    waiting = production.promote()
    wait_until(lambda: production.state(waiting) != "Suspended", seconds=60)
    assert [event for event, _ in production.events()] == ["asked"]
    run = production.run(RUNBOOK)
    assert production.ended(run) == "Completed", production.message(run)
    assert [event for event, _ in production.events()] == ["asked", "lapsed"]


def test_what_a_schedule_should_have_started_and_did_not_is_named(desk: Desk, project: Path):
    with desk.stack.client() as client:
        found = client.read_deployment_by_name("base-backup/production")
        (made,) = client.create_deployment_schedules(found.id, [(CronSchedule(cron="30 * * * *"), True)])
        backdated(desk, "deployment_schedule", "created", made.id)
        backdated(desk, "deployment", "updated", found.id)
        ended, said = tidied(desk, project)
        client.delete_deployment_schedule(found.id, made.id)
    assert ended.state
    assert ended.state.is_failed()
    assert 24 <= len(said["missed"]) <= 26
    assert all(
        each.startswith("base-backup/production at ") and each.endswith(":30 UTC") for each in said["missed"]
    )
    ended, said = tidied(desk, project)
    assert said["missed"] == []


def test_who_cannot_be_pinged_and_an_unknown_environment_are_said(desk: Desk, project: Path, tmp_path: Path):
    (tmp_path / "ping").write_text("http://127.0.0.1:9/alive", "utf-8")
    ended, found = tidied(desk, project)
    assert ended.state
    assert ended.state.is_failed()
    assert found["pinged"] is False
    assert "127.0.0.1:9" not in json.dumps(found)
    refused, _ = tidied(desk, project, "nowhere")
    assert refused.state
    assert "nowhere" in (refused.state.message or "")
