"""A re-upload that was begun and is given up by somebody, on a real database and a server of the published API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ops import (
    errors,
    incident_storage,
    incident_storage_abandon,
    incident_storage_act,
    incident_storage_uploads,
    journal,
    storage_client,
)
from ops.checked import Checked
from ops.incident_storage import Act
from ops.incident_storage_abandon import Abandoning
from ops.incident_storage_uploads import Uploads
from tests import fix_restored, fix_storage
from tests.fix_storage_site import FILES, WHY, Site

APPROVED, REJECTED = ("approve", "ada", ""), ("reject", "ada", "it goes on tomorrow")
LOST = ("a.txt", "docs/b c.txt", "docs/deep/d.png")
ENDED = "select gate, note, details from runbooks.audit_log where event = 'ended' order by id"
OUTCOMES = "select distinct outcome from runbooks.storage_uploads"


@pytest.fixture
def site(storage_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A re-upload of three objects that was killed after the first."""
    for name in LOST:
        storage_site.storage.file("evidence", name).unlink()
    upload, sent = storage_client.Client.upload, list[str]()

    def dying(self: storage_client.Client, bucket: str, name: str, *content: Any, **facts: Any) -> None:
        if sent:
            raise KeyboardInterrupt
        sent.append(name)
        upload(self, bucket, name, *content, **facts)

    with monkeypatch.context() as patched:
        patched.setattr(storage_client.Client, "upload", dying)
        fix_restored.answering(patched, APPROVED)
        with pytest.raises(KeyboardInterrupt):
            storage_site.look(Act.RE_UPLOAD)
    assert storage_site.storage.uploads == 1
    return storage_site


def kept(found: Checked, name: str) -> Any:
    return json.loads(Path(found.bundle or "", name).read_text("utf-8"))


def abandoning(site: Site, run: str) -> Abandoning:
    """Return a run that has looked, and was approved, and has not given it up yet."""
    plan = incident_storage.plan(str(site.project), "production", Act.ABANDON, WHY, whole=False)
    with incident_storage.opened(plan, run, id=run) as found:
        made = Abandoning(Uploads(found))
    incident_storage_abandon.find(made)
    made.approved = {"by": ["ada"], "requester": "", "proof": "unverified"}
    return made


def test_it_is_given_up_once_with_who_and_why_and_what_was_done_and_the_next_run_asks_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        site.look(Act.ABANDON)
    assert WHY in asked[0]
    assert "of 3 objects 1 uploaded, 2 not done" in asked[0]
    assert site.sql(OUTCOMES) == [(None,)]

    fix_restored.answering(monkeypatch, APPROVED)
    found = site.look(Act.ABANDON)
    assert found.ok
    assert "is given up by ada: of 3 objects 1 uploaded, 2 not done" in found.summary
    (gate, note, details), (own, _, _) = site.sql(ENDED)[-2:]
    assert (gate, own) == ("re-upload", "abandon")
    assert note == f"given up by ada: {WHY}"
    assert (details["given_up"], details["by"], details["reason"]) == (True, ["ada"], WHY)
    assert details["done"] == [{"object": "evidence/a.txt", "state": "uploaded"}]
    assert [each["object"] for each in details["left"]] == [f"evidence/{name}" for name in LOST[1:]]
    assert kept(found, "abandoned.json")["objects"] == [*details["done"], *details["left"]]
    assert (site.sql(OUTCOMES), site.storage.uploads) == ([("abandoned",)], 1)

    assert not fix_restored.answering(monkeypatch)
    again = site.look(Act.ABANDON)
    assert again.ok, "it is given up already, so nobody is asked"
    assert f"given up by ada: {WHY}" in again.summary

    fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        site.look(Act.RE_UPLOAD)
    asked = fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok
    assert "Upload 2 objects" in asked[0], "what is missing still is planned and asked about anew"
    assert (site.storage.uploads, site.bytes()) == (3, FILES)


