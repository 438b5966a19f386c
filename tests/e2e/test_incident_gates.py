"""What incidents do behind the gate of a guarded production, through a real Prefect server, worker and deployment."""

from __future__ import annotations

import pytest

from deployments.stack import Stack
from tests.fix_incident import MakeIncident

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RESULTS = {"re-upload": "re-upload", "read-only": "writes"}


@pytest.mark.parametrize("act", RESULTS)
def test_somebody_elses_right_code_lets_it_through_and_nothing_else_does(
    stack: Stack, make_incident: MakeIncident, act: str
):
    incident = make_incident(stack, act)
    run = incident.begin()
    assert incident.state(run) == "Suspended", incident.message(run)
    assert f"Who asks for: {act} on production?" in incident.question(run)
    incident.request(run, "ada")
    incident.decide(run, "grace", code="000000")
    incident.waiting(run)
    assert "2 more, then the gate closes" in incident.question(run)
    incident.decide(run, "ada")
    incident.waiting(run)
    assert "ada asked for this, so somebody else approves it" in incident.question(run)
    assert incident.acted() == 0

    incident.decide(run, "grace")
    assert incident.ended(run) == "Completed", incident.message(run)
    assert incident.acted() == 1
    asked, wrong = ("asked", ""), ("mistaken", "")
    assert incident.events() == [
        *(asked, ("requested", "ada")),
        *(asked, wrong, asked, wrong, asked, ("approved", "grace")),
        ("ended", ""),
    ]
    said = incident.result(run, RESULTS[act])["approved"]
    assert (said["gate"], said["by"], said["requester"], said["proof"]) == (act, ["grace"], "ada", "totp")
    assert [each for each in incident.secret() if each in incident.shown(run)] == []
