"""The gate's error rates on drawn nights, in small; benchmarks/eval_gate.py measures them whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.eval_nights import PAIRS_OF_SLICES, SLICES, WORSE, World
from ops.evals import Judged

PROVIDER = "mistral"


def nights(world: World, count: int, *, seed: int = 5) -> list[Judged]:
    rng = np.random.default_rng(seed)
    return [world.night(rng) for _ in range(count)]


def failed(judged: list[Judged]) -> int:
    return Counter(each.verdict for each in judged)["fail"]


def test_the_nights_have_as_many_questions_as_real_ones():
    (judged,) = nights(World(0.9, 5000), 1)
    assert (len(SLICES), PAIRS_OF_SLICES) == (48, 37)
    assert len(judged.comparisons) == 48 * 3 * 3
    assert {each.against for each in judged.comparisons} == {"floor", "baseline", "trend"}


@pytest.mark.parametrize(("rate", "samples"), [(0.9, 30), (0.99, 100), (0.9, 1000)])
def test_hardly_a_night_without_a_change_fails(rate: float, samples: int):
    # Of 30 nights less than one should fail, and two do in one of eight draws; tests/integration looks at more nights.
    assert failed(nights(World(rate, samples, trend=4), 30)) <= 1


def test_errored_records_are_drawn_and_asked_about():
    (judged,) = nights(World(0.9, 5000, errored=0.05, trend=6), 1)
    asked = [each for each in judged.comparisons if each.measure.endswith("_measured") and not each.where]
    assert len(asked) == 3
    assert all(0.93 < (each.rate or 0) < 0.97 for each in asked)
    assert {each.samples for each in asked} == {5000}


def test_slices_that_are_unlike_every_night_are_no_world_of_this_gate():
    # What docs/benchmarks-eval-gate.md says of them: the night fails, since no record is independent there.
    assert failed(nights(World(0.9, 5000, trend=6, room=0.2, spread=0.02), 10)) > 5


def test_a_change_that_does_not_matter_never_fails():
    world = World(0.9, 2_000_000, drop=0.005, room=0.05, trend=6)
    judged = nights(world, 5)
    assert failed(judged) == 0
    # It is there, though, and significant.
    assert all(min(each.p_adjusted or 0 for each in night.comparisons) < 1e-6 for night in judged)


@pytest.mark.parametrize(("samples", "drop"), [(5000, 0.05), (1000, 0.1)])
def test_a_drop_in_all_records_is_found(samples: int, drop: float):
    found = nights(World(0.9, samples, drop=drop, room=0.2, trend=6), 20)
    assert failed(found) >= 19
    measures = Counter(
        each.measure for night in found for each in night.comparisons if each.verdict == "fail"
    )
    assert set(measures) == {WORSE}


def test_a_drop_in_one_provider_is_found_or_said_to_be_undecided():
    found = nights(World(0.9, 5000, drop=0.05, only=PROVIDER, room=0.2, trend=6), 30)
    assert failed(found) >= 20
    assert Counter(night.verdict for night in found)["pass"] <= 4


def test_a_slow_decline_is_found_by_the_trend():
    found = nights(World(0.9, 5000, decline=0.005, room=0.2), 10)
    for night in found:
        whole = [each for each in night.comparisons if not each.where and each.against == "trend"]
        assert "fail" in {each.verdict for each in whole}
