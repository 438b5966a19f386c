"""The nightly look at the backups through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle
from tests import fix_archiving, projects
from tests.fix_stack import Desk
from tests.fix_webhook import webhook

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "backup-verification/production"
CONFIG = """\
[project]
manager = "file:{manager}"

[environments.production]
database = "file:{secret}"

[environments.production.backups]
window = "1 s"
physical = {{ base = "{base}", wal = "{wal}" }}
"""


def run(desk: Desk, project: Path, **chosen: object) -> FlowRun:
    parameters = {"project": str(project), "environment": "production", **chosen}
    started = runs.trigger(desk.stack, RUNBOOK, parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def verdict(project: Path, run: FlowRun) -> str:
    kept = bundle.of_run(project, str(run.id))
    assert kept
    return json.loads((kept / "backup-verification.json").read_text("utf-8"))["verdict"]


def test_good_backups_pass_and_a_missing_segment_fails_and_is_told_once(desk: Desk, tmp_path: Path):
    with fix_archiving.archiving(archive_timeout="60") as archiving, webhook() as (url, heard):
        archiving.fill(1)
        archiving.backup("nightly")
        lost = archiving.settings.wal / archiving.fill(3)[1]
        for name, value in (("manager", url), ("secret", archiving.dsn)):
            (tmp_path / name).write_text(value, "utf-8")
        where = {"base": archiving.settings.base, "wal": archiving.settings.wal}
        config = CONFIG.format(manager=tmp_path / "manager", secret=tmp_path / "secret", **where)
        project = projects.write(tmp_path / "app", migrations={}, config=config)

        assert verdict(project, run(desk, project)) == "attention"
        (told,) = heard
        assert "No restore drill has ever passed" in told["text"]

        lost.unlink()
        failed, again = run(desk, project), run(desk, project)
        assert [verdict(project, each) for each in (failed, again)] == ["failed", "failed"]
        assert failed.state
        assert failed.state.is_failed()
        assert lost.name in (failed.state.message or "")
        assert len(heard) == 2

        refused = run(desk, project, environment="throw-away")
        assert refused.state
        assert "has no source of backups" in (refused.state.message or "")


def test_nobody_looks_until_somebody_switches_it_on(desk: Desk):
    with desk.stack.client() as client:
        for name in (RUNBOOK, "base-backup/production"):
            assert [each.active for each in client.read_deployment_by_name(name).schedules] == [False]
