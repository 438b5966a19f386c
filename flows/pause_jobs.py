"""Jobs paused and resumed. Source: database-pipeline.md, "Job/Process Rollback"."""

from __future__ import annotations

from ops.pause_jobs import PauseChoices
from ops.switch_end import Switched
from tasks import approval
from tasks import pause_jobs as step
from tasks.runbook import flow


@flow(name="pause-jobs", flow_run_name="Pause or resume the jobs of {project} on {environment}")
def pause_jobs(project: str, environment: str, choices: PauseChoices = PauseChoices()) -> Switched:
    """Pause what the app and pg_cron do by themselves, or resume what was paused.

    **When** jobs do harm, or must not run while something else is done.
    **Needs** the app's table of settings with its flag for posting; for its jobs, pg_cron.
    **Touches** that flag and the jobs, in one transaction with what they were.
    **If it stops halfway** retry the run: what it has committed is not done again.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        choices: To pause or to resume, with or without pg_cron, and why.
    """
    plan = step.plan_jobs(project, environment, choices)

    with step.opened(plan) as switching:
        step.find_jobs(switching)
        if switching.due:
            approval.approve(switching, plan.gate)

            step.switch_jobs(switching)
        step.verify_jobs(switching)
        return step.record(switching)
