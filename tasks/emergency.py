"""The steps of an emergency migration, beside those of a promotion."""

from __future__ import annotations

from ops import emergency
from tasks.step import step

plan_emergency = step(
    emergency.plan, title="Plan the emergency migration {version}", evidence="emergency-plan"
)
refuse_more = step(
    emergency.refuse_more, title="Refuse to bring along anything else", evidence="emergency-files"
)
