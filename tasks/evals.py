"""The steps of an evaluation night."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import (
    eval_contract,
    eval_end,
    eval_evaluate,
    eval_export,
    eval_gate,
    eval_ingest,
    eval_night,
    eval_report,
    eval_verify,
)
from ops.eval_night import EvalPlan, Night
from ops.evals import Evaluation, Export
from tasks import progress
from tasks.recording import recorded
from tasks.step import step


def _export(night: Night) -> Export:
    """Export the records of the window, and show how many there are."""
    night.progress = progress.counted()
    return eval_export.export(night)


def _evaluate(night: Night) -> Evaluation:
    """Evaluate the exported records, and show how far that is."""
    night.progress = progress.counted()
    return eval_evaluate.evaluate(night)


plan_evaluation = step(
    eval_night.plan, title="Plan an evaluation of {path} on {environment}", evidence="eval-plan"
)
check_contract = step(eval_contract.check, title="Check the tables of evaluation", evidence="eval-contract")
export_records = step(_export, title="Export the records", evidence="eval-export")
evaluate_records = step(_evaluate, title="Evaluate {night.export.records} records", evidence="eval-samples")
ingest_run = step(eval_ingest.ingest, title="Ingest the run", evidence="eval-run")
verify_summary = step(eval_verify.verify, title="Verify the summary", evidence="eval-summary")
judge = step(eval_gate.judge, title="Judge the run", evidence="eval-gate", stops=False)
write_report = step(
    eval_report.write, title="Write the report", evidence="eval-report", shown=eval_report.document
)
hand_off = step(eval_end.hand_off, title="Hand off the evaluation", evidence="eval-verdict")
_broken = step(
    eval_end.hand_off_broken,
    title="Tell that the evaluation broke off",
    evidence="eval-broken-off",
    stops=False,
    retry=False,
)


def opened(plan: EvalPlan) -> AbstractContextManager[Night]:
    """Open the night and the run's bundle; whatever ends the block, people know."""
    return recorded(partial(eval_night.opened, plan), kind="nightly-eval", out=plan.out, broken=_broken)
