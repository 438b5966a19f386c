"""A promotion in this process: what lets it through, what it does, and what it proves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ops import errors, manifest
from tests import fix_repository, projects
from tests.releases import OVERLAY, SETTINGS, Shop

APPROVED = ("approve", "ada", "")
FILES = [
    f"supabase/migrations/{key}.sql" for key in (projects.NOTES, projects.TAGS, projects.COLOURS, SETTINGS)
]


@pytest.fixture
def shop(tmp_path: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch) -> Shop:
    return Shop(tmp_path / "shop", shaped, monkeypatch, admin=shaped_admin)


@pytest.fixture
def rehearsed(shop: Shop) -> Shop:
    assert shop.rehearse().ok
    return shop


def test_a_rehearsed_change_is_approved_applied_and_proven(rehearsed: Shop):
    found = rehearsed.promote()
    assert (found.state, found.verdict) == ("promoted", "passed"), found.summary
    assert [each.file for each in found.files] == [*FILES, OVERLAY]
    assert {each.status for each in found.files} == {"applied"}
    assert rehearsed.history == [
        key.split("_")[0] for key in (projects.NOTES, projects.TAGS, projects.COLOURS, SETTINGS)
    ]
    assert rehearsed.ask("select value from public.settings") == [(100,)]
    assert found.decision.by == ("ada",)
    assert found.differences == found.drift == ()
    assert {each.name: each.ok for each in found.checks}["release gates"] is True


def test_the_second_time_nothing_is_pending_and_nobody_is_asked(rehearsed: Shop):
    rehearsed.promote()
    again = rehearsed.promote("nobody")
    assert (again.state, again.ok) == ("nothing pending", True)
    assert rehearsed.asked == []


def test_the_bundle_has_the_plan_the_note_the_schema_and_the_result(rehearsed: Shop):
    found = rehearsed.promote()
    bundle = Path(found.bundle or "")
    assert manifest.verify(bundle).ok
    assert {"promotion.json", "plan.md", "release_note.md", "schema.md"} <= {
        path.name for path in bundle.iterdir()
    }
    said = json.loads((bundle / "promotion.json").read_text())
    assert said["plan_digest"] == found.plan_digest
    assert found.plan_digest in (bundle / "plan.md").read_text()
    assert "erDiagram" in (bundle / "schema.md").read_text()


def test_the_audit_log_has_who_approved_what_and_what_came_of_it(rehearsed: Shop):
    found = rehearsed.promote()
    rows = rehearsed.ask("select event, actor, plan_digest from runbooks.audit_log order by id")
    assert ("approved", "ada", found.plan_digest) in rows
    assert rehearsed.ask("select plan_digest, outcome from runbooks.promotions") == [
        (found.plan_digest, "promoted")
    ]


def test_a_rejection_applies_nothing(rehearsed: Shop):
    with pytest.raises(errors.Denied, match="not on a Friday"):
        rehearsed.promote("reject", "ada", "not on a Friday")
    assert rehearsed.ask("select to_regclass('public.notes')") == [(None,)]


@pytest.mark.parametrize("said", ["", "confirm production deployment", "CONFIRM PRODUCTION DEPLOYMENT "])
def test_another_confirmation_is_refused(rehearsed: Shop, said: str):
    with pytest.raises(errors.Refused, match="The confirmation is not"):
        rehearsed.promote(confirmation=said)
    assert rehearsed.asked == []


def test_what_was_never_rehearsed_is_refused(shop: Shop):
    with pytest.raises(errors.Refused, match="There is no rehearsal"):
        shop.promote()


def test_a_file_that_was_edited_since_its_rehearsal_is_refused(rehearsed: Shop):
    rehearsed.edit(FILES[2], projects.ADD_COLOUR + "-- and more\n")
    with pytest.raises(errors.Refused, match="migrations"):
        rehearsed.promote()


def test_an_overlay_that_was_swapped_since_the_rehearsal_is_refused(rehearsed: Shop):
    rehearsed.edit(OVERLAY, "select 1;\n")
    with pytest.raises(errors.Refused, match="overlay"):
        rehearsed.promote()


def test_a_rehearsal_without_this_overlay_is_refused(shop: Shop):
    shop.rehearse(overlay="")
    with pytest.raises(errors.Refused, match="overlay"):
        shop.promote()


def test_a_rehearsal_that_is_too_old_is_refused(shop: Shop):
    shop.configure("", 'rehearsal_max_age = "PT0.001S"')
    shop.rehearse()
    with pytest.raises(errors.Refused, match="old"):
        shop.promote()


def test_a_change_that_is_not_merged_is_refused(shop: Shop):
    shop.configure(merged=True)
    shop.rehearse()
    fix_repository.git(shop.root, "checkout", "-q", "-b", "feature")
    fix_repository.committed(shop.root, "not merged")
    with pytest.raises(errors.Refused, match="merged"):
        shop.promote()


def test_outside_of_the_window_nothing_is_begun(shop: Shop):
    shop.configure("", 'window = ["mon 00:00-00:01"]\ntimezone = "UTC"')
    shop.rehearse()
    with pytest.raises(errors.Refused, match="window"):
        shop.promote()
    assert shop.ask("select to_regclass('public.notes')") == [(None,)]


def test_an_active_incident_is_refused_by_name(shop: Shop):
    shop.configure("", "incident_query = \"select 'the checkout is down'\"")
    shop.rehearse()
    with pytest.raises(errors.Refused, match="incident"):
        shop.promote()
