"""The steps of the monthly export of the audit log."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import audit_export
from ops.audit_export import Exporting, ExportPlan
from tasks.recording import recorded
from tasks.step import step

plan_export = step(
    audit_export.plan, title="Plan the export of the audit log of {environment}", evidence="audit-plan"
)
verify_chain = step(audit_export.verify_chain, title="Verify the audit log", evidence="audit-chain")
export_log = step(audit_export.export_log, title="Export the audit log", evidence="audit-rows")
export_platform = step(
    audit_export.export_platform, title="Export Supabase's own audit log", evidence="audit-platform"
)
verify_export = step(audit_export.verify_export, title="Read the export back", evidence="audit-verified")
hand_off = step(audit_export.hand_off, title="Seal the export", evidence="audit-export")


def opened(plan: ExportPlan) -> AbstractContextManager[Exporting]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    return recorded(partial(audit_export.opened, plan), kind="audit-export", out=plan.out)