def test_a_look_says_that_one_is_under_way(site: Site, monkeypatch: pytest.MonkeyPatch):
    found = site.look()
    (one,) = [each for each in found.report.findings if each.kind == "storage-upload-begun"]
    assert f"2 of 3 objects are not done. Reason: {WHY}" in one.said
    assert one.since
    site.sql(OLD)
    assert "unseen" not in {each.state for each in site.look().report.looks}
    site.sql("update runbooks.storage_uploads set state = 'uploaded'")
    fix_restored.answering(monkeypatch, APPROVED)
    site.look(Act.RE_UPLOAD)
    assert "storage-upload-begun" not in {each.kind for each in site.look().report.findings}


def test_what_was_never_begun_is_not_given_up_and_a_reason_is_asked_for(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch
):
    assert not fix_restored.answering(monkeypatch)
    with pytest.raises(errors.Refused, match="nothing to give up"):
        storage_site.look(Act.ABANDON)
    with pytest.raises(errors.Refused, match="Giving up a re-upload is recorded with its reason"):
        incident_storage.plan(str(storage_site.project), "production", Act.ABANDON, "done", whole=False)


def test_of_two_at_once_one_gives_it_up_and_the_other_is_told(site: Site):
    first, second = abandoning(site, "first"), abandoning(site, "second")
    assert incident_storage_abandon.abandon(first).ok
    with pytest.raises(errors.Refused, match=f"Others were quicker: .* given up by ada: {WHY}"):
        incident_storage_abandon.abandon(second)
    assert incident_storage_abandon.abandon(first).ok, "an attempt whose answer was lost"
    assert incident_storage_abandon.prove(first).ok
    assert len([each for each in site.sql(ENDED) if "given_up" in each[2]]) == 1


def test_a_run_that_is_killed_after_it_was_given_up_goes_on_with_its_own(site: Site):
    made = abandoning(site, "killed")
    asked = made.proposal("abandon").plan_digest
    assert incident_storage_abandon.abandon(made).ok
    again = abandoning(site, "killed")
    assert again.proposal("abandon").plan_digest == asked, "what was approved is asked about"
    assert incident_storage_abandon.abandon(again).ok
    assert len([each for each in site.sql(ENDED) if "given_up" in each[2]]) == 1


def test_it_is_not_given_up_while_a_run_is_at_work_or_when_it_has_come_further(site: Site):
    made = abandoning(site, "late")
    with journal.held(site.dsn, "the-one-at-work"), pytest.raises(errors.Refused, match="the-one-at-work"):
        incident_storage_abandon.abandon(made)
    site.sql("update runbooks.storage_uploads set state = 'uploaded' where name = 'docs/b c.txt'")
    with pytest.raises(errors.Refused, match=r"has come further .*2 uploaded, 1 not done"):
        incident_storage_abandon.abandon(made)
    assert site.sql(OUTCOMES) == [(None,)]


def test_a_run_that_had_found_it_before_does_not_go_on_with_it(site: Site):
    plan = incident_storage.plan(str(site.project), "production", Act.RE_UPLOAD, WHY, whole=False)
    with incident_storage.opened(plan, "late") as found:
        uploads = Uploads(found)
        incident_storage_uploads.find(uploads)
        incident_storage_uploads.verify_approved(uploads)
        assert incident_storage_abandon.abandon(abandoning(site, "quick")).ok
        with pytest.raises(errors.Refused, match="it was given up, or ended meanwhile"):
            incident_storage_act.act(uploads, lambda *_: None)
    assert site.storage.uploads == 1


@pytest.mark.parametrize("forgets", [False, True])
def test_a_record_that_is_opened_again_is_not_gone_on_with(
    site: Site, monkeypatch: pytest.MonkeyPatch, forgets: bool
):
    """By somebody's SQL, or by a restore, which also makes the database's log forget that it was given up."""
    assert incident_storage_abandon.abandon(abandoning(site, "quick")).ok
    site.sql("update runbooks.storage_uploads set outcome = null, ended_at = null, ended_by = null")
    if forgets:
        site.sql("alter table runbooks.audit_log disable trigger append_only")
        site.sql("delete from runbooks.audit_log where details ? 'given_up'")
        site.sql("alter table runbooks.audit_log enable always trigger append_only")
    assert not fix_restored.answering(monkeypatch)
    with pytest.raises(errors.Refused, match=r"was given up at .* so no run goes on with it"):
        site.look(Act.RE_UPLOAD)
    assert site.storage.uploads == 1


