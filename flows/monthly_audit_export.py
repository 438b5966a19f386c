"""The monthly export of the audit log. Source: supabase-operations.md, "Compliance & Access Control"."""

from __future__ import annotations

from ops.audit_export import AuditExport
from tasks import audit_export as step
from tasks.runbook import flow


@flow(name="monthly-audit-export", flow_run_name="Export the audit log of {project} on {environment}")
def monthly_audit_export(project: str, environment: str = "production", month: str = "") -> AuditExport:
    """Export a month of the audit log, verified and sealed, for the compliance archive.

    **When** every month, by a schedule, after the month is over.
    **Needs** an environment with an audit log; `backups.api` for Supabase's own.
    **Touches** nothing; the export lies in the bundle.
    **If it stops halfway** run it again: it exports the whole month anew.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        month: Such as 2026-10; empty: the last whole one.
    """
    plan = step.plan_export(project, environment, month)

    with step.opened(plan) as exporting:
        step.verify_chain(exporting)

        step.export_log(exporting)
        step.export_platform(exporting)

        step.verify_export(exporting)
        return step.hand_off(exporting)
