"""Whose pause of writes it is: only one that this runbook has begun here is gone on with or ended by it."""

from __future__ import annotations

from ops import errors, spoken
from ops.incident_latency import KIND
from ops.write_pause_journal import Record

BACK = f"Let writes go on with {KIND}, act read-write."


def not_given_up(where: str, record: Record) -> errors.Refused:
    """Return why a pause is not given up, and what lets writes go on."""
    if not record.open:
        return errors.Refused(f"Writes are not paused on {where}, so there is nothing to give up.")
    begun = record.open[0]
    by = begun.details.get("by", "prod-restore")
    back = BACK if by == KIND else f"Take {by} to its end, or start it with give_up."
    return errors.Refused(
        f"Writes of {where} are paused since {spoken.moment(begun.at)} by {by} ({begun.run}). A pause is not given up: "
        "its record would be closed, and the database would stay read-only with nobody to say so. Nothing was done. "
        f"The inverse gives back all that was taken, also of a pause that was killed halfway. {back}"
    )


def verify_ours(where: str, record: Record, *, pauses: bool) -> None:
    """Check that the open pause is one of this runbook in this environment, and not one that was let go on already.

    Raises:
        Refused: it is another's; the message says whose, and who can end it.
    """
    begun = record.open[0]
    by = begun.details.get("by", "prod-restore")
    if record.rewound:
        raise errors.Refused(
            "The database was restored since writes were paused, so nothing was done. Run prod-restore: it pauses the "
            "restored one, and has it verified before writes go on."
        )
    if begun.environment != where:
        raise errors.Refused(
            f"Writes of this database are paused by an incident of {begun.environment!r}, so nothing was done. Run "
            f"{by} there."
        )
    if by != KIND:
        raise errors.Refused(
            f"Writes are paused since {spoken.moment(begun.at)} by {by}, and nobody has said there that they may go "
            f"on, so nothing was done. Take {by} to its end, or let it give up."
        )
    if pauses and record.resumed is not None:
        raise errors.Refused(
            f"Writes were let go on and that was not finished, so they are not paused again. {BACK} Then start anew."
        )
