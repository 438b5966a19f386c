"""The app rollback. Source: deploy-gate.md, "Rollback Procedure"."""

from __future__ import annotations

from ops.app_rollback import AppRollback
from ops.app_rollback_choices import AppRollbackChoices
from tasks import app_rollback as step
from tasks import checklist
from tasks.runbook import flow


@flow(name="app-rollback", flow_run_name="Roll {deploy} back on {environment}")
def app_rollback(
    project: str,
    environment: str,
    deploy: str = "",
    reason: str = "",
    choices: AppRollbackChoices = AppRollbackChoices(),
) -> AppRollback:
    """Guide a person who takes the app back, see that it works, and record when and why.

    **When** the app does not work after a deploy, and the database cannot be mended at once.
    **Needs** somebody who may change the app's secrets; `app_command` or `health_url`, to see that it works.
    **Touches** the record of the deploy; the app itself is changed by hand.
    **If it stops halfway** run it again: the same deploy is recorded once, with the latest reason.

    Args:
        project: Path of the app's repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        deploy: Id of the deploy that is taken back.
        reason: Why, for the record.
        choices: Where the app goes back to, and when that was.
    """
    plan = step.plan_rollback(project, environment, deploy, reason, choices)

    with step.opened(plan) as rolling:
        checklist.ask_rollback(rolling)

        step.verify_app(rolling)
        return step.record_rollback(rolling)
