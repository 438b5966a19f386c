"""The app rollback through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, embedded
from tests import fix_app
from tests.fix_postgres import fresh_database
from tests.fix_stack import PATIENCE, Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def roll(desk: Desk, project: Path, **chosen: str) -> FlowRun:
    parameters = {"project": str(project), "environment": "production", **chosen}
    run = runs.trigger(desk.stack, "app-rollback/production", parameters)
    *_, ended = runs.follow(desk.stack, run.id)
    assert isinstance(ended, FlowRun)
    return ended


def done(desk: Desk, run: FlowRun) -> FlowRun:
    """Say that the steps were gone through, and return the run as it ended."""
    said = {"decision": "approve", "approver": "ada", "note": "restarted at noon"}
    wait_until(lambda: desk.refusal(run.id, **said) == "", seconds=PATIENCE)
    desk.wait_for(run.id, "Completed", "Failed")
    return desk.read(run.id)


def test_it_records_and_is_refused_without_a_reason(desk: Desk, server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        project = fix_app.write(tmp_path, dsn, environment='app_command = "true"')
        refused = roll(desk, project, deploy="d1")
        assert refused.state
        assert "none is given" in (refused.state.message or "")
        for _ in range(2):
            run = done(desk, roll(desk, project, deploy="d1", reason="writes are missing"))
            assert run.state
            assert run.state.name == "Completed", run.state.message
        recorded = fix_app.ask(dsn, "select rollback ->> 'reason' from runbooks.deploys")
        assert recorded == [("writes are missing",)]
        guided = fix_app.ask(dsn, "select rollback -> 'guided' ->> 'status' from runbooks.deploys")
        assert guided == [("confirmed",)]
    kept = bundle.of_run(project, str(run.id))
    assert kept
    assert json.loads((kept / "app-rollback.json").read_text())["deploy"] == "d1"
