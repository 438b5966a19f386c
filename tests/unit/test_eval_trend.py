"""A slow decline: its probability counted out, its approximation, and what is none."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ops import eval_trend
from ops.eval_tests import Counted


def runs(n: list[int], good: list[int]) -> Counted:
    return Counted(np.array([n], float), np.array([good], float), np.array([good], float))


def test_failures_are_counted_out_in_all_their_ways():
    sizes, failed, late = (5, 3, 4), 3, 4
    ways = {
        each: math.prod(math.comb(size, count) for size, count in zip(sizes, each, strict=True))
        for each in itertools.product(range(4), repeat=3)
        if sum(each) == failed
    }
    as_late = sum(count for each, count in ways.items() if each[1] + 2 * each[2] >= late)
    found = eval_trend.counted_out(sizes, (0, 1, 2), failed, late)
    assert found == pytest.approx(as_late / math.comb(12, 3))


@pytest.mark.parametrize("sizes", [[30] * 14, [500, 400, 300, 200, 100, 90, 80, 70, 60, 50, 40, 30, 30, 30]])
@pytest.mark.parametrize("failed", [8, 20, 60])
@pytest.mark.parametrize("bias", [0.1, 0.3, 0.5])
def test_the_approximation_holds_far_in_the_tail(sizes: list[int], failed: int, bias: float):
    rng = np.random.default_rng(5)
    drawn = np.array(sizes) * np.exp(bias * np.arange(14))
    failures = np.minimum(rng.multinomial(failed, drawn / drawn.sum()), sizes)
    late = int((failures * np.arange(14)).sum())
    exact = eval_trend.counted_out(tuple(sizes), tuple(range(14)), int(failures.sum()), late)
    near = eval_trend.saddlepoint(failures[None].astype(float), np.array([sizes], float))[0]
    assert near == pytest.approx(exact, rel=0.1)


def test_a_slow_decline_is_found():
    good = [round(5000 * (0.95 - 0.005 * number)) for number in range(14)]
    found = eval_trend.find(runs([5000] * 14, good))
    assert found.p[0] < 1e-6
    assert found.drop[0] == pytest.approx(0.065, abs=0.001)
    assert found.drop[0] < found.limit[0] < 0.08
    assert found.first[0] == pytest.approx(0.95, abs=0.001)


def test_no_trend_is_found_no_more_often_than_said():
    rng = np.random.default_rng(3)
    for n, rate in ((30, 0.99), (30, 0.9), (500, 0.99), (5000, 0.9)):
        good = rng.binomial(n, rate, (4000, 14)).astype(float)
        p = eval_trend.find(Counted(np.full(good.shape, float(n)), good, good)).p
        for level in (0.05, 0.01):
            assert np.mean(p <= level) <= level + 3 * np.sqrt(level / 4000)


def test_nights_that_differ_anyhow_are_no_decline():
    rng = np.random.default_rng(9)
    good = rng.binomial(200_000, rng.normal(0.9, 0.01, (300, 14)).clip(0, 1)).astype(float)
    found = eval_trend.find(Counted(np.full(good.shape, 200_000.0), good, good))
    assert np.mean(found.p <= 0.01) <= 0.03


def test_one_bad_night_is_no_slow_decline():
    found = eval_trend.find(runs([5000] * 14, [4500] * 13 + [4250]))
    assert found.p[0] > 0.001


def test_a_run_without_samples_is_passed_over():
    sizes, good = [5000, 0, 5000, 5000], [4900, 0, 4700, 4600]
    found = eval_trend.find(runs(sizes, good))
    assert found.p[0] < 1e-6
    assert found.drop[0] == pytest.approx(0.06, abs=0.005)


def test_nothing_failing_is_no_decline():
    found = eval_trend.find(runs([30] * 5, [30] * 5))
    assert found.p[0] >= 0.5
    assert found.drop[0] == 0
