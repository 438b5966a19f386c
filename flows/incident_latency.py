"""An incident of latency. Source: supabase-operations.md, "High Latency / Timeouts"."""

from __future__ import annotations

from ops.checked import Checked
from tasks import checking
from tasks import daily_checks as daily
from tasks import incident_latency as step
from tasks.runbook import flow


@flow(name="incident-latency", flow_run_name="Why {project} is slow on {environment}")
def incident_latency(project: str, environment: str = "production") -> Checked:
    """Find why a database is slow: who waits for whom, what costs the most, what has changed, what would help.

    **When** the app is slow or times out, by whoever is on call.
    **Needs** an environment with a `database` and pg_stat_statements; a login that may see other sessions.
    **Touches** nothing: the database is asked in transactions that only read, and plans are made without running.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = checking.plan_checks(project, environment, kind="incident-latency")

    with checking.opened(plan) as found:
        checking.reach(found)
        daily.check_connections_taken(found)
        daily.check_transactions_open(found)
        daily.check_blocked(found)
        step.check_statements(found)
        daily.check_cache(found)
        step.check_suspects(found)

        checking.list_findings(found)
        return checking.hand_off(found)
