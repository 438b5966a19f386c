"""The incident of Storage through a real Prefect server, a real worker, its deployment and its gate."""

from __future__ import annotations

import pytest

from tests import fix_checks, fix_storage, fix_switch
from tests.fix_stack import Desk
from tests.fix_storage_site import FILES, WHY, Site

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "incident-storage/production"


def test_what_is_lost_is_uploaded_once_somebody_approves(desk: Desk, storage_site: Site):
    site, chosen = storage_site, {"act": "re-upload", "reason": WHY}
    refused = fix_switch.start(desk, RUNBOOK, site.project, act="re-upload", reason="why")
    assert "recorded with its reason" in fix_switch.ended(refused)[1]
    site.storage.file("evidence", "a.txt").unlink()
    looked = fix_checks.run_deployed(desk, site.project, RUNBOOK)
    assert looked.state
    assert looked.state.is_failed()
    kinds = {each["kind"] for each in fix_checks.report(site.project, looked)["findings"]}
    assert kinds == {"storage-object-missing"}

    rejected = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, site.project, **chosen), "reject")
    assert fix_switch.ended(rejected)[0] == "Rejected"
    assert site.storage.uploads == 0
    done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, site.project, **chosen))
    assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)
    assert (site.storage.uploads, site.bytes()) == (1, FILES)
    said = fix_switch.result(site.project, done, "re-upload")
    assert [(each["object"], each["state"]) for each in said["objects"]] == [("evidence/a.txt", "uploaded")]
    shown = " ".join(str(each.data) for each in desk.artifacts(done.id))
    assert "eyJ" not in shown
    assert fix_storage.SECRET not in shown
    again = fix_checks.run_deployed(desk, site.project, RUNBOOK, **chosen)
    assert again.state
    assert again.state.is_completed(), again.state.message
    assert site.storage.uploads == 1
