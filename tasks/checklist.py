"""Where the runbooks of a deploy ask a person: the manual checklist, and the steps of the app's rollback."""

from __future__ import annotations

from ops import checklists, errors
from ops.app_rollback import RollingBack
from ops.checklists import ToDo
from ops.deploy_choices import Part, Phase
from ops.deploy_gated import Gated
from ops.deploy_verdict import Checklist, Found
from ops.evidence import Evidence
from tasks import app_rollback, approval
from tasks import deploy as step


def ask_checklist(gate: Gated) -> Found:
    """Ask a person for the manual checklist, and record what they said."""
    if gate.skips(Part.CHECKLIST, (Phase.POST,)) is None:
        plan = gate.plan
        title = f"Go through the checklist after the deploy {plan.deploy}".strip()
        commit = gate.commit.hash if gate.commit else plan.commit
        gate.checklist = _asked(ToDo(plan, title, plan.project.deploy.checklist, commit), "checklist")
    return step.record_checklist(gate)


def ask_rollback(rolling: RollingBack) -> Evidence:
    """Ask a person to take the app back, and record what they said."""
    plan = rolling.rollback
    rolling.guided = _asked(ToDo(plan.gate, f"Take the app back: {plan.reason}", plan.steps), "app-rollback")
    return app_rollback.record_guidance(rolling)


def _asked(todo: ToDo, gate: str) -> Checklist:
    if not approval.can_ask(todo.plan.environment):
        return Checklist(status="not asked", said="there is nobody who could be asked here")
    try:
        return checklists.confirmed(approval.approve(todo, gate))
    except errors.Denied as denied:
        return Checklist(status="rejected", said=str(denied))
    except (errors.Refused, errors.Unavailable) as error:
        # An app is taken back just when its database cannot be reached.
        return Checklist(status="not asked", said=str(error))
