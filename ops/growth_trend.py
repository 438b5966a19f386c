"""How fast something grows by now, and when it will be full. Source: supabase-operations.md, "Weekly"."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from pydantic import BaseModel, ConfigDict

Points = Sequence[tuple[datetime, float]]
# A month tells of a rate that has just changed, a quarter of one that lasts; a year is for what neither can tell.
_MONTH, _QUARTER, _YEAR = timedelta(days=30), timedelta(days=92), timedelta(days=366)
_LEAST = 3
_SHORTEST = timedelta(days=1)
# So many samples, over at least half of the time, stand for a month or a quarter.
_LEAST_RECENT = 4
_STEEPER = 0.1
_AGAIN = 2
_DELETED = 0.25
_DAY = timedelta(days=1).total_seconds()
_FAR = 36_500


class Trend(BaseModel):
    """A line that ends at the last sample: bytes a day, by the samples since when, and when it reaches the limit.

    It does so within a century, or never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    daily: float
    since: datetime
    at: datetime
    size: float
    full_on: datetime | None

    def reaches(self, when: datetime) -> float:
        """Return how large it is then, by this line."""
        return self.size + self.daily * (when - self.at).total_seconds() / _DAY


def trend(points: Points, *, limit: float | None) -> Trend | None:
    """Return how fast it grows: by the last quarter, or by the last month where that is steeper.

    The slope is the median of those between any two samples (Theil and Sen), which one odd sample or one deletion does
    not move. Where the quarter has too few samples the year is asked. Where things are deleted again and again, the
    month counts for nothing: it may lie between two deletions. None where too few samples, or too short a time, would
    make any line.
    """
    if len(points) < _LEAST or points[-1][0] - points[0][0] < _SHORTEST:
        return None
    at, size = points[-1]
    month, quarter, year = (_since(points, at - span) for span in (_MONTH, _QUARTER, _YEAR))
    chosen = quarter if _tells(quarter, _QUARTER) else year if _stands(year) else points
    daily = _slope(chosen)
    if _tells(month, _MONTH) and _deletions(quarter, month) < _AGAIN:
        lately = _slope(month)
        # Of two that are almost the same the longer one is surer.
        if lately > daily + abs(daily) * _STEEPER:
            chosen, daily = month, lately
    return Trend(daily=daily, since=chosen[0][0], at=at, size=size, full_on=_full_on(at, size, daily, limit))


def _since(points: Points, start: datetime) -> Points:
    return [each for each in points if each[0] >= start]


def _stands(points: Points) -> bool:
    return len(points) >= _LEAST and points[-1][0] - points[0][0] >= _SHORTEST


def _tells(points: Points, span: timedelta) -> bool:
    return len(points) >= _LEAST_RECENT and points[-1][0] - points[0][0] >= span / 2


def _deletions(quarter: Points, month: Points) -> int:
    """Return how often the size fell, by more than a part of what the last month has moved it."""
    if len(month) < 2:
        return 0
    sizes = [size for _, size in month]
    least = _DELETED * (max(sizes) - min(sizes))
    falls = [before - after for (_, before), (_, after) in itertools.pairwise(quarter)]
    return sum(fall > max(least, 0) for fall in falls)


def _slope(points: Points) -> float:
    days = np.array([(at - points[0][0]).total_seconds() / _DAY for at, _ in points])
    sizes = np.array([size for _, size in points], dtype=float)
    first, second = np.triu_indices(len(points), 1)
    apart = days[second] > days[first]
    first, second = first[apart], second[apart]
    return float(np.median((sizes[second] - sizes[first]) / (days[second] - days[first])))


def _full_on(at: datetime, size: float, daily: float, limit: float | None) -> datetime | None:
    if limit is None:
        return None
    if size >= limit:
        return at
    if daily <= 0 or (left := (limit - size) / daily) > _FAR:
        return None
    return at + timedelta(days=left)
