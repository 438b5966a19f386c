"""An incident of row level security. Source: supabase-operations.md, "RLS Misconfiguration"."""

from __future__ import annotations

from ops.checked import Checked
from tasks import checking
from tasks import incident_latency as latency
from tasks import incident_rls as step
from tasks import quarterly_audit as audit
from tasks.runbook import flow


@flow(name="incident-rls", flow_run_name="Who sees what of {project} on {environment}")
def incident_rls(project: str, environment: str = "production", table: str = "") -> Checked:
    """Find who sees and changes what by now, against the contract, and write the migration that mends it.

    **When** somebody sees rows that are not theirs, or no row of their own, by whoever is on call.
    **Needs** the committed contract (`runbooks rls declare`), and a `database` whose login may act for the API's roles.
    **Touches** nothing: two users and a row of each table are made up in a transaction that is rolled back.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        table: Such as orders or private.orders; empty: every table that the API serves.
    """
    plan = step.plan_incident(project, environment, table)

    with checking.opened(plan) as found:
        checking.reach(found)
        audit.check_contract(found)
        step.list_policies(found)
        latency.check_suspects(found)
        step.propose(found)

        checking.list_findings(found)
        return checking.hand_off(found)
