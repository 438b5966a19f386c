"""What a night of evaluation found, as the one object that its bundle holds as eval_run_report.json.

Its JSON schema is published in `docs/eval-report.schema.json`; `python -m cli.schema` writes it.
Source: phase2-rollout-and-eval.md, section 5, step 2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from ops import evals, published
from ops.evals import Comparison, Window
from ops.verdict import Part

Judgement = Literal["pass", "fail", "inconclusive", "not-judged"]


class MeasureFound(Part):
    """One measure of one slice: its rate with the Wilson interval of 95 %, beside the baseline's."""

    measure: str
    samples: int = Field(description="that have a value; the errored ones are none of them")
    errored: int = 0
    rate: float | None = None
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    baseline_samples: int | None = None
    delta: float | None = Field(default=None, description="rate minus the baseline's; negative is worse")
    verdict: Judgement = "not-judged"
    needed: int | None = Field(default=None, description="further samples that would decide it")
    said: str = ""


class Numbers(Part):
    """How latencies (milliseconds) or costs (dollars) are spread; nothing where no sample has one."""

    samples: int = 0
    total: float = 0.0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class SliceFound(Part):
    """One slice of the run; `where` is empty for all records."""

    name: str
    where: dict[str, str]
    samples: int
    verdict: Judgement
    measures: tuple[MeasureFound, ...]
    latency_ms: Numbers
    cost_usd: Numbers


class Baseline(Part):
    """The run with which this one was compared."""

    run_id: int
    window_end: datetime
    measure_version: str
    pinned_by: str | None = None


class Gate(Part):
    """How the verdict was found, so that it can be found again."""

    seed: int | None = None
    alpha: float
    least_samples: int
    minimum_effect: float
    trend_runs: int
    floors: dict[str, float | None]
    baseline: Baseline | None = None


class TrendPoint(Part):
    """One run of the trend, from old to new; the last is this one."""

    run_id: int | None
    window_end: datetime | None
    this: bool
    measures: tuple[MeasureFound, ...]


class RunReport(Part):
    """The whole report of a run."""

    format: Literal["eval-run-report/1"] = "eval-run-report/1"
    summary: str = Field(description="the verdict in one sentence")
    verdict: Judgement
    project: str
    environment: str
    run: str
    run_id: int | None = None
    run_key: str = ""
    version: int | None = None
    run_type: str
    schema_variant: str
    triggered_by: str
    started: datetime
    window: Window | None = None
    source: str
    records: int = 0
    samples: int = 0
    left: int = Field(default=0, description="records of the window beyond the limit")
    repeated: int = 0
    late: int = 0
    unreadable: int = 0
    content_digest: str | None = None
    measure_version: str | None = None
    problems: dict[str, int]
    slices: tuple[SliceFound, ...] = Field(description="all records first")
    comparisons: tuple[Comparison, ...]
    gate: Gate
    trend: tuple[TrendPoint, ...]
    worst: tuple[dict[str, Any], ...] = Field(description="the worst samples, redacted and cut")

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that any slice has, those of the rollback criteria first."""
        found = {each.measure for one in self.slices for each in one.measures}
        return (*evals.MEASURES, *sorted(found - set(evals.MEASURES)))


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of eval_run_report.json; every field is always there."""
    return published.described(
        RunReport,
        title="The report of an evaluation",
        description="What eval_run_report.json of an evidence bundle of `nightly-eval` holds.",
    )
