"""The nouns of an evaluation night, which its parts hand to each other.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ops.evidence import Evidence

MEASURES = ("schema_valid", "safe", "publish_proxy")
THOUSAND = 1000
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
Verdict = Literal["pass", "fail", "inconclusive"]
Where = tuple[tuple[str, str], ...]


class Frozen(BaseModel):
    """A value that is not changed once it is made."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Window(Frozen):
    """Which records a run is about: created at or after `start` and before `end`; both with a time zone, in UTC."""

    start: datetime
    end: datetime
    watermark: bool = Field(
        description="it goes on from the last run, and moves the watermark when it is ingested"
    )


class Cursor(Frozen):
    """The last exported record: all before it, in the order (created, key), has been read."""

    created: datetime
    key: str


class Export(Evidence):
    """The records of a window in one JSONL file, whole.

    Each line is one record as the source holds it, redacted; `_redacted` lists what was taken out of it.
    """

    path: Path
    window: Window
    source: str = Field(description="rest, copy or file")
    records: int
    left: int = Field(default=0, description="records of the window beyond the limit")
    repeated: int = Field(default=0, description="read twice, kept once: in pages, or in the run before")
    late: int = Field(default=0, description="older than the watermark, found by the overlap")
    content_digest: str = Field(description="SHA-256 over the file, in hex")
    before: Cursor | None = Field(default=None, description="the watermark that it went on from")
    after: Cursor | None = Field(default=None, description="the watermark once this is ingested")
    tail: tuple[str, ...] = Field(
        default=(), description="keys within the overlap of the end, which the next run knows"
    )


class Moments(Frozen):
    """How a measure came out over some samples, as exact integers of thousandths."""

    n: int = 0
    total: int = Field(default=0, description="sum, in thousandths")
    squares: int = Field(default=0, description="sum of squares, in millionths")

    @property
    def rate(self) -> float | None:
        """The mean, from 0 to 1; nothing where there is no sample."""
        return self.total / (THOUSAND * self.n) if self.n else None

    @property
    def binary(self) -> bool:
        """Whether each sample is 0 or 1, so that it is a count of successes."""
        return self.squares == self.total * THOUSAND

    @property
    def successes(self) -> int:
        return self.total // THOUSAND

    @property
    def variance(self) -> float:
        """The sample variance of values from 0 to 1."""
        if self.n < 2:
            return 0.0
        return max(0.0, (self.squares - self.total**2 / self.n) / (self.n - 1)) / THOUSAND**2


class Kept(Frozen):
    """What a run in the database still knows of a spread: its quantiles at `SHARES`, not every number."""

    n: int
    total: int
    quantiles: tuple[float, ...]


class Spread(Frozen):
    """How often each whole number was there (milliseconds, or millionths of a dollar); of a past run what was kept."""

    counts: Annotated[dict[int, int], Field(default_factory=dict)]
    kept: Kept | None = None

    @property
    def n(self) -> int:
        return self.kept.n if self.kept else sum(self.counts.values())

    @property
    def total(self) -> int:
        return self.kept.total if self.kept else sum(value * times for value, times in self.counts.items())

    @property
    def small(self) -> Spread:
        """The same with its quantiles in place of its numbers, as a run is kept in the database."""
        if self.kept or not self.counts:
            return self
        quantiles = tuple(self._between(share) for share in SHARES)
        return Spread(counts={}, kept=Kept(n=self.n, total=self.total, quantiles=quantiles))

    def quantile(self, share: float) -> float | None:
        """Return what Postgres's percentile_cont returns; nothing where there is no number.

        A past run knows the quantiles at `SHARES` only, and nothing of others.
        """
        if self.kept:
            return self.kept.quantiles[SHARES.index(share)] if share in SHARES else None
        return self._between(share) if self.counts else None

    def _between(self, share: float) -> float:
        place = share * (self.n - 1)
        low, high = self._at(math.floor(place)), self._at(math.ceil(place))
        return low + (place - math.floor(place)) * (high - low)

    @cached_property
    def _steps(self) -> tuple[list[int], list[int]]:
        values = sorted(self.counts)
        return values, list(accumulate(self.counts[value] for value in values))

    def _at(self, index: int) -> int:
        values, seen = self._steps
        return values[bisect_right(seen, index)]


