"""The note of a release: the six fields of the runbook, what was released, and nothing that should not be there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from ops import release_note, secrets
from ops.release_note import Facts, Query

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def facts(**changes: Any) -> Facts:
    said: dict[str, Any] = {
        "project": "storefront",
        "environment": "production",
        "rolled_out": NOON,
        "operator": "ada",
        "staging_started": NOON - timedelta(days=1),
        "staging_ended": NOON - timedelta(hours=1),
        "prod_started": NOON,
        "prod_ended": NOON + timedelta(minutes=3),
        "verification": (
            Query(name="prod_default_count", ok=True, output="1"),
            Query(name="non_prod_enabled_count", ok=False, output="2\n```\nrows"),
        ),
        "rollback_test": "9 of 9 rollbacks are proven",
        "commit": "c" * 40,
        "plan_digest": "a" * 64,
        "change_digest": "b" * 64,
        "migrations": ("20260301090000_bot_config.sql",),
        "overlay": ("prod.sql",),
        "findings": ("the watch saw 2 lock waits",),
    }
    return Facts(**{**said, **changes})


def table(text: str) -> dict[str, str]:
    return dict(re.findall(r"^\| ([^|]+?) \| (.*) \|$", text, re.M))


def test_the_six_fields_and_what_was_released() -> None:
    text = release_note.markdown(facts())
    found = table(text)
    assert list(found)[1:7] == [
        "Rollout timestamp",
        "Operator",
        "Staging start/end",
        "Prod start/end",
        "Verification query outputs",
        "Rollback test result (staging)",
    ]
    assert found["Rollout timestamp"] == "2026-03-01 12:00:00 UTC"
    assert found["Operator"] == "ada"
    assert found["Staging start/end"] == "2026-02-28 12:00:00 UTC / 2026-03-01 11:00:00 UTC"
    assert found["Prod start/end"] == "2026-03-01 12:00:00 UTC / 2026-03-01 12:03:00 UTC"
    assert found["Verification query outputs"] == "2 asked, 1 not as expected"
    assert found["Rollback test result (staging)"] == "9 of 9 rollbacks are proven"
    assert (found["Commit"], found["Plan"], found["Change"]) == ("c" * 40, "a" * 64, "b" * 64)
    for said in ("- 20260301090000\\_bot\\_config.sql", "- prod.sql", "- the watch saw 2 lock waits"):
        assert said in text.splitlines()
    assert "### prod\\_default\\_count: as expected\n\n```\n1\n```" in text
    assert "NOT as expected\n\n````\n2\n```\nrows\n````" in text


def test_what_is_not_known_is_said_to_be_so() -> None:
    text = release_note.markdown(
        facts(
            staging_started=None,
            staging_ended=None,
            prod_ended=None,
            operator="",
            rollback_test="",
            commit=None,
            verification=(),
            migrations=(),
            overlay=(),
            findings=(),
        )
    )
    found = table(text)
    assert found["Staging start/end"] == found["Operator"] == found["Commit"] == "not recorded"
    assert found["Prod start/end"] == "2026-03-01 12:00:00 UTC / not recorded"
    assert found["Rollback test result (staging)"] == "not recorded"
    assert text.count("None.") == 4


def test_names_cannot_break_the_note_and_secrets_are_not_in_it() -> None:
    secrets.remember("sesame-open-fake")
    text = release_note.markdown(
        facts(
            operator="a|b\n# c <script>",
            findings=("x\n## Findings\nsesame-open-fake",),
            verification=(Query(name="q", ok=True, output="y" * 5000 + "sesame-open-fake"),),
        )
    )
    assert re.findall(r"^#+ .*", text, re.M) == [
        "# Release of storefront to production",
        "## Migrations",
        "## Overlay",
        "## Verification queries",
        "### q: as expected",
        "## Findings",
    ]
    assert "<script>" not in text
    assert "sesame" not in text
    assert "... cut off" in text


def test_times_of_other_zones_are_the_same_times() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=14)))
    bare = NOON.replace(tzinfo=None)
    notes = {release_note.markdown(facts(rolled_out=at)) for at in (NOON, there, bare)}
    names = {release_note.file_name(facts(rolled_out=at)) for at in (NOON, there, bare)}
    assert len(notes) == 1
    assert names == {"2026-03-01-production-aaaaaaaa.md"}


def test_the_file_of_an_odd_environment_is_one_file() -> None:
    assert release_note.file_name(facts(environment="../eu west")) == "2026-03-01--eu-west-aaaaaaaa.md"


def test_facts_are_complete_and_no_more() -> None:
    with pytest.raises(ValidationError):
        facts(more="x")
    with pytest.raises(ValidationError):
        Facts.model_validate({})
