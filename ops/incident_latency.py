"""An incident of latency: whether it only looks, or what it does then.

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
    INDEX = "index"
    DROP_INDEX = "drop-index"
    ROLLBACK = "rollback"
    # Never done: who looks for it as in the other runbooks is told what is the inverse.
    ABANDON = "abandon"


# What is begun by somebody, and not only taken back.
_REASONED = {
    Act.READ_ONLY: "A pause of writes",
    Act.INDEX: "An index in an incident",
    Act.ROLLBACK: "A rollback in an incident",
}


class LatencyPlan(CheckPlan):
    """What is looked at, and what is done then, and why."""

    act: Act
    reason: str
    suspect: str


def plan(path: str, environment: str, act: Act, reason: str, suspect: str = "") -> LatencyPlan:
    """Read the project and say what is looked at and done; reads files only.

    Raises:
        Refused: there is no such project or environment, or something is to be done without a reason.
    """
    found = checking.plan(path, environment, kind=KIND)
    if act in _REASONED:
        reasons.verify(reason, what=_REASONED[act], why="what is wrong")
    return LatencyPlan.model_validate(
        {**dict(found), "act": act, "reason": reason.strip(), "suspect": suspect.strip()}
    )
