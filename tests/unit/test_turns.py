"""What is done in one turn, which is a task run in Prefect, and what it shows."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ops import errors
from ops.evidence import Evidence
from tasks import step, turns
from tasks.step import Step
from tasks.turns import Turn, Turns


def take(said: list[str], name: str) -> Evidence:
    """Say a name."""
    said.append(name)
    if name == "gone":
        raise errors.Unavailable("the connection was lost")
    return Evidence(ok=name != "bad", summary=f"{name}.", rows=({"name": name},), idle=name == "idle")


TAKE = step.step(take, title="Take {name}", evidence="taken", stops=False, retry=False)


def turn(said: list[str], names: Iterable[str]) -> Turn[list[str], str, Evidence]:
    return Turn(TAKE, said, iter(names), title="Take them", what="names")


def attempted(names: Iterable[str]) -> tuple[list[str], Turn[list[str], str, Evidence], list[Evidence]]:
    """Return what was done in a turn, the turn, and what it published."""
    said: list[str] = []
    published: list[Evidence] = []
    taken = turn(said, names)
    taken.attempt(lambda _key, evidence, _document: published.append(evidence))
    return said, taken, published


def test_what_is_quick_shares_a_turn_and_has_a_row_each():
    said, _, (shown,) = attempted(["a", "b", "idle"])
    assert said == ["a", "b", "idle"]
    assert [row["name"] for row in shown.rows] == said
    assert (shown.ok, shown.idle) == (True, False)
    assert shown.summary == "3 names: 2 done, 1 left as they were. The last: idle."


def test_what_takes_long_ends_its_turn_and_the_rest_is_not_begun(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(turns, "LONG", 0.0)
    names = iter(["a", "b"])
    said, _, (shown,) = attempted(names)
    assert said == ["a"]
    assert shown.summary == "a."
    assert list(names) == ["b"]


def test_what_is_not_well_ends_its_turn():
    said, taken, (shown,) = attempted(["a", "bad", "c"])
    assert said == ["a", "bad"]
    assert taken.error is None
    assert not shown.ok
    assert shown.summary == "2 names: 1 done, 1 failed. The last: bad."


def test_what_was_done_before_an_error_is_shown_and_the_error_told():
    said, taken, (shown,) = attempted(["a", "b", "gone", "c"])
    assert said == ["a", "b", "gone"]
    assert isinstance(taken.error, errors.Unavailable)
    assert not taken.may_retry
    assert [row["name"] for row in shown.rows] == ["a", "b"]


def test_each_has_a_step_of_its_own_for_who_observes():
    seen: list[str] = []

    class Seen:
        def started(self, title: str) -> None:
            seen.append(title)

        def finished(self, title: str, evidence: Evidence, seconds: float) -> None:
            seen.append(f"{title}: {evidence.summary}")

        def failed(self, title: str, error: Exception, seconds: float) -> None:
            seen.append(f"{title}: {error}")

    with step.observing(Seen()):
        attempted(["a", "gone"])
    assert seen == ["Take a", "Take a: a.", "Take gone", "Take gone: the connection was lost"]


def test_without_prefect_it_is_the_step_for_each():
    said: list[str] = []
    found = Turns(TAKE, title="Take from {name} on", what="names")(said, ["a", "bad", "c"])
    assert said == ["a", "bad", "c"]
    assert [each.ok for each in found] == [True, False, True]


def test_a_step_that_may_be_tried_again_has_no_turns():
    again: Step[[list[str], str], Evidence] = step.step(take, title="Take {name}")
    with pytest.raises(ValueError, match="may be tried again"):
        Turns(again, title="Take from {name} on", what="names")
