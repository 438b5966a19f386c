"""What incidents do behind the gate of a guarded production, through a real Prefect server, worker and deployment."""

from __future__ import annotations

import pytest

from deployments.stack import Stack
from tests import fix_app
from tests.fix_incident import MakeIncident
from tests.fix_storage_site import WHY, Site

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


def test_a_re_upload_whose_key_may_not_write_stays_open_and_is_given_up_by_two_people(
    stack: Stack, make_incident: MakeIncident, storage_site: Site
):
    incident = make_incident(stack, "re-upload")
    storage_site.storage.fails[r"POST /storage/v1/object/evidence/.*"] = 403
    run = incident.begin()
    incident.request(run, "ada")
    incident.decide(run, "grace")
    assert incident.ended(run) == "Failed"
    assert "The key may not write: evidence/a.txt was not uploaded" in incident.message(run)
    storage_site.storage.fails.clear()

    incident.wait_for_next_code()
    incident.chosen = {"act": "abandon", "reason": WHY}
    given_up = incident.begin()
    assert "Who asks for: abandon on production?" in incident.question(given_up)
    incident.request(given_up, "ada")
    incident.decide(given_up, "grace")
    assert incident.ended(given_up) == "Completed", incident.message(given_up)
    said = incident.result(given_up, "abandoned")
    assert (said["approved"]["by"], said["approved"]["requester"]) == (["grace"], "ada")
    assert said["objects"] == [{"object": "evidence/a.txt", "state": "planned"}]
    (over,) = fix_app.ask(incident.dsn, "select details from runbooks.audit_log where details ? 'given_up'")
    assert (over[0]["by"], over[0]["requester"], over[0]["proof"]) == (["grace"], "ada", "totp")
    assert [each for each in incident.secret() if each in incident.shown(given_up)] == []

    incident.chosen = {"act": "re-upload", "reason": WHY}
    anew = incident.begin()
    assert "Who asks for: re-upload on production?" in incident.question(anew), "it is asked anew"
    assert incident.acted() == 0
