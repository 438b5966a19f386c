"""The whole plan as a page of the Prefect UI, to which a gate's short form leads."""

from __future__ import annotations

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.context import FlowRunContext
from prefect.utilities.urls import url_for

from ops import secrets
from ops.proposal import Proposal


def publish(proposal: Proposal) -> str:
    """Show the plan as an artifact of this run, and return the address of its page."""
    context = FlowRunContext.get()
    run = context.flow_run.id if context and context.flow_run else None
    artifact = ArtifactCreate(
        key=f"plan-{proposal.gate}",
        type="markdown",
        data=secrets.redact(proposal.document),
        description=secrets.redact(f"Plan {proposal.plan_digest}: {proposal.summary}"),
        flow_run_id=run,
    )
    with get_client(sync_client=True) as client:
        made = client.create_artifact(artifact)
    page = url_for("flow-run", obj_id=run, default_base_url=None) if run else None
    return f"{(page or '').partition('/runs/')[0]}/artifacts/artifact/{made.id}"
