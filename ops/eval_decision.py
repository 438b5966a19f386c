"""What the verdict on a night is, from its tallies, the baseline's and those of the runs before; no database.

The same runs and settings give the same verdict: the tests draw nothing at random, and the order of slices and of runs
does not count. Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from ops import eval_comparisons, eval_gate_words, eval_questions, eval_unjudged
from ops.eval_gate_words import Grounds
from ops.eval_questions import Runs
from ops.eval_settings import EvalGate
from ops.evals import Comparison, Judged, PastRun, Tally, Verdict, Where

Matched = Mapping[tuple[Where, str], tuple[int, int, int, int]]
# An undecided drop in a slice holds a night back where chance alone would show one like it, anywhere, in at most so
# many times `alpha` of the nights: of a hundred slices there are always some that look worse.
_STANDS_OUT = 10


def decide(
    tallies: Sequence[Tally],
    gate: EvalGate,
    *,
    measure_version: str,
    baseline: PastRun | None = None,
    baseline_by: str | None = None,
    past: Iterable[PastRun] = (),
    matched: Matched | None = None,
    lost: int | None = None,
) -> Judged:
    """Return the verdict on the tallies of a run; `matched` are the records it shares with the baseline.

    `lost` is the run that somebody pinned as the baseline and that is gone: then nothing passes. Runs of another
    measure version are not compared with: what differs then may be the measure.
    """
    trend = tuple(sorted((each for each in past if each.measure_version == measure_version), key=_age))
    trend = trend[-(gate.trend_runs - 1) :]
    known = None if baseline is None else baseline.tallies
    runs = Runs.of(tallies, known, (each.tallies for each in trend))
    comparable = baseline is None or baseline.measure_version == measure_version
    questions = eval_questions.ask(runs, gate, matched=matched, comparable=comparable)
    comparisons = tuple(eval_comparisons.judge(questions, gate))
    grounds = Grounds(
        samples=max((tally.samples for tally in tallies), default=0),
        gate=gate,
        comparisons=comparisons,
        baseline=baseline,
        comparable=comparable,
        gone=eval_unjudged.gone(runs),
        errored=eval_unjudged.errored(runs),
        new=eval_unjudged.new(runs),
        lost=lost,
    )
    verdict, why = _night(grounds)
    return Judged(
        ok=verdict != "fail",
        summary=eval_gate_words.summary(grounds, verdict, why),
        rows=tuple(map(eval_gate_words.row, comparisons)),
        verdict=verdict,
        comparisons=comparisons,
        baseline=baseline,
        baseline_by=baseline_by,
        trend=trend,
        seed=gate.seed,
        alpha=gate.alpha,
    )


def _night(grounds: Grounds) -> tuple[Verdict, Sequence[Comparison]]:
    """Return the verdict of the night, and the comparisons that it rests on."""
    if grounds.samples < grounds.gate.least_samples:
        return "inconclusive", ()
    if failed := [each for each in grounds.comparisons if each.verdict == "fail"]:
        return "fail", failed
    open_ones = [each for each in grounds.comparisons if each.verdict == "inconclusive"]
    if grounds.unfounded or grounds.gone or grounds.errored or grounds.lost is not None:
        return "inconclusive", open_ones
    level = _STANDS_OUT * grounds.gate.alpha
    held = [
        each
        for each in open_ones
        if not each.where or _stands_out(each, grounds.gate, level) or _is_unproven(each, grounds)
    ]
    return ("inconclusive", held) if held else ("pass", open_ones)


def _stands_out(each: Comparison, gate: EvalGate, level: float) -> bool:
    drops = each.drop is not None and eval_comparisons.reaches(each.drop, gate.minimum_effect)
    return drops and each.p_adjusted is not None and each.p_adjusted <= level


def _is_unproven(each: Comparison, grounds: Grounds) -> bool:
    """Whether a slice that no run before can speak for is not shown to hold its floor, by enough samples for a test."""
    return (
        each.against == "floor" and each.where in grounds.new and each.samples >= grounds.gate.least_samples
    )


def _age(run: PastRun) -> tuple[datetime, int]:
    return (run.window_end, run.run_id)
