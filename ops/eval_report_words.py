"""How the facts of an evaluation are said, the same in Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ops.eval_questions import ANSWERED
from ops.eval_report_shape import Judgement, MeasureFound, Numbers, RunReport, SliceFound
from ops.evals import Comparison

VERDICTS: dict[Judgement, str] = {
    "pass": "passed",
    "fail": "failed",
    "inconclusive": "inconclusive",
    "not-judged": "not judged",
}
NONE = "\u2013"
_WEIGHT: tuple[Judgement, ...] = ("fail", "inconclusive", "pass", "not-judged")
_AGAINST = {"floor": "the floor", "baseline": "the baseline", "trend": "the runs before"}
_WORDS = {"record_key": "record", "example_id": "example", "created_at": "created"}
# What names a worst sample; what else it has is told below it.
_NAMING = ("record_key", "provider", "route_strategy", "prompt_template_version", "environment")
_TEXTS = ("output", "text", "excerpt", "redacted_output")


def headline(report: RunReport) -> str:
    """Return the verdict and what it is about, in a few words."""
    return f"Evaluation {VERDICTS[report.verdict]}: {report.project} on {report.environment}"


def percent(share: float | None) -> str:
    """Return a share as percent; one that is not quite all or nothing is not told to be."""
    if share is None:
        return NONE
    if 0 < share < 0.00005:
        return "< 0.01 %"
    return "> 99.99 %" if 0.99995 <= share < 1 else f"{100 * share:.2f} %"


def interval(found: MeasureFound) -> str:
    """Return the interval of 95 % of a rate."""
    if found.low is None or found.high is None:
        return NONE
    return f"{100 * found.low:.2f} to {100 * found.high:.2f} %"


def points(delta: float | None) -> str:
    """Return a difference of two shares in points of percent, with its sign."""
    if delta is None:
        return NONE
    sign = "±" if abs(delta) < 0.00005 else "+" if delta > 0 else "\u2212"
    return f"{sign}{abs(100 * delta):.2f}"


def counted(found: MeasureFound) -> str:
    """Return the number of samples, and of those that errored."""
    return f"{found.samples:,}" + (f", {found.errored:,} errored" if found.errored else "")


def judged(found: MeasureFound) -> str:
    """Return the verdict on a measure, and what would decide it."""
    more = (
        f" ({found.needed:,} more would decide)" if found.verdict == "inconclusive" and found.needed else ""
    )
    return VERDICTS[found.verdict] + more


def measure(name: str) -> str:
    """Return the name of a measure in words."""
    words = name.removesuffix(ANSWERED).replace("_", " ")
    return f"could be judged {words}" if name.endswith(ANSWERED) else words


def slice_name(where: tuple[tuple[str, str], ...]) -> str:
    """Return the name of a slice in words."""
    return ", ".join(f"{measure(dimension)} {value}" for dimension, value in where) or "all records"


def against(found: Comparison) -> str:
    """Return with what a rate was compared."""
    reference = f" of {percent(found.reference)}" if found.reference is not None else ""
    return f"{_AGAINST[found.against]}{reference}"


def decisive(report: RunReport, most: int) -> tuple[Comparison, ...]:
    """Return what failed, and then what is not decided, the largest drops first."""
    found = [each for each in report.comparisons if each.verdict != "pass"]
    found.sort(key=lambda each: (_WEIGHT.index(each.verdict), -(each.drop or 0)))
    return tuple(found[:most])


def slices(report: RunReport) -> tuple[SliceFound, ...]:
    """Return all records first, then what failed, then what is not decided, the largest first."""
    return tuple(
        sorted(report.slices, key=lambda each: (bool(each.where), _WEIGHT.index(each.verdict), -each.samples))
    )


def facts(report: RunReport) -> Iterator[tuple[str, str]]:
    """Yield what the run is about: a word and its value."""
    run = (
        f"{report.run_id}" + (f", version {report.version}" if report.version else "")
        if report.run_id
        else NONE
    )
    yield "run", f"{run} ({report.run_type}, asked for by {report.triggered_by})"
    if report.window:
        window = report.window
        yield "window", f"{window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M} UTC"
    yield "records", _records(report)
    yield "schema variant", report.schema_variant
    yield "measures", report.measure_version or NONE
    pinned = report.gate.baseline
    if pinned:
        by = f", pinned by {pinned.pinned_by}" if pinned.pinned_by else ""
        yield "baseline", f"run {pinned.run_id} up to {pinned.window_end:%Y-%m-%d %H:%M} UTC{by}"
    else:
        yield "baseline", "none is pinned, so that nothing was compared with it"


def method(report: RunReport) -> str:
    """Return how the verdict was found."""
    gate = report.gate
    floors = (
        ", ".join(f"{measure(k)} {percent(v)}" for k, v in gate.floors.items() if v is not None) or "none"
    )
    seed = f"; seed {gate.seed}" if gate.seed is not None else ""
    return (
        f"Floors: {floors}. At most {percent(gate.alpha)} of nights without a change fail, all tests together (Holm). "
        f"A drop below {points(gate.minimum_effect).lstrip('+')} points does not matter; below {gate.least_samples} "
        f"samples nothing fails; a slow decline is looked for over {gate.trend_runs} runs{seed}. "
        "Intervals are Wilson's, of 95 %."
    )


def spread(numbers: Numbers, *, money: bool) -> tuple[str, str, str, str]:
    """Return median, the values below which 95 and 99 % stay, and the mean."""
    found = (numbers.p50, numbers.p95, numbers.p99, numbers.mean)
    return tuple(NONE if each is None else f"${each:.6f}" if money else f"{each:,.0f} ms" for each in found)  # pyright: ignore[reportReturnType]


def naming(sample: dict[str, Any]) -> list[tuple[str, str]]:
    """Return which sample it is: words and values."""
    return [(_word(key), str(sample[key])) for key in _NAMING if sample.get(key) is not None]


def telling(sample: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with a sample: words and values, but for its text."""
    others = ((key, value) for key, value in sample.items() if key not in (*_NAMING, *_TEXTS))
    return [(_word(key), _value(value)) for key, value in others if value not in (None, "", [], {})]


def written(sample: dict[str, Any]) -> str:
    """Return what the model wrote, redacted and cut."""
    return next((str(sample[key]) for key in _TEXTS if sample.get(key) is not None), "")


def _records(report: RunReport) -> str:
    told = [f"{report.records:,} exported from {report.source}, {report.samples:,} evaluated"]
    counts = (
        (report.unreadable, "unreadable"),
        (report.late, "late"),
        (report.repeated, "read twice and kept once"),
        (report.left, "LEFT beyond the limit"),
    )
    return ", ".join([*told, *(f"{count:,} {word}" for count, word in counts if count)])


def _word(key: str) -> str:
    return _WORDS.get(key, measure(key))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (
        ", ".join(str(each) for each in cast("list[Any]", value)) if isinstance(value, list) else str(value)
    )
