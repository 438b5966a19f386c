"""The latency incident through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import pytest

from tests import fix_checks
from tests.fix_checks import Checkup
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "incident-latency/production"


def test_it_ends_in_a_record_twice_and_is_refused_where_nothing_is_known(desk: Desk, checkup: Checkup):
    checkup.configure('[environments.production.checks]\nincident_span = "1 s"\n')
    for _ in range(2):
        ended = fix_checks.run_deployed(desk, checkup.project, RUNBOOK)
        assert ended.state
        assert ended.state.is_completed(), ended.state.message
        said = fix_checks.report(checkup.project, ended)
        assert {"statements", "blocked queries", "recent migrations"} <= {
            each["about"] for each in said["looks"]
        }
    refused = fix_checks.run_deployed(desk, checkup.project, RUNBOOK, environment="nowhere")
    assert refused.state
    assert "nowhere" in (refused.state.message or "")
