"""What a restore takes for a target, a reason and the note of a ticket."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops import errors, prod_restore, prod_restore_report, prod_restore_ticket
from ops.prod_restore import RestoreChoices, Way
from tests import projects

PAUSED = datetime(2026, 11, 29, 4, 0, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> str:
    config = '[environments.production]\ndatabase = "env:NOBODY"\n'
    return str(projects.write(tmp_path / "shop", migrations={}, config=config))


def read(note: str, way: Way = Way.TICKET) -> dict[str, str]:
    return prod_restore_ticket.read(note, way, paused=PAUSED, now=NOW)


def test_the_example_of_a_note_is_read():
    found = read(prod_restore_ticket.example(Way.TICKET))
    assert found["ticket"] == "12345"
    assert found["done"] == "2026-11-29T05:02:00+00:00"
    assert read(prod_restore_ticket.example(Way.BACKUP), Way.BACKUP) == {"done": found["done"]}
    assert read("whatever", Way.API) == {}


def test_a_time_of_another_zone_and_the_minute_of_the_pause_are_read():
    found = read(
        "Ticket=SU-1, opened=2026-11-29T05:00+01:00 confirmed=2026-11-29T04:00Z done=2026-11-29T04:00Z."
    )
    assert (found["ticket"], found["opened"]) == ("SU-1", "2026-11-29T04:00:00+00:00")


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("", "does not say ticket, opened, confirmed, done"),
        ("ticket=1 opened=2026-11-29T04:10Z", "does not say confirmed, done"),
        ("ticket=? opened=2026-11-29T04:10Z confirmed=2026-11-29T04:20Z done=2026-11-29T04:30Z", "no number"),
        (
            "ticket=12 opened=10:00 confirmed=2026-11-29T04:20Z done=2026-11-29T04:30Z",
            "opened=10:00 is no time",
        ),
        (
            "ticket=12 opened=2026-11-29T04:10 confirmed=2026-11-29T04:20Z done=2026-11-29T04:30Z",
            "no time zone",
        ),
        (
            "ticket=12 opened=2026-11-29T04:40Z confirmed=2026-11-29T04:20Z done=2026-11-29T04:50Z",
            "is later than",
        ),
        (
            "ticket=12 opened=2026-11-29T04:10Z confirmed=2026-11-29T04:20Z done=2026-11-29T07:00Z",
            "not over yet",
        ),
        (
            "ticket=12 opened=2026-11-29T03:10Z confirmed=2026-11-29T03:20Z done=2026-11-29T03:59Z",
            "before writes",
        ),
    ],
)
def test_a_note_that_cannot_be_is_refused_with_what_is_wrong(note: str, said: str):
    with pytest.raises(errors.Refused, match=said):
        read(note)


def plan(project: str, target: str, reason: str = "all notes are gone", **choices: object) -> object:
    return prod_restore.plan(project, "production", target, reason, RestoreChoices.model_validate(choices))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "no moment"),
        ("latest", "no moment"),
        ("lsn:0/3000060", "no moment"),
        ("2026-11-29T03:12:00", "no time zone"),
        ("yesterday", "no point to recover to"),
        ("2999-01-01T00:00:00Z", "not in the past"),
    ],
)
def test_a_target_that_cannot_be_is_refused(project: str, target: str, said: str):
    with pytest.raises(errors.Refused, match=said):
        plan(project, target)


def test_a_reason_is_needed_and_giving_up_needs_no_target(project: str):
    with pytest.raises(errors.Refused, match="recorded with its reason"):
        plan(project, "2026-01-01T00:00:00Z", reason="why")
    assert plan(project, "", give_up=True)
    assert plan(project, "lsn:0/3000060", way="backup")


def test_the_report_says_what_is_not_known():
    found: dict[str, Any] = {
        **dict.fromkeys(("verdict", "state", "incident", "reason", "target", "way", "cause", "summary"), "x"),
        **{"project": "shop", "environment": "production", "root_cause": "not known yet"},
        **{"ticket": {}, "timeline": [{"at": "now", "what": "a | b"}], "verified": [], "loss": None},
    }
    said = prod_restore_report.markdown(found)
    assert "Nothing was restored, so nothing was lost by it." in said
    assert "a \\| b" in said
