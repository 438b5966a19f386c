"""The restore drill that the quarterly audit starts. Source: supabase-operations.md, "Quarterly"."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from tasks import runs


@check("restore drill to come")
def trigger(checking: Checking) -> Evidence:
    """Start the environment's restore drill as a run of its own, once for each run of the audit."""
    plan, run = checking.plan, runs.current()
    name = f"restore-drill/{plan.environment.name}"
    if plan.environment.backups is None:
        return checking.idle("No backups are configured, so there is nothing to restore.")
    if not run.suspends:
        return checking.idle(f"This run has no deployment, so it starts none. Start it: runbooks run {name}.")
    parameters = {"project": str(plan.project.root), "environment": plan.environment.name}
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(name)
        except ObjectNotFound:
            return checking.found([_not_deployed(name)], "")
        started = client.create_flow_run_from_deployment(
            found.id, parameters=parameters, idempotency_key=f"{run.id}-drill"
        )
    return checking.found([], f"The restore drill was started as run {started.id}; its verdict is its own.")


def _not_deployed(name: str) -> Finding:
    return Finding(
        kind="drill-not-deployed",
        object=name,
        severity="attention",
        said=f"{name} is not deployed, so no restore drill was started.",
        why="A backup that was never restored is a hope.",
        todo="Deploy it (prefect.yaml has it), and start the audit again.",
    )
