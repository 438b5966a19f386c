"""Why something is done, in words that those who approve and those who audit can read."""

from __future__ import annotations

from ops import errors

SHORTEST = 10


def verify(reason: str, *, what: str, why: str) -> None:
    """See that there is a reason for `what`; `why` is what it should say.

    Raises:
        Refused: it is too short to be one.
    """
    if len(reason.strip()) < SHORTEST:
        raise errors.Refused(
            f"{what} is recorded with its reason, and {reason!r} is none, so nothing was started. Say in at least "
            f"{SHORTEST} characters {why}."
        )
