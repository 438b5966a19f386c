"""The P0 rollback. Source: phase2-rollout-and-eval.md, section 3."""

from __future__ import annotations

from ops.p0_choices import P0Choices
from ops.switch_end import Switched
from tasks import approval
from tasks import p0_rollback as step
from tasks.runbook import flow


@flow(name="p0-rollback", flow_run_name="P0 rollback of {project} on {environment}")
def p0_rollback(project: str, environment: str, choices: P0Choices = P0Choices()) -> Switched:
    """Let the default provider answer alone, or put back what there was before.

    **When** schema validity, safety or publishing regresses; rehearsed (`rehearse`) before a promotion.
    **Needs** the table of providers, with a row of the default one for each environment.
    **Touches** rows of that table, in one transaction with what they were; a rehearsal touches only its clone.
    **If it stops halfway** retry the run: what it has committed is not done again.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        choices: To reset, to put back or to rehearse, and why.
    """
    plan = step.plan_p0(project, environment, choices)

    with step.opened(plan) as switching:
        if plan.rehearse:
            step.apply_release(switching)
            step.rehearse(switching)
            return step.record(switching)

        step.find_providers(switching)
        if switching.due:
            approval.approve(switching, plan.gate)

            step.switch_providers(switching)
        step.verify_providers(switching)
        return step.record(switching)
