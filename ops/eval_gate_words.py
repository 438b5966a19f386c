"""How a verdict is said: one sentence for a tired person, and the rows of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ops.eval_questions import ANSWERED
from ops.eval_settings import EvalGate
from ops.evals import Comparison, PastRun, Verdict, Where

_NAMED = 3


@dataclass(frozen=True)
class Grounds:
    """What the verdict of a night rests on."""

    samples: int
    gate: EvalGate
    comparisons: Sequence[Comparison]
    baseline: PastRun | None
    comparable: bool
    gone: Sequence[str]
    errored: Sequence[str]
    new: Sequence[Where] = ()
    lost: int | None = None

    @property
    def unfounded(self) -> bool:
        """Whether there is nothing that a person has set to judge by."""
        return self.baseline is None and all(floor is None for _, floor in self.gate.floors)


def summary(grounds: Grounds, verdict: Verdict, why: Sequence[Comparison]) -> str:
    """Return one sentence, or two where something is to be done."""
    if verdict == "fail":
        return (
            f"Fail: {_listed(why)}. Look at the slice before a release goes on; the P0 rollback is at hand."
            f"{_fresh(grounds)}"
        )
    if verdict == "pass":
        return f"Pass: {_passed(grounds)}{_undecided(why)}{_fresh(grounds)}{_advice(grounds)}"
    return f"Inconclusive: {_inconclusive(grounds, why)}{_fresh(grounds)}{_advice(grounds)}"


def row(each: Comparison) -> dict[str, Any]:
    """Return a comparison as a row of the table."""
    return {
        "verdict": each.verdict,
        "slice": slice_name(each.where),
        "measure": each.measure,
        "against": each.against,
        "rate": _percent(each.rate),
        "interval": f"{_percent(each.low)} to {_percent(each.high)}" if each.low is not None else "",
        "reference": _percent(each.reference),
        "drop": "" if each.drop is None else f"{each.drop * 100:+.1f}",
        "samples": each.samples,
        "p": "" if each.p_adjusted is None else f"{each.p_adjusted:.2g}",
        "needed": "" if each.needed is None else each.needed,
        "method": each.method,
    }


def slice_name(where: Where) -> str:
    """Return a slice in words."""
    return ", ".join(f"{dimension} {value}" for dimension, value in where) or "all records"


def _inconclusive(grounds: Grounds, why: Sequence[Comparison]) -> str:
    least = grounds.gate.least_samples
    if grounds.samples < least:
        few = f"{grounds.samples:,} samples" if grounds.samples else "no samples at all"
        return f"{few}, and below {least} nothing fails and nothing passes."
    if grounds.errored:
        return f"{_few(grounds.errored)}, which is no pass. Look at problems.jsonl."
    if grounds.gone:
        return f"{_few(grounds.gone)}: no data, which is no pass. Find out whether that is meant."
    if grounds.lost is not None:
        return f"run {grounds.lost}, which is pinned as the baseline, is not in the database any more."
    if grounds.unfounded:
        return "there is neither a baseline nor a floor to judge by."
    return f"{_listed(why)}."


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _fresh(grounds: Grounds) -> str:
    """Return which slices are new: of those without a floor nothing is known but that they are there."""
    wide = [where for where in grounds.new if len(where) == 1]
    narrow = [where for where in grounds.new if not any((pair,) in wide for pair in where)]
    found = [*wide, *(where for where in narrow if len(where) > 1)]
    if not found:
        return ""
    held = [measure for measure, floor in grounds.gate.floors if floor is not None]
    by = f"only the floors of {_few(held)} speak for it" if held else "nothing speaks for it"
    return f" New, with nothing before to compare with: {_few([slice_name(where) for where in found])}; {by}."


def _advice(grounds: Grounds) -> str:
    """Return what there is to do about a baseline that is not there, or does not fit."""
    if grounds.baseline is None:
        more = ", or set [eval.gate.floors] in runbooks.toml" if grounds.unfounded else ""
        return f" Pin a run that people have looked at as the baseline (`runbooks eval baseline`){more}."
    if not grounds.comparable:
        return (
            f" The baseline, run {grounds.baseline.run_id}, was measured by other measures, schemas or rules: "
            "evaluate its window again, and pin that."
        )
    return ""


def _passed(grounds: Grounds) -> str:
    count = len(grounds.comparisons)
    points = f"{grounds.gate.minimum_effect * 100:g} points"
    against = "the floors" if grounds.baseline is None else f"the baseline, run {grounds.baseline.run_id}"
    return (
        f"{grounds.samples:,} samples hold against {against}; none of {count} comparisons is significantly worse, "
        f"and all records lost less than {points}."
    )


def _undecided(why: Sequence[Comparison]) -> str:
    if not why:
        return ""
    few = min((each.needed for each in why if each.needed), default=None)
    more = f", the first with {few:,} more samples" if few else ""
    return f" {len(why)} comparisons of slices are undecided{more}."


def _listed(why: Sequence[Comparison]) -> str:
    named = [f"{_measure(each)} of {slice_name(each.where)}: {each.said}" for each in why[:_NAMED]]
    rest = f"; and {len(why) - _NAMED} more" if len(why) > _NAMED else ""
    return "; ".join(named) + rest


def _measure(each: Comparison) -> str:
    if each.measure.endswith(ANSWERED):
        return f"records that {each.measure.removesuffix(ANSWERED)} could judge"
    return f"{each.measure} ({each.against})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f} %"
