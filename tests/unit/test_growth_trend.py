"""The line through the samples of storage, and the day on which it reaches the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import growth_trend

START = datetime(2026, 1, 4, tzinfo=UTC)
SIZES = st.integers(min_value=0, max_value=2**45)
DAILY = st.integers(min_value=-(2**30), max_value=2**30)


GB = 1024.0**3


def line(size: int, daily: int, weeks: int) -> list[tuple[datetime, float]]:
    return [(START + timedelta(weeks=n), size + 7.0 * n * daily) for n in range(weeks)]


@given(size=SIZES, daily=DAILY, weeks=st.integers(3, 60))
def test_a_line_is_found_again_whatever_it_is(size: int, daily: int, weeks: int):
    found = growth_trend.trend(line(size, daily, weeks), limit=None)
    assert found
    assert found.daily == pytest.approx(daily, rel=1e-6, abs=0.1)
    assert found.full_on is None


@given(size=SIZES, daily=st.integers(1, 2**30), days=st.integers(1, 3000))
def test_the_day_is_that_on_which_the_line_reaches_the_limit(size: int, daily: int, days: int):
    points = line(size, daily, 5)
    last, now = points[-1]
    found = growth_trend.trend(points, limit=now + daily * days)
    assert found
    assert found.full_on
    assert abs(found.full_on - (last + timedelta(days=days))) < timedelta(hours=1)


@given(size=SIZES, daily=st.integers(-(2**30), 0))
def test_what_does_not_grow_is_never_full(size: int, daily: int):
    points = line(size, daily, 5)
    found = growth_trend.trend(points, limit=points[-1][1] + 2**20)
    assert found
    assert found.full_on is None


@given(noise=st.lists(st.floats(-1e6, 1e6), min_size=52, max_size=52))
def test_noise_around_a_line_moves_it_little(noise: list[float]):
    points = [(at, size + each) for (at, size), each in zip(line(2**30, 10**7, 52), noise, strict=True)]
    found = growth_trend.trend(points, limit=None)
    assert found
    assert found.daily == pytest.approx(10**7, rel=0.01)


@pytest.mark.parametrize(
    "times", [[0, 7], [0, 0.1, 0.2], []], ids=["two samples", "three within a day", "none"]
)
def test_too_little_is_no_line(times: list[float]):
    assert growth_trend.trend([(START + timedelta(days=each), 1.0) for each in times], limit=2) is None


def test_what_is_full_is_full_now():
    points = line(100, 1, 3)
    found = growth_trend.trend(points, limit=50)
    assert found
    assert found.full_on == points[-1][0]


def weeks(sizes: list[float]) -> list[tuple[datetime, float]]:
    return [(START + timedelta(weeks=n), size * GB) for n, size in enumerate(sizes)]


def weekly(points: list[tuple[datetime, float]]) -> float:
    found = growth_trend.trend(points, limit=None)
    assert found
    return found.daily * 7 / GB


def left(points: list[tuple[datetime, float]], limit: float) -> timedelta:
    found = growth_trend.trend(points, limit=limit * GB)
    assert found
    assert found.full_on
    return found.full_on - points[-1][0]


def test_three_flat_years_do_not_hide_that_it_grows_since_four_weeks():
    points = weeks([10.0] * 152 + [10.0 + 5 * n for n in range(5)])
    assert left(points, 40) == timedelta(weeks=2)
    found = growth_trend.trend(points, limit=None)
    assert found
    assert found.since == points[-5][0]


def test_a_rate_that_has_changed_more_slowly_counts_too():
    assert weekly(
        weeks([10.0 + n for n in range(100)] + [110.0 + 2 * n for n in range(10)])
    ) == pytest.approx(2, rel=0.1)


def test_what_has_stopped_growing_for_a_quarter_is_never_full():
    points = weeks([5.0 * n for n in range(52)] + [260.0] * 12)
    found = growth_trend.trend(points, limit=300 * GB)
    assert found
    assert (found.daily, found.full_on) == (0.0, None)


def test_what_grows_more_slowly_counts_with_its_new_rate_after_a_quarter():
    assert weekly(weeks([5.0 * n for n in range(52)] + [260.0 + n for n in range(14)])) == pytest.approx(1)


@pytest.mark.parametrize("ago", [1, 3, 6, 12])
def test_what_is_deleted_once_does_not_hide_the_growth(ago: int):
    sizes = [30.0 + n - (15 if n > 40 - ago else 0) for n in range(41)]
    assert weekly(weeks(sizes)) == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("phase", range(5))
def test_what_is_deleted_again_and_again_does_not_grow(phase: int):
    points = weeks([20.0 + 5 * (n % 5) for n in range(50 + phase)])
    found = growth_trend.trend(points, limit=100 * GB)
    assert found
    assert abs(found.daily) * 7 < 0.5 * GB


def test_a_table_that_is_emptied_each_month_and_grows_all_the_same_is_seen():
    points = weeks([20.0 + 5 * (n % 5) + n for n in range(52)])
    assert weekly(points) == pytest.approx(1, rel=0.5)


def test_one_odd_sample_moves_nothing():
    sizes = [10.0 + n for n in range(30)]
    sizes[27] = 90.0
    assert weekly(weeks(sizes)) == pytest.approx(1, rel=0.15)


@pytest.mark.parametrize("days", [1, 7])
def test_the_same_is_said_of_looks_each_day_and_each_week(days: int):
    grown = [max(0.0, n - 70) for n in range(0, 99, days)]
    points = [(START + timedelta(days=n * days), size * GB) for n, size in enumerate(grown)]
    assert weekly(points) == pytest.approx(7, rel=0.05)


def test_the_line_that_is_drawn_reaches_the_limit_on_the_day_that_is_said():
    found = growth_trend.trend(line(10, 10, 6), limit=1000)
    assert found
    assert found.full_on
    assert found.reaches(found.full_on) == pytest.approx(1000)
    assert found.reaches(found.at) == found.size
