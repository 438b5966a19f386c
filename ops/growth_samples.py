"""How large the tables and buckets of an environment were at each look.

Source: supabase-operations.md, "Weekly" (review storage usage growth).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ops import memory

_ABOUT = "growth"
_KEPT = 520


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Sample(_Fact):
    """Sizes in bytes at one time: of all databases, of the largest tables, and of the files in each bucket.

    `buckets` is None where they could not be looked at.
    """

    at: datetime
    whole: int
    tables: dict[str, int] = {}
    buckets: dict[str, int] | None = {}


class Samples(_Fact):
    """What was seen, from old to new."""

    samples: tuple[Sample, ...] = ()


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


def of_databases(samples: Sequence[Sample]) -> list[tuple[datetime, float]]:
    """Return how large all databases were, and when."""
    return [(each.at, each.whole) for each in samples]


def of_table(samples: Sequence[Sample], name: str) -> list[tuple[datetime, float]]:
    """Return how large a table was at the looks that have it: others had larger ones, or could not see it."""
    return [(each.at, each.tables[name]) for each in samples if name in each.tables]


def of_buckets(samples: Sequence[Sample]) -> list[tuple[datetime, float]]:
    """Return how large all buckets together were, and when."""
    return [(each.at, sum(each.buckets.values())) for each in samples if each.buckets is not None]


def of_bucket(samples: Sequence[Sample], name: str) -> list[tuple[datetime, float]]:
    """Return how large a bucket was since it had a file for the first time."""
    seen = [(each.at, each.buckets.get(name)) for each in samples if each.buckets is not None]
    first = next((n for n, (_, size) in enumerate(seen) if size is not None), len(seen))
    return [(at, size or 0) for at, size in seen[first:]]
