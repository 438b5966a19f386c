"""The feature flag rollback. Source: database-pipeline.md, "Feature Flag Rollback"."""

from __future__ import annotations

from ops.feature_flag_rollback import FlagChoices
from ops.switch_end import Switched
from tasks import approval
from tasks import feature_flag_rollback as step
from tasks.runbook import flow


@flow(name="feature-flag-rollback", flow_run_name="Switch {flag} off on {environment}")
def feature_flag_rollback(
    project: str, environment: str, flag: str = "", choices: FlagChoices = FlagChoices()
) -> Switched:
    """Switch one feature of the app off, or back to what it was.

    **When** a feature does harm, and its schema can stay.
    **Needs** the app's table of settings, and the flag among `known` in `[flags]`.
    **Touches** that one key of that one row, in one transaction with what it was.
    **If it stops halfway** retry the run: what it has committed is not done again.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        flag: Name of the flag.
        choices: Off or back, and why.
    """
    plan = step.plan_flag(project, environment, flag, choices)

    with step.opened(plan) as switching:
        step.find_flag(switching)
        if switching.due:
            approval.approve(switching, plan.gate)

            step.switch_flag(switching)
        step.verify_flag(switching)
        return step.record(switching)
