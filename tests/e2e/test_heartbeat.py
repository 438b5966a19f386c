"""The heartbeat through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import database, embedded, heartbeat
from tests import projects
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "heartbeat/production"
CONFIG = """\
[environments.production]
database = "file:{secret}"
"""


def run(desk: Desk, project: Path, environment: str = "production") -> FlowRun:
    started = runs.trigger(desk.stack, RUNBOOK, {"project": str(project), "environment": environment})
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def test_it_beats_twice_and_is_refused_where_there_is_nothing_to_beat(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        secret = tmp_path / "dsn"
        secret.write_text(server.dsn(name), "utf-8")
        project = projects.write(tmp_path / "app", migrations={}, config=CONFIG.format(secret=secret))
        for number in (1, 2):
            ended = run(desk, project)
            assert ended.state
            assert ended.state.is_completed(), ended.state.message
            with database.connect(server.dsn(name)) as connection:
                last = heartbeat.last(connection)
            assert last
            assert last.id == number
        refused = run(desk, project, "throw-away")
        assert refused.state
        assert "has no database" in (refused.state.message or "")
