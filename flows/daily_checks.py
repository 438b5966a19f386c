"""The daily checks. Source: supabase-operations.md, "Daily"; database-pipeline.md, "Daily Operations"."""

from __future__ import annotations

from ops.checked import Checked
from tasks import checking
from tasks import daily_checks as step
from tasks.runbook import flow


@flow(name="daily-checks", flow_run_name="Check {project} on {environment} for the day")
def daily_checks(project: str, environment: str = "production") -> Checked:
    """Look at an environment as an operator would every morning, and tell people once per change.

    **When** every morning, by a schedule; nobody needs to watch.
    **Needs** an environment with a `database`; what else it has (health URL, log, backups) is looked at too.
    **Touches** nothing but its own memory beside the evidence; the database is asked in transactions that only read.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = checking.plan_checks(project, environment, kind="daily-checks")

    with checking.opened(plan) as found:
        checking.reach(found)
        step.check_connections_taken(found)
        step.check_replication_lag(found)
        step.check_transactions_open(found)
        step.check_blocked(found)
        step.check_log(found)
        step.check_counted_errors(found)
        step.check_cache(found)
        step.check_backup_status(found)
        step.check_status_page(found)
        step.check_redis_health(found)
        step.check_health(found)
        step.check_guard(found)

        checking.list_findings(found)
        return checking.hand_off(found)
