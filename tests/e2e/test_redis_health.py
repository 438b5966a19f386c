"""The look at Redis through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fix_redis, fix_switch
from tests.fix_redis import RunRedis
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "redis-health/production"


def test_it_passes_and_fails_and_is_refused_without_a_redis(desk: Desk, run_redis: RunRedis, tmp_path: Path):
    server = run_redis("--maxmemory", "64mb")
    _, operated = fix_redis.configured(tmp_path, server.url)
    for _ in range(2):
        well = fix_switch.start(desk, RUNBOOK, operated.root, environment="staging")
        assert fix_switch.ended(well)[0] == "Completed"
        assert fix_switch.result(operated.root, well, "redis-health")["verdict"] == "passed"
    assert server.held() == set()
    refused = fix_switch.start(desk, RUNBOOK, operated.root, environment="throw-away")
    assert "names no Redis" in fix_switch.ended(refused)[1]

    server.stop()
    down = fix_switch.start(desk, RUNBOOK, operated.root, environment="staging")
    state, said = fix_switch.ended(down)
    assert state == "Failed"
    assert "does not answer" in said
    shown = " ".join(str(each.data) for each in desk.artifacts(down.id))
    assert fix_redis.PASSWORD not in shown + said
