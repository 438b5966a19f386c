"""Where the runbooks of a deploy ask a person: the manual checklist, and the steps of the app's rollback."""

from __future__ import annotations

from ops.app_rollback import RollingBack
from ops.evidence import Evidence
from ops.gate_verdict import Found
from ops.gated import Gated
from tasks import app_rollback
from tasks import deploy as step


def ask_checklist(gate: Gated) -> Found:
    """Ask a person for the manual checklist, and record what they said; for now it is recorded as not asked."""
    return step.record_checklist(gate)


def ask_rollback(rolling: RollingBack) -> Evidence:
    """Ask a person to take the app back, and record what they said; for now it is recorded as not asked."""
    return app_rollback.record_guidance(rolling)
