"""The weekly checks. Source: supabase-operations.md, "Weekly"."""

from __future__ import annotations

from ops.checked import Checked
from tasks import checking
from tasks import weekly_checks as step
from tasks.runbook import flow


@flow(name="weekly-checks", flow_run_name="Check {project} on {environment} for the week")
def weekly_checks(project: str, environment: str = "production") -> Checked:
    """Look at what grows, drifts and runs out in an environment, and tell people once per change.

    **When** every week, by a schedule; nobody needs to watch.
    **Needs** an environment with a `database`; the window of its backups is looked at where it names them.
    **Touches** nothing but its own memory beside the evidence; the database is asked in transactions that only read.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = checking.plan_checks(project, environment, kind="weekly-checks")

    with checking.opened(plan) as found:
        checking.reach(found)
        step.check_pending(found)
        step.check_schema(found)
        step.check_storage(found)
        step.check_restorable(found)
        step.check_sequences(found)
        step.check_transaction_ids(found)
        step.check_unused_indexes(found)
        step.check_duplicate_indexes(found)
        step.check_vacuum_state(found)

        checking.list_findings(found)
        return checking.hand_off(found)
