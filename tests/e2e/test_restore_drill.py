"""The restore drill through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle
from tests.drills import Shop
from tests.fix_backups import Live
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "restore-drill/production"


def run(desk: Desk, project: Path, environment: str = "production") -> FlowRun:
    started = runs.trigger(desk.stack, RUNBOOK, {"project": str(project), "environment": environment})
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def result(project: Path, ended: FlowRun) -> dict[str, Any]:
    kept = bundle.of_run(project, str(ended.id))
    assert kept, ended.state
    assert (kept / "drills.png").read_bytes().startswith(b"\x89PNG")
    return json.loads((kept / "drill.json").read_text("utf-8"))


def test_it_passes_twice_fails_where_the_wal_has_a_gap_and_is_refused_without_backups(
    desk: Desk, live: Live, tmp_path: Path
):
    shop = Shop.at(live, tmp_path)
    shop.back_up()
    for _ in range(2):
        ended = run(desk, shop.root)
        found = result(shop.root, ended)
        assert found["verdict"] == "passed", found
        assert ended.state
        assert ended.state.is_completed()
    assert [each["verdict"] for each in shop.log()] == ["passed", "passed"]

    for path in sorted((live.folder / "wal").glob("0*"))[1:]:
        if not path.name.endswith(".backup"):
            path.unlink()
    failed = run(desk, shop.root)
    assert failed.state
    assert failed.state.is_failed()
    assert shop.log()[-1]["verdict"] == "failed"

    refused = run(desk, shop.root, "throw-away")
    assert refused.state
    assert "no source of backups" in (refused.state.message or "")
