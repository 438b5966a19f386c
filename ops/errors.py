"""The four things that can go wrong, since a caller can do four things about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ops.evidence import Evidence


class OpsError(Exception):
    """An operation did not end well; the message says what is wrong, what it blocks and what to do.

    `evidence` is what was seen before it ended, where there is any.
    """

    def __init__(self, message: str, evidence: Evidence | None = None) -> None:
        super().__init__(message)
        self.evidence = evidence


class Unavailable(OpsError):
    """The world may fix itself: try again."""


class Refused(OpsError):
    """A precondition does not hold: nothing was started."""


class CheckFailed(OpsError):
    """We looked and it is wrong; the evidence says where."""


class Denied(OpsError):
    """A person said no, or nobody answered."""
