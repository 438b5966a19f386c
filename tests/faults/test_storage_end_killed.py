"""kill -9 when every object is uploaded and nothing of it is proven: run again, it is proven and ended, once."""

from __future__ import annotations

import pytest

from ops import errors
from ops.incident_storage import Act
from tests import fix_restored
from tests.faults import uploaded
from tests.fix_storage_site import FILES, Site

KILLED = -9
LOST = [("evidence", "a.txt"), ("ebooks", "book.txt")]
EVENTS = "select event, (details -> 'ok')::text from runbooks.audit_log order by id"
STATES = "select distinct state from runbooks.storage_uploads"
DECIDED, ENDED = [("asked", None), ("approved", None)], ("ended", "true")
# The queries of which the last is never sent.
PLACES = {
    "after the last mark": ["storage/record_of"],
    "while it is proven": ["storage/record_of", "storage/objects"],
    "before its end is written down": ["storage/record_of", "audit/last"],
    "between its end in the log and in its record": ["storage/record_end"],
}
AFTER_ITS_END = ["storage/record_end", "audit/rows"]


def kill(site: Site, place: list[str]) -> None:
    """Upload what is lost in a process that dies at this place, with every object marked as uploaded."""
    for key in LOST:
        site.storage.file(*key).unlink()
    assert uploaded.run_whole(site.project, before=place) == KILLED
    assert site.sql(STATES) == [("uploaded",)]
    assert (site.storage.uploads, site.bytes()) == (2, FILES)


@pytest.mark.parametrize("place", PLACES)
def test_a_plan_that_is_done_and_not_ended_is_proven_and_ended_and_nobody_is_asked(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch, place: str
):
    site = storage_site
    kill(site, PLACES[place])
    assert site.sql(EVENTS) == DECIDED
    assert not fix_restored.answering(monkeypatch)

    found = site.look(Act.RE_UPLOAD)
    assert found.ok
    assert "2 objects are uploaded again and proven" in found.summary
    assert site.sql(EVENTS) == [*DECIDED, ENDED]
    assert site.storage.uploads == 2

    assert site.look(Act.RE_UPLOAD).ok
    assert site.sql(EVENTS) == [*DECIDED, ENDED], "what has ended is not ended again"


def test_a_plan_whose_end_is_written_down_has_ended(storage_site: Site, monkeypatch: pytest.MonkeyPatch):
    kill(storage_site, AFTER_ITS_END)
    assert not fix_restored.answering(monkeypatch)
    assert storage_site.look(Act.RE_UPLOAD).ok
    assert storage_site.sql(EVENTS) == [*DECIDED, ENDED]


def test_what_is_not_there_any_more_is_not_proven_and_its_plan_stays_open(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch
):
    site = storage_site
    kill(site, PLACES["after the last mark"])
    path = site.storage.file(*LOST[0])
    path.write_bytes(b"two")
    assert not fix_restored.answering(monkeypatch)
    for _ in range(2):
        with pytest.raises(errors.Denied, match=r"evidence/a\.txt: it is not there with the bytes"):
            site.look(Act.RE_UPLOAD)
    path.write_bytes(FILES[LOST[0]])
    assert site.look(Act.RE_UPLOAD).ok
    outcomes = [ok for event, ok in site.sql(EVENTS) if event == "ended"]
    assert outcomes == ["false", "false", "true"]


def test_what_the_app_has_written_or_removed_since_is_no_more_of_the_plan(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch
):
    site = storage_site
    kill(site, PLACES["after the last mark"])
    site.storage.put(*LOST[0], b"a newer one")
    site.sql("set storage.allow_delete_query = 'true'; delete from storage.objects where name = 'book.txt'")
    assert not fix_restored.answering(monkeypatch)
    found = site.look(Act.RE_UPLOAD)
    assert found.ok
    for said in ("evidence/a.txt was written again since", "ebooks/book.txt was removed since"):
        assert said in found.summary
    proven = site.sql("select distinct outcome from runbooks.storage_uploads")
    assert (proven, site.sql(EVENTS)) == ([("proven",)], [*DECIDED, ENDED])


# The log has the end of the plan and not of the gate, of which a run in a terminal knows nothing any more.
GIVEN_UP = {"audit/lock": False, "storage/record_end": False, "audit/rows": True}


@pytest.mark.parametrize("place", GIVEN_UP)
def test_it_is_given_up_in_log_and_record_or_in_neither(
    storage_site: Site, monkeypatch: pytest.MonkeyPatch, place: str
):
    site, over = storage_site, GIVEN_UP[place]
    kill(site, PLACES["after the last mark"])
    at = ["storage/record_abandoned", "journal/lock", "audit/last", place]
    at = at if place != "audit/lock" else [*at[:2], place]
    assert uploaded.run_whole(site.project, Act.ABANDON, before=at) == KILLED
    given_up = "select count(*) from runbooks.audit_log where details ? 'given_up'"
    outcome = "select distinct outcome from runbooks.storage_uploads"
    assert (site.sql(given_up), site.sql(outcome)) == ([(int(over),)], [("abandoned" if over else None,)])

    asked = fix_restored.answering(monkeypatch, *([] if over else [("approve", "ada", "")]))
    assert site.look(Act.ABANDON).ok
    assert bool(asked) is not over
    assert (site.sql(given_up), site.sql(outcome)) == ([(1,)], [("abandoned",)])
    assert site.look(Act.RE_UPLOAD).ok
    assert (site.storage.uploads, site.bytes()) == (2, FILES), "nothing is taken back"
