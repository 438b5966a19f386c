"""The rollback of a suspect that an incident starts.

Source: supabase-operations.md, "Availability / Latency Degradation".
"""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from ops import errors, incident_rollback
from ops.checked import Checked
from ops.checking import Checking
from ops.incident_latency import LatencyPlan
from ops.incident_rollback import Rollback
from tasks import runs
from tasks.step import step

_plan = step(incident_rollback.plan, title="Plan the rollback", evidence="incident-rollback-plan")
_record = step(
    incident_rollback.conclude, title="Record which run rolls back", evidence="incident-rollback-record"
)


def start(found: Checking, plan: LatencyPlan) -> Checked:
    """Start the rollback of the suspect as a run of its own, once for each run of the incident; it asks at its gate.

    Raises:
        Refused: there is no such suspect, or this run or the rollback has no deployment.
    """
    planned = _plan(found, plan)
    return _record(found, planned, _triggered(planned))


def _triggered(planned: Rollback) -> str:
    run = runs.current()
    if not run.suspends:
        raise errors.Refused(
            f"This run has no deployment, so it starts none, and nothing was rolled back. Start it: {planned.command}"
        )
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(planned.deployment)
        except ObjectNotFound:
            raise errors.Refused(
                f"{planned.deployment} is not deployed, so nothing was rolled back. Deploy it (prefect.yaml has it), "
                "and start anew."
            ) from None
        started = client.create_flow_run_from_deployment(
            found.id, parameters=planned.parameters, idempotency_key=f"{run.id}-rollback"
        )
    return str(started.id)
