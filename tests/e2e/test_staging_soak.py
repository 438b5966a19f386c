"""The staging soak through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, embedded
from tests import fix_app, projects
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk
from tests.fix_staging import StagingDatabase

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "staging-soak/staging"
CONFIG = """\
[environments.staging]
database = "file:{secret}"

[environments.staging.soak]
duration = 0.01
allowed_lateness = 0
tables = ["notes"]
errors_query = "select message from public.failures where at between %(since)s and %(until)s"

[environments.staging.soak.records]
table = "notes"
fields = ["owner", "body"]
created = "created_at"
"""
NOTES = """\
create table public.notes (
    id bigint primary key, owner text, body text, created_at timestamptz default clock_timestamp()
);
create table public.failures (message text, at timestamptz default clock_timestamp());
"""


def run(desk: Desk, project: Path, **chosen: object) -> FlowRun:
    parameters = {"project": str(project), "environment": "staging", **chosen}
    started = runs.trigger(desk.stack, RUNBOOK, parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def verdict(project: Path, run: FlowRun) -> str:
    kept = bundle.of_run(project, str(run.id))
    assert kept
    return json.loads((kept / "soak.json").read_text("utf-8"))["verdict"]


def test_a_change_soaks_passes_is_begun_anew_fails_and_is_refused(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        dsn, secret = server.dsn(name), tmp_path / "dsn"
        secret.write_text(dsn, "utf-8")
        config = CONFIG.format(secret=secret)
        project = projects.write(tmp_path / "app", migrations={projects.NOTES: NOTES}, config=config)
        refused = run(desk, project)
        assert refused.state
        assert "1 migrations are pending there" in (refused.state.message or "")

        StagingDatabase("", dsn).push((projects.NOTES, NOTES))
        assert verdict(project, run(desk, project)) == "soaking"
        fix_app.execute(dsn, "insert into public.notes (id, owner, body) values (1, 'ada', 'first')")
        assert verdict(project, run(desk, project)) == "passed"

        assert verdict(project, run(desk, project, begin=True)) == "soaking"
        fix_app.execute(dsn, "insert into public.failures (message) values ('deadlock detected')")
        failed = run(desk, project)
        assert verdict(project, failed) == "failed"
        assert failed.state
        assert failed.state.is_failed()
        assert "deadlock detected (errors_query)" in (failed.state.message or "")


def test_nothing_soaks_until_somebody_switches_it_on(desk: Desk):
    with desk.stack.client() as client:
        schedules = client.read_deployment_by_name(RUNBOOK).schedules
    assert [each.active for each in schedules] == [False]
