"""The gate of an evaluation night: what it is compared with, and its verdict, which the database is told.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from ops import errors, eval_baseline, eval_decision, eval_runs
from ops.eval_baseline import Pinned
from ops.eval_decision import Matched
from ops.eval_night import Night
from ops.evals import Evaluation, Judged, PastRun, Where


def judge(night: Night) -> Judged:
    """Judge the run of a night by floors, baseline and trend.

    Raises:
        Refused: nothing has been evaluated.
        Unavailable: the connection is lost.
    """
    evaluation = night.evaluation
    if evaluation is None:
        raise errors.Refused("Nothing has been evaluated yet, so nothing can be judged. Run the night again.")
    gate = night.plan.project.eval.gate
    version = evaluation.measure_version
    if night.plan.environment.database is None:
        # Nobody can have pinned a baseline, and no run is remembered: floors alone are left.
        return _counting_unread(
            night, eval_decision.decide(evaluation.tallies, gate, measure_version=version)
        )
    pinned = _pinned(night)
    baseline = _run(night, pinned)
    night.judged = eval_decision.decide(
        evaluation.tallies,
        gate,
        measure_version=version,
        baseline=baseline,
        baseline_by=pinned.by if pinned else None,
        past=_past(night),
        matched=_matched(night, evaluation, baseline) if baseline else {},
        lost=pinned.run_id if pinned and not baseline else None,
    )
    return _counting_unread(night, night.judged)


def conclude(night: Night) -> None:
    """Write the verdict to the run, once people know it: a run without one is judged by the next night.

    Raises:
        Refused: somebody has deleted the run.
        Unavailable: the connection is lost.
    """
    if night.judged and night.ingested and night.ingested.run_id is not None:
        settings = night.plan.project.eval
        eval_runs.verdict(night.connection, settings, night.ingested.run_id, night.judged.verdict)


def _counting_unread(night: Night, judged: Judged) -> Judged:
    """Let a night not pass of whose lines so many cannot be read that they could hide a drop that matters."""
    evaluation = night.evaluation
    lines = evaluation.samples + evaluation.unreadable if evaluation else 0
    share = evaluation.unreadable / lines if evaluation and lines else 0.0
    if judged.verdict == "pass" and share >= night.plan.project.eval.gate.minimum_effect:
        said = f"Inconclusive: {share:.1%} of {lines:,} lines are no record and were not judged (problems.jsonl). "
        judged = judged.model_copy(update={"verdict": "inconclusive", "summary": f"{said}{judged.summary}"})
    night.judged = judged
    return judged


def _pinned(night: Night) -> Pinned | None:
    plan = night.plan
    return eval_baseline.current(night.connection, run_type=plan.run_type, schema_variant=plan.schema_variant)


def _run(night: Night, pinned: Pinned | None) -> PastRun | None:
    """Return the run that is pinned, unless somebody has deleted it."""
    if pinned is None:
        return None
    try:
        return eval_runs.find(night.connection, night.plan.project.eval, pinned.run_id)
    except errors.Refused:
        return None


def _past(night: Night) -> tuple[PastRun, ...]:
    """Return the runs of windows that ended before this one's."""
    plan = night.plan
    return eval_runs.past(
        night.connection,
        plan.project.eval,
        run_type=plan.run_type,
        schema_variant=plan.schema_variant,
        before=night.export.window.end if night.export else night.started,
        limit=plan.project.eval.gate.trend_runs - 1,
    )


def _matched(night: Night, evaluation: Evaluation, baseline: PastRun) -> Matched:
    """Return how the records of this run and of the baseline came out, where both are about the same window."""
    run = night.ingested.run_id if night.ingested else None
    window = night.export.window.end if night.export else None
    if run is None or run == baseline.run_id or window != baseline.window_end:
        return {}
    found: dict[tuple[Where, str], tuple[int, int, int, int]] = {}
    for measure in evaluation.tallies[0].measures if evaluation.tallies else ():
        same = eval_runs.matched(night.connection, night.plan.project.eval, run, baseline.run_id, measure)
        found[(), measure] = (same.both, same.first, same.second, same.neither)
    return found
