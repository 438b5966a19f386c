"""The steps that build the indexes of an incident behind a gate, and remove them again."""

from __future__ import annotations

from ops import incident_indexes, incident_indexes_act, incident_indexes_end, prod_restore_gates
from ops.checking import Checking
from ops.incident_indexes import Indexing
from ops.incident_latency import LatencyPlan
from tasks import approval, outcomes, progress, runs
from tasks.step import step

prove_indexes = step(
    incident_indexes_end.prove, title="Prove the indexes", evidence="incident-indexes-proven"
)
record = step(
    incident_indexes_end.conclude, title="Record what was built", evidence="incident-indexes-record"
)

_find = step(incident_indexes.find, title="Plan the indexes", evidence="incident-indexes-plan")
_act = step(
    incident_indexes_act.act,
    title="Build the indexes, or remove them",
    evidence="incident-indexes-built",
    stops=False,
)


def find_indexes(found: Checking, plan: LatencyPlan) -> Indexing:
    """Say what is to be built or removed, as the run that is under way."""
    indexing = Indexing(found, plan, runs.current().id)
    _find(indexing)
    return indexing


def approve(indexing: Indexing) -> None:
    """Return when it is approved; at once where it was begun, and the audit log or its copy has the approval of that.

    Raises:
        Denied: somebody said no, or nobody answered: nothing was done.
        Refused: what was begun is not what its record says; or the environment is guarded, and this run has no
            deployment.
    """
    if indexing.begun:
        plan = indexing.plan
        approval.refuse_bare(plan.project.root, plan.environment, "the work on indexes")
        if incident_indexes.verify_approved(indexing):
            outcomes.expect(indexing.proposal(indexing.gate), runs.current().id)
            return
    indexing.approved = prod_restore_gates.answered(approval.approve(indexing, indexing.gate))


def build(indexing: Indexing) -> None:
    """Build the indexes, or remove them, and show how far it has come."""
    _act(indexing, progress.counted())
