"""A prefix of Redis cleared through a real Prefect server, a real worker, its deployment and its gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fix_redis, fix_switch
from tests.fix_redis import Server
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "redis-clear/production"


def test_it_clears_a_prefix_that_somebody_approves(desk: Desk, redis_server: Server, tmp_path: Path):
    redis_server.fill("stg:", 1200)
    redis_server.fill("prod:", 30)
    _, operated = fix_redis.configured(tmp_path, redis_server.url)
    chosen = {"environment": "staging", "choices": {"reason": "carts of the old shape"}}
    bad = {"environment": "staging", "choices": {"prefix": "*"}}
    refused = fix_switch.start(desk, RUNBOOK, operated.root, **bad)
    assert "reads as a pattern" in fix_switch.ended(refused)[1]
    started = fix_switch.start(desk, RUNBOOK, operated.root, **chosen)
    assert fix_switch.ended(fix_switch.decide(desk, started, "reject"))[0] == "Rejected"
    assert len(redis_server.held()) == 1230

    done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, operated.root, **chosen))
    assert fix_switch.ended(done)[0] == "Completed"
    assert {key[:5] for key in redis_server.held()} == {b"prod:"}
    assert len(redis_server.held()) == 30
    said = fix_switch.result(operated.root, done, "redis-clear")
    assert (said["verdict"], said["unlinked"], said["left"]) == ("passed", 1200, 0)
    again = fix_switch.start(desk, RUNBOOK, operated.root, **chosen)
    assert "nothing was cleared" in fix_switch.result(operated.root, again, "redis-clear")["summary"]
