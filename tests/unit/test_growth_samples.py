"""The line through the samples of storage, and the day on which it reaches the limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import growth_samples
from ops.growth_samples import Sample

START = datetime(2026, 1, 4, tzinfo=UTC)
SIZES = st.integers(min_value=0, max_value=2**45)
DAILY = st.integers(min_value=-(2**30), max_value=2**30)


def line(size: int, daily: int, weeks: int) -> list[tuple[datetime, float]]:
    return [(START + timedelta(weeks=n), size + 7.0 * n * daily) for n in range(weeks)]


@given(size=SIZES, daily=DAILY, weeks=st.integers(3, 60))
def test_a_line_is_found_again_whatever_it_is(size: int, daily: int, weeks: int):
    found = growth_samples.trend(line(size, daily, weeks), limit=None)
    assert found
    assert found.daily == pytest.approx(daily, rel=1e-6, abs=0.1)
    assert found.full_on is None


@given(size=SIZES, daily=st.integers(1, 2**30), days=st.integers(1, 3000))
def test_the_day_is_that_on_which_the_line_reaches_the_limit(size: int, daily: int, days: int):
    points = line(size, daily, 5)
    last, now = points[-1]
    found = growth_samples.trend(points, limit=now + daily * days)
    assert found
    assert found.full_on
    assert abs(found.full_on - (last + timedelta(days=days))) < timedelta(hours=1)


@given(size=SIZES, daily=st.integers(-(2**30), 0))
def test_what_does_not_grow_is_never_full(size: int, daily: int):
    points = line(size, daily, 5)
    found = growth_samples.trend(points, limit=points[-1][1] + 2**20)
    assert found
    assert found.full_on is None


@given(noise=st.lists(st.floats(-1e6, 1e6), min_size=52, max_size=52))
def test_noise_around_a_line_moves_it_little(noise: list[float]):
    points = [(at, size + each) for (at, size), each in zip(line(2**30, 10**7, 52), noise, strict=True)]
    found = growth_samples.trend(points, limit=None)
    assert found
    assert found.daily == pytest.approx(10**7, rel=0.01)


@pytest.mark.parametrize(
    "times", [[0, 7], [0, 0.1, 0.2], []], ids=["two samples", "three within a day", "none"]
)
def test_too_little_is_no_line(times: list[float]):
    assert growth_samples.trend([(START + timedelta(days=each), 1.0) for each in times], limit=2) is None


def test_what_is_full_is_full_now():
    points = line(100, 1, 3)
    found = growth_samples.trend(points, limit=50)
    assert found
    assert found.full_on == points[-1][0]


def test_a_look_that_is_tried_again_is_one_sample(tmp_path: Path):
    growth_samples.keep(tmp_path, "production", Sample(at=START, whole=1))
    kept = growth_samples.keep(tmp_path, "production", Sample(at=START, whole=2))
    assert [each.whole for each in kept] == [2]
