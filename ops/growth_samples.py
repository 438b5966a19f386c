"""How large the tables and buckets of an environment were at each look, and when the disk will be full.

Source: supabase-operations.md, "Weekly" (review storage usage growth).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from ops import memory

_ABOUT = "growth"
_KEPT = 520
_LEAST = 3
_SHORTEST = timedelta(days=1)
_DAY = timedelta(days=1).total_seconds()
_FAR = 36_500


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Sample(_Fact):
    """Sizes in bytes at one time: of all databases, of the largest tables, and of the files in each bucket."""

    at: datetime
    whole: int
    tables: dict[str, int] = {}
    buckets: dict[str, int] = {}

    @property
    def files(self) -> int:
        """The files of all buckets."""
        return sum(self.buckets.values())


class Samples(_Fact):
    """What was seen, from old to new."""

    samples: tuple[Sample, ...] = ()


class Trend(_Fact):
    """A line through the samples: bytes a day, and when it reaches the limit, if it ever does within a century."""

    daily: float
    full_on: datetime | None


def keep(root: Path, environment: str, sample: Sample) -> tuple[Sample, ...]:
    """Add a sample to those of earlier looks and return them all; the oldest are dropped after ten years of weeks.

    Raises:
        Refused: the folder cannot be written.
    """
    file = memory.path(root, environment, _ABOUT)
    # A look that is tried again is one look.
    before = [each for each in memory.read(file, Samples()).samples if each.at != sample.at]
    kept = (*before, sample)[-_KEPT:]
    memory.write(file, Samples(samples=kept))
    return kept


def trend(points: Sequence[tuple[datetime, float]], *, limit: float | None) -> Trend | None:
    """Fit a line by least squares; None where too few samples, or too short a time, would make any line."""
    if len(points) < _LEAST or points[-1][0] - points[0][0] < _SHORTEST:
        return None
    first = points[0][0]
    days = np.array([(at - first).total_seconds() / _DAY for at, _ in points])
    sizes = np.array([size for _, size in points], dtype=float)
    spread = days - days.mean()
    daily = float((spread * (sizes - sizes.mean())).sum() / (spread**2).sum())
    return Trend(daily=daily, full_on=_full_on(points[-1], daily, limit))


def _full_on(last: tuple[datetime, float], daily: float, limit: float | None) -> datetime | None:
    at, size = last
    if limit is None:
        return None
    if size >= limit:
        return at
    if daily <= 0 or (left := (limit - size) / daily) > _FAR:
        return None
    return at + timedelta(days=left)
