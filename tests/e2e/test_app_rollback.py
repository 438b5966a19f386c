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
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def roll(desk: Desk, project: Path, **chosen: str) -> FlowRun:
    parameters = {"project": str(project), "environment": "production", **chosen}
    run = runs.trigger(desk.stack, "app-rollback/production", parameters)
    *_, ended = runs.follow(desk.stack, run.id)
    assert isinstance(ended, FlowRun)
    return ended


def test_it_records_and_is_refused_without_a_reason(desk: Desk, server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        project = fix_app.write(tmp_path, dsn, environment='app_command = "true"')
        refused = roll(desk, project, deploy="d1")
        assert refused.state
        assert "none is given" in (refused.state.message or "")
        for _ in range(2):
            run = roll(desk, project, deploy="d1", reason="writes are missing")
            assert run.state
            assert "its steps are not asked; verification passed" in (run.state.message or "")
        recorded = fix_app.ask(dsn, "select rollback ->> 'reason' from runbooks.deploys")
        assert recorded == [("writes are missing",)]
    kept = bundle.of_run(project, str(run.id))
    assert kept
    assert json.loads((kept / "app-rollback.json").read_text())["deploy"] == "d1"
