"""Which nights are missing, by when each kind last evaluated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ops import eval_overdue
from ops.eval_overdue import Kind
from ops.eval_settings import Eval

NOW = datetime(2026, 3, 16, 8, tzinfo=UTC)
SETTINGS = Eval()


def nightly(hours: float, **facts: object) -> Kind:
    """A nightly kind that was last evaluated up to so many hours ago."""
    ended = NOW - timedelta(hours=hours)
    given = {"evaluated_to": ended, "finished": ended, "scheduled": ended, **facts}
    return Kind.model_validate({"run_type": "nightly", "schema_variant": "sitecraft", **given})


@pytest.mark.parametrize(
    ("hours", "count"), [(0, 0), (6, 0), (26, 0), (26.1, 1), (49.9, 1), (50.1, 2), (24 * 40, 39)]
)
def test_each_night_that_should_have_been_is_counted(hours: float, count: int):
    found = eval_overdue.judged([nightly(hours)], SETTINGS, now=NOW)
    assert found.ok == (count == 0)
    assert [row["nights missing"] for row in found.rows] == [count]
    assert (f"{count} night" in found.summary) == (count > 0)


def test_it_says_which_night_is_the_first_and_what_to_do():
    found = eval_overdue.judged([nightly(80, unfinished=NOW - timedelta(hours=30))], SETTINGS, now=NOW)
    assert found.summary == (
        "The nightly sitecraft evaluation is silent for 3 days, longer than 26 h: 3 nights missing, the first on "
        "2026-03-14. A run that began 2026-03-15 02:00 UTC has not finished."
    )
    assert "a worker runs" in found.problems[0].todo


def test_what_has_never_run_is_overdue():
    found = eval_overdue.judged([], SETTINGS, now=NOW)
    assert not found.ok
    assert "No nightly sitecraft evaluation has ever finished" in found.summary


def test_another_kind_is_watched_as_long_as_a_schedule_started_it():
    canary = {"run_type": "canary", "schema_variant": "v2"}
    lately, long_ago, by_hand = (
        nightly(200, scheduled=scheduled, **canary)
        for scheduled in (NOW - timedelta(days=8), NOW - timedelta(days=31), None)
    )
    assert not eval_overdue.judged([nightly(6), lately], SETTINGS, now=NOW).ok
    assert eval_overdue.judged([nightly(6), long_ago], SETTINGS, now=NOW).ok
    assert eval_overdue.judged([nightly(6), by_hand], SETTINGS, now=NOW).ok


def test_hourly_runs_are_missed_by_the_hour():
    hourly = Eval(most_silence=timedelta(hours=2))
    assert len(eval_overdue.missed(nightly(7), hourly, now=NOW)) == 3
