"""Where a promotion meets the audit log: whether exactly this plan is applied, the checklist, and what came of it."""

from __future__ import annotations

from ops import errors, guarded, promotion_checklist, secrets
from ops.deploy_verdict import Checklist
from ops.evidence import Evidence
from ops.promoting import Promoting
from ops.promotion_checklist import PostDeployment, confirmed
from ops.promotion_result import Promotion
from tasks import approval, outcomes, runs
from tasks import promotion as step


def approve(promoting: Promoting) -> None:
    """Return when this plan has been approved; at once where it was begun, since nobody is asked twice for one plan.

    Raises:
        Denied: somebody said no, or nobody answered in time.
        Refused: the environment is guarded, and this run has no deployment.
    """
    if promoting.idle:
        return
    if promoting.begun:
        _refuse_bare(promoting)
        outcomes.expect(promoting.proposal("promote"), runs.current().id)
        return
    promoting.approval = approval.approve(promoting, "promote")
    if not runs.current().suspends:
        # After a suspension the whole runbook begins anew; a prompt may have been open for as long.
        step.check_again(promoting)


def _refuse_bare(promoting: Promoting) -> None:
    where = promoting.plan.environment
    guarded.verify(promoting.plan.project.root, where)
    if where.guarded and not runs.current().suspends:
        raise errors.Refused(
            f"The environment {where.name!r} is guarded, and this run has no deployment, so it does not go on with the "
            "plan that was begun. Start it from the Prefect UI, or with runbooks run."
        )


def ask_checklist(promoting: Promoting) -> Evidence:
    """Ask a person for the post-deployment checklist, and record what they said."""
    if not promoting.idle and not promoting.stopped and promoting.plan.project.release.checklist:
        todo = PostDeployment(promoting)
        promoting.checklist = promotion_checklist.confirmed_before(todo) or _asked(todo)
    return step.record_checklist(promoting)


def hand_off(promoting: Promoting) -> Promotion:
    """Hand off the promotion: its evidence, then the audit log, and its record last, so that nothing stays unsaid.

    Raises:
        CheckFailed: it is not promoted; the message says what came of it.
    """
    found = step.hand_off(promoting)
    outcomes.record(ok=found.ok, said=found.summary)
    step.end_record(promoting)
    if not found.ok:
        raise errors.CheckFailed(secrets.redact(found.summary), found)
    return found


def _asked(todo: PostDeployment) -> Checklist:
    if not approval.can_ask(todo.promoting.plan.environment):
        return Checklist(status="not asked", said="there is nobody who could be asked here")
    try:
        return confirmed(approval.approve(todo, promotion_checklist.GATE))
    except errors.Denied as denied:
        return Checklist(status="rejected", said=str(denied))
