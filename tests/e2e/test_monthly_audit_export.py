"""The monthly export of the audit log through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, manifest
from tests import fix_gate, projects
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
CONFIG = '[environments.production]\ndatabase = "file:{root}/dsn"\naudit_key = "file:{root}/key"\n'


def run(desk: Desk, project: Path, month: str) -> FlowRun:
    parameters = {"project": str(project), "environment": "production", "month": month}
    started = runs.trigger(desk.stack, "monthly-audit-export/production", parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def test_it_exports_a_month_twice_alike_and_refuses_one_that_is_not_over(
    desk: Desk, tmp_path: Path, shaped: str
):
    (tmp_path / "dsn").write_text(shaped)
    (tmp_path / "key").write_text(fix_gate.KEY)
    project = projects.write(tmp_path / "app", migrations={}, config=CONFIG.format(root=tmp_path))
    for _ in range(2):
        ended = run(desk, project, "2026-09")
        assert ended.state
        assert ended.state.is_completed(), ended.state.message
        kept = bundle.of_run(project, str(ended.id))
        assert kept
        assert manifest.verify(kept).ok
        assert json.loads((kept / "audit-export.json").read_text("utf-8"))["rows_exported"] == 0
    refused = run(desk, project, "2999-01")
    assert refused.state
    assert "is not over yet" in (refused.state.message or "")
