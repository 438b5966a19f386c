"""Attempts at a lock that is not to be had: two runs that begin together do not try again together."""

from __future__ import annotations

import pytest

from ops import apply, errors


def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return how long one file that never gets through waits before each further attempt, in seconds."""
    slept: list[float] = []

    def once(again: bool) -> apply.Outcome:
        raise errors.Unavailable("nobody answers")

    with monkeypatch.context() as patched:
        patched.setattr("tenacity.nap.time.sleep", slept.append)
        with pytest.raises(errors.Unavailable):
            apply.persist(once, "1_a.sql", transactional=True)
    return slept


def test_each_run_waits_for_another_while(monkeypatch: pytest.MonkeyPatch):
    runs = [waits(monkeypatch) for _ in range(20)]
    assert {len(run) for run in runs} == {apply.ATTEMPTS - 1}
    for place, least in enumerate((0.5, 1.0)):
        seconds = [run[place] for run in runs]
        assert least <= min(seconds)
        assert max(seconds) <= least + 0.5
        assert len(set(seconds)) == len(seconds), "no two runs wait equally long"
