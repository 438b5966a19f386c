"""The facts of a night's report: slices beside the baseline, the trend, the worst samples; whatever was found so far.

Records are written by strangers: what stands in them is cleaned here, once, for every form of the report.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from ops import eval_tests, evals, markdown, secrets
from ops.eval_night import Night
from ops.eval_questions import ANSWERED
from ops.eval_report_shape import (
    Baseline,
    Gate,
    Judgement,
    MeasureFound,
    Numbers,
    RunReport,
    SliceFound,
    TrendPoint,
)
from ops.evals import Comparison, Judged, Moments, PastRun, Spread, Tally, Where

MILLION = 1_000_000
WORST = 20
LONGEST = 2000
# Half a character, and those that end a line's meaning, hide it or write it backwards; a line's end stays.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_WEIGHT: tuple[Judgement, ...] = ("fail", "inconclusive", "pass", "not-judged")


def of(night: Night) -> RunReport:
    """Return the facts of a night, as far as it came."""
    plan, export, evaluation, ingested = night.plan, night.export, night.evaluation, night.ingested
    tallies = evaluation.tallies if evaluation else ()
    judged = night.judged
    found = RunReport(
        summary=_summary(night),
        verdict=judged.verdict if judged else "not-judged",
        project=plan.project.name,
        environment=plan.environment.name,
        run=night.run,
        run_id=ingested.run_id if ingested else None,
        run_key=ingested.run_key if ingested else "",
        version=ingested.version if ingested else None,
        run_type=plan.run_type,
        schema_variant=plan.schema_variant,
        triggered_by=plan.choices.triggered_by,
        started=night.started,
        window=export.window if export and not plan.given else None,
        source=export.source if export else plan.kind,
        records=export.records if export else 0,
        samples=evaluation.samples if evaluation else 0,
        left=export.left if export else 0,
        repeated=export.repeated if export else 0,
        late=export.late if export else 0,
        unreadable=evaluation.unreadable if evaluation else 0,
        content_digest=export.content_digest if export else None,
        measure_version=evaluation.measure_version if evaluation else None,
        problems=dict(sorted(evaluation.problems.items(), key=lambda each: -each[1])) if evaluation else {},
        slices=tuple(_slice(each, judged) for each in _different(tallies, judged)),
        comparisons=judged.comparisons if judged else (),
        gate=_gate(night),
        trend=_trend(night),
        worst=tuple(_sample(each) for each in evaluation.worst[:WORST]) if evaluation else (),
    )
    return RunReport.model_validate(clean(found.model_dump()))


def clean(value: Any) -> Any:
    """Return a value with every text in it redacted and harmless, and every number finite."""
    if isinstance(value, str):
        return _HIDDEN.sub("\ufffd", secrets.redact(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value).items()
        return {clean(str(key)): clean(each) for key, each in pairs}
    if isinstance(value, list | tuple):
        return [clean(each) for each in cast("Iterable[Any]", value)]
    return value


def _summary(night: Night) -> str:
    if night.judged:
        return night.judged.summary
    missing = (("export", night.export), ("evaluation", night.evaluation), ("ingestion", night.ingested))
    first = next((name for name, found in missing if found is None), "gate")
    return f"Not judged: the run broke off before its {first} was done."


def _slice(tally: Tally, judged: Judged | None) -> SliceFound:
    names = (*evals.MEASURES, *sorted(set(tally.measures) - set(evals.MEASURES)))
    before = _tally_of(judged.baseline, tally.where) if judged and judged.baseline else None
    about = [each for each in judged.comparisons if set(each.where) == set(tally.where)] if judged else []
    measures = tuple(
        _measure(name, tally, before, [each for each in about if each.measure.removesuffix(ANSWERED) == name])
        for name in names
    )
    return SliceFound(
        name=tally.name,
        where=dict(tally.where),
        samples=tally.samples,
        verdict=_worst([each.verdict for each in measures]),
        measures=measures,
        latency_ms=_numbers(tally.latency, 1),
        cost_usd=_numbers(tally.cost, MILLION),
    )


def _measure(name: str, tally: Tally, before: Tally | None, about: Iterable[Comparison] = ()) -> MeasureFound:
    judged = sorted(about, key=lambda each: _WEIGHT.index(each.verdict))
    rate, low, high, samples = _interval(tally.measures.get(name))
    was, was_low, was_high, was_samples = _interval(before.measures.get(name) if before else None)
    decisive = judged[0] if judged else None
    return MeasureFound(
        measure=name,
        samples=samples,
        errored=tally.errored.get(name, 0),
        rate=rate,
        low=low,
        high=high,
        baseline=was,
        baseline_low=was_low,
        baseline_high=was_high,
        baseline_samples=was_samples if before else None,
        delta=None if rate is None or was is None else rate - was,
        verdict=decisive.verdict if decisive else "not-judged",
        needed=decisive.needed if decisive else None,
        said=decisive.said if decisive else "",
    )


def _interval(moments: Moments | None) -> tuple[float | None, float | None, float | None, int]:
    rate = moments.rate if moments else None
    if moments is None or rate is None:
        return None, None, None, 0
    low, high = eval_tests.wilson(np.asarray(rate), np.asarray(moments.n))
    return rate, float(low), float(high), moments.n


def _numbers(spread: Spread, scale: int) -> Numbers:
    n = spread.n
    p50, p95, p99 = (spread.quantile(share) for share in (0.5, 0.95, 0.99))
    return Numbers(
        samples=n,
        total=spread.total / scale,
        mean=spread.total / n / scale if n else None,
        p50=None if p50 is None else p50 / scale,
        p95=None if p95 is None else p95 / scale,
        p99=None if p99 is None else p99 / scale,
    )


def _gate(night: Night) -> Gate:
    rules, judged = night.plan.project.eval.gate, night.judged
    pinned = judged.baseline if judged else None
    return Gate(
        seed=judged.seed if judged else None,
        alpha=judged.alpha if judged else rules.alpha,
        least_samples=rules.least_samples,
        minimum_effect=rules.minimum_effect,
        trend_runs=rules.trend_runs,
        floors=rules.floors.model_dump(),
        baseline=Baseline(
            run_id=pinned.run_id,
            window_end=pinned.window_end,
            measure_version=pinned.measure_version,
            pinned_by=judged.baseline_by if judged else None,
        )
        if pinned
        else None,
    )


def _different(tallies: Sequence[Tally], judged: Judged | None) -> Iterator[Tally]:
    """Leave out a slice that holds all samples of a wider one, unless something is said of it."""
    told = {each.where for each in judged.comparisons} if judged else set[Where]()
    counts = {frozenset(each.where): each.samples for each in tallies}
    for each in tallies:
        parts = set(each.where)
        wider = [frozenset(parts - {part}) for part in parts]
        if each.where in told or each.samples not in [counts.get(where) for where in wider]:
            yield each


def _trend(night: Night) -> tuple[TrendPoint, ...]:
    """The runs before and this one, each with all its records."""
    run = night.ingested.run_id if night.ingested else None
    past = [each for each in (night.judged.trend if night.judged else ()) if each.run_id != run]
    points = [
        _point(each.run_id, each.window_end, _tally_of(each, ()))
        for each in sorted(past, key=lambda each: each.window_end)
    ]
    if night.evaluation:
        export = night.export
        # Files are evaluated whole, up to the last record that they have.
        end = (
            (export.after.created if night.plan.given and export.after else export.window.end)
            if export
            else None
        )
        whole = next((each for each in night.evaluation.tallies if not each.where), None)
        points.append(_point(run, end, whole, this=True))
    return tuple(points)


def _point(run: int | None, end: Any, tally: Tally | None, *, this: bool = False) -> TrendPoint:
    tally = tally or Tally()
    names = (*evals.MEASURES, *sorted(set(tally.measures) - set(evals.MEASURES)))
    return TrendPoint(
        run_id=run,
        window_end=end,
        this=this,
        measures=tuple(_measure(name, tally, None) for name in names),
    )


def _tally_of(run: PastRun, where: Where) -> Tally | None:
    return next((each for each in run.tallies if set(each.where) == set(where)), None)


def _worst(verdicts: Collection[Judgement]) -> Judgement:
    found: Judgement = "not-judged"
    for each in reversed(_WEIGHT):
        found = each if each in verdicts else found
    return found


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A sample with every text cut: one output may have fifty megabytes."""
    return {str(key): _cut(value) for key, value in sample.items()}


def _cut(value: Any) -> Any:
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return markdown.short(value, LONGEST)
    if isinstance(value, list | tuple):
        texts = list(cast("list[Any]", value)[:WORST])
        if all(isinstance(each, str) for each in texts):
            return [markdown.short(each, LONGEST) for each in texts]
    try:
        return markdown.short(json.dumps(value, ensure_ascii=False, default=str), LONGEST)
    except (RecursionError, TypeError, ValueError):
        return "nested too deeply to be shown"
