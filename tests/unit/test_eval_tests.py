"""The tests behind the gate, compared with scipy's, and where simple ones go wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ops import eval_tests
from ops.eval_tests import Counted
from ops.evals import Moments


def counted(n: int, good: int) -> Counted:
    return Counted.of([Moments(n=n, total=good * 1000, squares=good * 1_000_000)])


def graded(full: int, half: int, none: int) -> Counted:
    total, squares = full * 1000 + half * 500, full * 1_000_000 + half * 250_000
    return Counted.of([Moments(n=full + half + none, total=total, squares=squares)])


@pytest.mark.parametrize(("n", "good"), [(30, 30), (30, 29), (100, 0), (5000, 4950)])
def test_an_interval_is_wilsons(n: int, good: int):
    low, high = eval_tests.wilson(np.array([good / n]), np.array([float(n)]))
    known = stats.binomtest(good, n).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((known.low, known.high))


def test_no_sample_says_nothing():
    low, high = eval_tests.wilson(np.array([0.0]), np.array([0.0]))
    assert (low[0], high[0]) == pytest.approx((0, 1), abs=1e-6)


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1), st.floats(0, 1))
def test_two_counts_are_compared_by_fishers_exact_test(n: int, before: int, share: float, known: float):
    good, earlier = round(n * share), round(before * known)
    p = eval_tests.worse(counted(n, good), counted(before, earlier))[0]
    exact = stats.fisher_exact([[good, n - good], [earlier, before - earlier]], alternative="less").pvalue
    assert p == pytest.approx(exact, rel=1e-6)


@given(st.integers(30, 400), st.floats(0, 1), st.floats(0.5, 0.99))
def test_a_rate_is_compared_with_a_floor_by_the_binomial_test(n: int, share: float, floor: float):
    good = round(n * share)
    p = eval_tests.below_floor(counted(n, good), np.array([floor]))[0]
    assert p == pytest.approx(stats.binomtest(good, n, floor, alternative="less").pvalue, rel=1e-6)


def test_the_same_records_are_compared_by_mcnemars_exact_test():
    assert eval_tests.mcnemar(15, 3) == pytest.approx(stats.binomtest(15, 18, alternative="greater").pvalue)
    assert eval_tests.mcnemar(0, 0) == 1


def test_values_between_are_compared_by_welchs_test():
    now, before = graded(500, 300, 200), graded(2000, 1000, 400)
    values = np.repeat([1, 0.5, 0], [500, 300, 200]), np.repeat([1, 0.5, 0], [2000, 1000, 400])
    known = stats.ttest_ind(*values, equal_var=False, alternative="less").pvalue
    assert eval_tests.worse(now, before)[0] == pytest.approx(known)


def test_thirty_perfect_samples_do_not_make_a_later_half_success_certain():
    perfect, later = graded(30, 0, 0), graded(4600, 300, 100)
    known = stats.ttest_ind_from_stats(0.95, 0.15, 5000, 1.0, 0.0, 30, equal_var=False, alternative="less")
    assert known.pvalue < 1e-10
    assert eval_tests.worse(later, perfect)[0] > 0.01
    assert eval_tests.welch(later, perfect)[0] > 0.01


@pytest.mark.parametrize("rate", [0.9, 0.99])
@pytest.mark.parametrize(("n", "before"), [(30, 30), (30, 5000), (1000, 1000), (5000, 5000)])
def test_no_difference_is_found_no_more_often_than_said(n: int, before: int, rate: float):
    rng = np.random.default_rng(7)
    now, known = rng.binomial(n, rate, 20_000), rng.binomial(before, rate, 20_000)
    p = eval_tests.worse(_many(n, now), _many(before, known))
    for level in (0.05, 0.01, 0.001):
        assert np.mean(p <= level) <= level + 3 * np.sqrt(level / 20_000)


def test_holm_with_equal_weights_is_holm():
    p = np.array([0.01, 0.04, 0.03, 0.005])
    assert eval_tests.holm(p, np.ones(4)).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_the_weight_of_a_question_is_its_share_of_the_error():
    adjusted = eval_tests.holm(np.array([0.01, 0.01]), np.array([0.9, 0.1]))
    assert adjusted.tolist() == pytest.approx([0.01 / 0.9, 0.01 / 0.9])
    assert eval_tests.holm(np.array([0.5, 0.01]), np.array([0.9, 0.1]))[1] == pytest.approx(0.1)


def test_a_limit_of_a_drop_is_rarely_below_the_true_one():
    rng = np.random.default_rng(11)
    now, before = rng.binomial(300, 0.95, 20_000), rng.binomial(300, 0.97, 20_000)
    limits = eval_tests.drop_limit(_many(300, now), _many(300, before))
    assert 0.94 <= np.mean(limits >= 0.02) <= 0.98


def _many(n: int, good: np.ndarray) -> Counted:
    return Counted(np.full(len(good), float(n)), good.astype(float), good.astype(float))
