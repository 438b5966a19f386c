"""Where a restore asks people: to pause, to restore, and whether what was restored is right.

What was approved is in the record of paused writes, so that another run of an incident asks only for what is open: but
only where the audit log, or its copy, has the approval that the record names. Else people are asked again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ops import errors, prod_restore_gates, prod_restore_ticket
from ops.prod_restore import STILL_PAUSED, Restoring
from ops.prod_restore_gates import ENABLE, PAUSE, RESTORE, VERIFIED, Question
from ops.write_pause_journal import APPROVED_ANEW
from tasks import approval
from tasks import prod_restore as step

_MOST_NOTES = 3


def approve_pause(restoring: Restoring) -> None:
    """Return when pausing writes is approved; at once where an incident is open, and its approval is found.

    Raises:
        Denied: somebody said no, or nobody answered: nothing was done.
        Refused: the environment is guarded, and this run has no deployment.
    """
    if not restoring.record.open:
        restoring.approved = prod_restore_gates.answered(approval.approve(Question(restoring), PAUSE))
        return
    approval.refuse_bare(restoring.plan.project.root, restoring.plan.environment, "the incident")
    if restoring.proven.paused or restoring.over:
        return
    if restoring.record.rewound:
        step.take_up(restoring)
    # To give up takes nothing away, and has a gate of its own.
    if not restoring.plan.choices.give_up:
        said = {**_asked(restoring, PAUSE), "identity": restoring.identity}
        step.record_answer(restoring, APPROVED_ANEW, said)


def approve_restore(restoring: Restoring) -> None:
    """Return when this restore is approved, or, where people have it done, when they say with a ticket that it is.

    Raises:
        Denied: somebody said no, or nobody answered: writes stay paused.
        Refused: three notes could not be read.
    """
    if restoring.over or prod_restore_gates.confirmed(restoring):
        return
    target = str(restoring.plan.target)
    refused: list[str] = []
    while len(refused) < _MOST_NOTES:
        said = _asked(restoring, RESTORE, tuple(refused))
        try:
            ticket = _ticket(restoring, said["note"])
        except errors.Refused as error:
            refused.append(str(error))
            continue
        kept = {**said, "target": target, "ticket": ticket, "refused": refused}
        step.record_answer(restoring, "restore-confirmed", kept)
        return
    raise errors.Refused(f"Three notes could not be read; the last: {refused[-1]} {STILL_PAUSED}")


def confirm_verified(restoring: Restoring) -> None:
    """Return when a person has looked at the restored data and says that it is right.

    Raises:
        Denied: somebody said no, or nobody answered: writes stay paused.
    """
    if not restoring.over:
        step.record_answer(restoring, "verified", _asked(restoring, VERIFIED))


def confirm_give_up(restoring: Restoring) -> None:
    """Return when somebody lets writes go on without a restore.

    Raises:
        Denied: somebody said no, or nobody answered: writes stay paused.
    """
    if not restoring.over:
        step.record_answer(restoring, "given-up", _asked(restoring, ENABLE))


def _asked(restoring: Restoring, gate: str, refused: tuple[str, ...] = ()) -> dict[str, Any]:
    try:
        return prod_restore_gates.answered(approval.approve(Question(restoring, refused), gate))
    except errors.Denied as denied:
        raise errors.Denied(f"{denied} {restoring.still}") from None


def _ticket(restoring: Restoring, note: str) -> dict[str, str]:
    paused = restoring.event("paused") or restoring.event("begun")
    now = datetime.now(UTC)
    return prod_restore_ticket.read(
        note, restoring.plan.choices.way, paused=paused.at if paused else now, now=now
    )
