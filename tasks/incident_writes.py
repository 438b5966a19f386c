"""The steps that pause writes because of an incident, and let them go on."""

from __future__ import annotations

from dataclasses import replace

from ops import incident_writes, incident_writes_end, prod_restore_gates
from ops.checking import Checking
from ops.incident_latency import LatencyPlan
from ops.incident_writes import Switching
from tasks import approval, outcomes, runs
from tasks.checking import look
from tasks.step import step

check_paused = look(
    incident_writes.check_paused, title="See whether writes are paused", evidence="incident-writes"
)
switch_writes = step(
    incident_writes.switch,
    title="Pause writes, or let them go on",
    evidence="incident-writes-switched",
    stops=False,
)
prove_writes = step(incident_writes_end.prove, title="Prove who writes", evidence="incident-writes-proven")
record = step(incident_writes_end.conclude, title="Record what was done", evidence="incident-writes-record")

_find = step(incident_writes.find, title="Find what is paused", evidence="incident-writes-found")

_record_anew = step(
    incident_writes.record_anew, title="Record who approved it anew", evidence="incident-writes-anew"
)


def find_writes(found: Checking, plan: LatencyPlan) -> Switching:
    """Look at what is paused, as the run that is under way."""
    switching = incident_writes.opened(plan, found.run, id=runs.current().id)
    _find(switching)
    return switching


def approve(switching: Switching) -> None:
    """Return when it is approved; at once where it was begun, and the audit log or its copy has the approval of that.

    Raises:
        Denied: somebody said no, or nobody answered: nothing was done.
        Refused: the environment is guarded, and this run has no deployment.
    """
    plan = switching.plan
    if switching.begun:
        approval.refuse_bare(plan.project.root, plan.environment, "the pause of writes")
    if switching.let_through:
        incident_writes.recall_approval(switching)
        digest = str(switching.approved.get("plan", ""))
        proposal = replace(switching.proposal(switching.gate), plan_digest=digest)
        outcomes.expect(proposal, runs.current().id)
        return
    switching.approved = prod_restore_gates.answered(approval.approve(switching, switching.gate))
    if switching.pauses and switching.begun:
        _record_anew(switching)
