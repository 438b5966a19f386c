"""The morning's look at whether the night's evaluation has run. Source: phase2-rollout-and-eval.md, section 5."""

from __future__ import annotations

from ops.eval_watch import Watched
from tasks import eval_watch as step
from tasks.runbook import flow


@flow(name="eval-watch", flow_run_name="Look for the nights of {project} on {environment}")
def eval_watch(project: str, environment: str = "production") -> Watched:
    """Look whether the evaluation of each scheduled kind has run lately, and tell people once when a night is missing.

    **When** every morning, by a schedule, on another worker than the nights' where there is one.
    **Needs** `[environments.NAME.eval]`, and the environment's database with the table of runs.
    **Touches** nothing but its own memory beside the evidence; the database is only read.
    **If it stops halfway** run it again: it looks anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` that is evaluated.
    """
    plan = step.plan_watch(project, environment)

    with step.opened(plan) as watching:
        step.check_silence(watching)
        return step.hand_off(watching)