class Tally(Frozen):
    """One slice of a run: `where` is empty for all records, else pairs of dimension and value."""

    where: Where = ()
    samples: int = 0
    errored: dict[str, int] = Field(default_factory=dict, description="by measure; never counted as a pass")
    measures: dict[str, Moments] = Field(default_factory=dict)
    latency: Spread = Spread(counts={})
    cost: Spread = Spread(counts={})

    @property
    def name(self) -> str:
        return ", ".join(f"{dimension} {value}" for dimension, value in self.where) or "all records"


class Evaluation(Evidence):
    """What came of evaluating an export: one sample per record that could be read, tallied by slice.

    `samples_path` holds the rows of the table of samples but `run_id`, in COPY's text format, in the order of
    `COLUMNS`; `tallies` begins with all records. `problems` counts the records that were bad in some way, by kind.
    """

    samples_path: Path
    samples: int
    unreadable: int = Field(
        description="lines that are no record; counted, kept in problems.jsonl, never dropped silently"
    )
    problems: dict[str, int] = Field(default_factory=dict)
    problems_path: Path | None = None
    tallies: tuple[Tally, ...]
    worst: tuple[dict[str, Any], ...] = Field(default=(), description="the worst 20 samples, redacted")
    measure_version: str = Field(description="eight hex digits over measures, schemas, rules and mapping")


COLUMNS = (
    "record_key",
    "measure_version",
    "example_id",
    "provider",
    "route_strategy",
    "prompt_template_version",
    "environment",
    "schema_valid",
    "safe",
    "publish_proxy",
    "latency_ms",
    "cost_usd",
    "errored",
    "created_at",
)


class Ingested(Evidence):
    """The run in the database; `changed` is false where it was there already."""

    run_id: int | None = None
    run_key: str = ""
    version: int = 1
    changed: bool = False


class PastRun(Frozen):
    """A run that is in the database, with what its tallies say."""

    run_id: int
    run_key: str
    run_type: str
    schema_variant: str
    window_end: datetime
    measure_version: str
    tallies: tuple[Tally, ...]


class Comparison(Frozen):
    """One judged question: one measure of one slice against a floor, the baseline or the runs before."""

    where: Where
    measure: str
    against: Literal["floor", "baseline", "trend"]
    method: str = Field(description="name of the test, as scipy or the literature calls it")
    verdict: Verdict
    samples: int
    rate: float | None = None
    low: float | None = Field(default=None, description="Wilson interval of the rate, 95 %")
    high: float | None = None
    reference: float | None = Field(default=None, description="the floor, or the baseline's rate")
    reference_samples: int | None = None
    drop: float | None = Field(default=None, description="reference minus rate; positive is worse")
    p: float | None = None
    p_adjusted: float | None = Field(
        default=None, description="after Holm's correction over all tests of the night"
    )
    power: float | None = Field(default=None, description="chance to find a drop of five points")
    needed: int | None = Field(default=None, description="further samples that would decide it")
    said: str = ""


class Judged(Evidence):
    """The gate's verdict with every comparison behind it, the failed ones first."""

    verdict: Verdict
    comparisons: tuple[Comparison, ...] = ()
    baseline: PastRun | None = None
    baseline_by: str | None = None
    trend: tuple[PastRun, ...] = ()
    seed: int
    alpha: float


class Report(Evidence):
    """The files that people look at, by their names in the bundle."""

    files: tuple[str, ...] = ()
    pictures: Mapping[str, str] = Field(default_factory=dict, description="title: file")
    bundle: str | None = None


class Evaluated(Evidence):
    """How a night ended."""

    verdict: Verdict
    run_id: int | None = None
    records: int
    window: Window | None = None
    told: tuple[str, ...] = ()
    bundle: str | None = None
