"""The quarterly audit. Source: supabase-operations.md, "Quarterly" and "Compliance & Access Control"."""

from __future__ import annotations

from ops.checked import Checked
from tasks import checking
from tasks import quarterly_audit as step
from tasks.runbook import flow


@flow(name="quarterly-audit", flow_run_name="Audit {project} on {environment}")
def quarterly_audit(project: str, environment: str = "production") -> Checked:
    """Audit who may read and write what: by lints, by trying it as each role, and by a review of all access.

    **When** every quarter, by a schedule, and after a change of policies that nobody expected.
    **Needs** a `database` whose login may act for the API's roles; for the contract, one that is committed.
    **Touches** its own memory; two users and a row of each table are made up, table by table, in transactions that
    are rolled back. It starts the environment's restore drill, as a run of its own.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
    """
    plan = checking.plan_checks(project, environment, kind="quarterly-audit")

    with checking.opened(plan) as found:
        checking.reach(found)
        step.check_lints(found)
        step.check_contract(found)
        step.check_storage(found)
        step.check_roles(found)
        step.check_table_rights(found)
        step.check_default_privileges(found)
        step.check_secrets(found)
        step.check_drill(found)

        step.trigger_drill(found)

        checking.list_findings(found)
        return checking.hand_off(found)
