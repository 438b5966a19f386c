"""The heartbeat of production. Source: supabase-operations.md, "Quarterly" (the RPO/RTO log needs a measure)."""

from __future__ import annotations

from ops.beating import Beaten
from tasks import heartbeat as step
from tasks.runbook import flow


@flow(name="heartbeat", flow_run_name="Heartbeat of {project} on {environment}")
def heartbeat(project: str, environment: str = "production") -> Beaten:
    """Write a row by which a restore drill measures how much would be lost, unless pg_cron writes it already.

    **When** every minute by a schedule, where pg_cron does not do it: `runbooks heartbeat --install`.
    **Needs** an environment with a database, whose login may make the schema `runbooks`.
    **Touches** the table `runbooks.heartbeat`, and nothing else.
    **If it stops halfway** the next one beats.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = step.plan_heartbeat(project, environment)

    step.beat(plan)

    return step.verify_beat(plan)
