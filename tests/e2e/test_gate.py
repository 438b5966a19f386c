"""The gate through a real Prefect server and worker: a right approval gets through, and nothing else does."""

from __future__ import annotations

import pytest

from tests.fix_gate import Gate

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_somebody_else_approves_exactly_this_plan(gate: Gate):
    gate.configure(four_eyes=True)
    run = gate.start()
    assert "Who asks for: keep on production?" in gate.question(run)
    gate.request(run)
    assert "ada asks for it" in gate.question(run)
    gate.decide(run)
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]
    assert gate.events() == [("asked", ""), ("requested", "ada"), ("asked", ""), ("approved", "grace")]