def test_a_plan_that_nobody_has_approved_can_be_given_up(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.sql("update runbooks.storage_uploads set plan_digest = 'forged'")
    assert not fix_restored.answering(monkeypatch)
    with pytest.raises(errors.Refused, match="Give it up with incident-storage, act abandon"):
        site.look(Act.RE_UPLOAD)
    fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.ABANDON).ok
    asked = fix_restored.answering(monkeypatch, APPROVED)
    assert site.look(Act.RE_UPLOAD).ok
    assert "Upload 2 objects" in asked[0]


def test_a_key_that_may_not_write_leaves_them_to_do_and_the_right_one_goes_on(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch
):
    site = storage_site
    for name in LOST:
        site.storage.file("evidence", name).unlink()
    key = site.project.parent / "key"
    right = key.read_text("utf-8")
    site.sql(
        "create role only_reading bypassrls; grant usage on schema storage to only_reading;"
        "grant select on all tables in schema storage to only_reading"
    )
    try:
        key.write_text(fix_storage.key("only_reading"), "utf-8")
        fix_restored.answering(monkeypatch, APPROVED)
        with pytest.raises(errors.Refused, match=r"The key may not write: evidence/a.txt .* 3 of 3 objects"):
            site.look(Act.RE_UPLOAD)
    finally:
        key.write_text(right, "utf-8")
        site.sql("drop owned by only_reading; drop role only_reading")
    states = "select state, outcome, said from runbooks.storage_uploads order by id"
    (first, *others) = site.sql(states)
    assert first[:2] == ("planned", None)
    assert "row-level security" in first[2]
    assert others == [("planned", None, "")] * 2
    assert site.storage.uploads == 0

    assert not fix_restored.answering(monkeypatch)
    found = site.look(Act.RE_UPLOAD)
    assert found.ok
    assert "3 objects are uploaded again" in found.summary
    assert (site.storage.uploads, site.bytes()) == (3, FILES)


def test_what_somebody_else_mends_after_a_run_was_killed_is_told_apart(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    """Of one whose upload had begun nobody can tell; of one that was only planned it was somebody else."""
    states = dict(site.sql("select name, state from runbooks.storage_uploads"))
    assert states == {"a.txt": "uploaded", "docs/b c.txt": "begun", "docs/deep/d.png": "planned"}
    for name in LOST[1:]:
        site.storage.file("evidence", name).write_bytes(FILES["evidence", name])
    assert not fix_restored.answering(monkeypatch)
    found = site.look(Act.RE_UPLOAD)
    assert found.ok
    assert "2 objects are uploaded again and proven" in found.summary
    assert "1 were already there (not by this run): evidence/docs/deep/d.png" in found.summary
    said = {each["object"]: each["state"] for each in kept(found, "re-upload.json")["objects"]}
    assert said["evidence/docs/deep/d.png"] == "already-there"
    assert site.storage.uploads == 1


OLD = """\
alter table runbooks.storage_uploads drop column version, drop column outcome, drop column ended_at,
drop column ended_by, drop constraint storage_uploads_state_check, add constraint storage_uploads_state_check
check (state in ('planned', 'begun', 'uploaded', 'skipped'))
"""


def test_a_record_of_an_earlier_version_is_gone_on_with(site: Site, monkeypatch: pytest.MonkeyPatch):
    site.sql(OLD)
    done = "insert into runbooks.storage_uploads (environment, plan_digest, bucket, name, item, reason, run, state)"
    site.sql(f"{done} select environment, 'before', bucket, name, item, reason, run, 'uploaded'"
             " from runbooks.storage_uploads")  # fmt: skip
    assert not fix_restored.answering(monkeypatch)
    assert site.look(Act.RE_UPLOAD).ok
    assert (site.storage.uploads, site.bytes()) == (3, FILES)
    assert site.sql(OUTCOMES) == [("proven",)]
