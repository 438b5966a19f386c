"""The nightly evaluation of what models wrote. Source: phase2-rollout-and-eval.md, section 5."""

from __future__ import annotations

from ops.eval_night import EvalChoices
from ops.evals import Evaluated
from tasks import evals as step
from tasks.runbook import flow


@flow(name="nightly-eval", flow_run_name="Evaluate {project} on {environment}")
def nightly_eval(
    project: str, environment: str = "production", choices: EvalChoices = EvalChoices()
) -> Evaluated:
    """Export the last generation records, evaluate them, ingest run, samples and summary, and judge them.

    **When** every night by a schedule; on demand for any window, which is a re-score where it was evaluated before.
    **Needs** `[environments.NAME.eval]`, and the tables of phase 2 in the environment's database.
    **Touches** the tables of evaluation only; records are read.
    **If it stops halfway** run it again: it goes on from the last whole page, and a run is ingested once.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        choices: Days or window, limit, run type, schema variant, and who asked.
    """
    plan = step.plan_evaluation(project, environment, choices)

    with step.opened(plan) as night:
        step.check_contract(night)
        step.export_records(night)

        step.evaluate_records(night)
        step.ingest_run(night)

        step.verify_summary(night)
        step.judge(night)
        step.write_report(night)
        return step.hand_off(night)
