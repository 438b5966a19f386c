"""An incident of latency: whether it only looks, or makes the database refuse writes, or lets them go on.

Source: supabase-operations.md, "Availability / Latency Degradation".
"""

from __future__ import annotations

from enum import StrEnum

from ops import checking, reasons
from ops.checking import CheckPlan

KIND = "incident-latency"


class Act(StrEnum):
    """What is done besides looking."""

    LOOK = "look"
    READ_ONLY = "read-only"
    READ_WRITE = "read-write"
    # Never done: who looks for it as in the other runbooks is told what is the inverse.
    ABANDON = "abandon"


class LatencyPlan(CheckPlan):
    """What is looked at, and what is done then, and why."""

    act: Act
    reason: str


def plan(path: str, environment: str, act: Act, reason: str) -> LatencyPlan:
    """Read the project and say what is looked at and done; reads files only.

    Raises:
        Refused: there is no such project or environment, or writes are to be paused without a reason.
    """
    found = checking.plan(path, environment, kind=KIND)
    if act is Act.READ_ONLY:
        reasons.verify(reason, what="A pause of writes", why="what is wrong")
    return LatencyPlan.model_validate({**dict(found), "act": act, "reason": reason.strip()})
