"""The look for the nights through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import embedded
from tests import projects
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "eval-watch/production"
CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.eval]
"""
RUNS = """
create table public.ai_eval_runs (
    run_type text, schema_variant text, triggered_by text, window_end timestamptz, started_at timestamptz,
    finished_at timestamptz
)
"""


def run(desk: Desk, project: Path, environment: str = "production") -> tuple[str, str]:
    """Return how a run ended, and what it says."""
    started = runs.trigger(desk.stack, RUNBOOK, {"project": str(project), "environment": environment})
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    assert ended.state
    return ended.state.name or "", ended.state.message or ""


def test_a_missing_night_fails_the_run_and_its_return_ends_that(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name, psycopg.connect(server.dsn(name), autocommit=True) as connection:
        (tmp_path / "secret").write_text(server.dsn(name), "utf-8")
        config = CONFIG.format(secret=tmp_path / "secret")
        project = projects.write(tmp_path / "app", migrations={}, config=config)
        connection.execute(RUNS)
        state, said = run(desk, project)
        assert state == "Failed"
        assert "No nightly sitecraft evaluation has ever finished" in said

        connection.execute(
            "insert into public.ai_eval_runs values ('nightly', 'sitecraft', 'schedule', %(at)s, %(at)s, %(at)s)",
            {"at": datetime.now(UTC) - timedelta(hours=1)},
        )
        assert run(desk, project)[0] == "Completed"
        assert "says nothing about evaluation" in run(desk, project, "throw-away")[1]


def test_nobody_looks_until_somebody_switches_it_on(desk: Desk):
    with desk.stack.client() as client:
        assert [each.active for each in client.read_deployment_by_name(RUNBOOK).schedules] == [False]
