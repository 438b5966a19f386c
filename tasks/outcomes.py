"""What came of the plans that were let through in this run: written to the audit log when the run ends."""

from __future__ import annotations

from contextvars import ContextVar

from ops import errors, gatekeeper
from ops.attempts import LOGGER
from ops.proposal import Proposal

_open: ContextVar[tuple[tuple[Proposal, str], ...]] = ContextVar("open", default=())


def expect(proposal: Proposal, run: str) -> None:
    """Remember that a plan was let through, and that its outcome is owed."""
    if (proposal, run) not in _open.get():
        _open.set((*_open.get(), (proposal, run)))


def record(*, ok: bool, said: str, over: bool = False) -> None:
    """Write down the outcome of all that is owed; where the log cannot be reached that is a warning.

    `over` says that the runbook came to its end: what was approved is done, and lets nothing through any more.
    """
    owed = _open.get()
    _open.set(())
    for proposal, run in owed:
        try:
            gatekeeper.record_outcome(proposal, run, ok=ok, said=said, over=over)
        except errors.OpsError as error:
            LOGGER.warning("The outcome of %s was not written to the audit log: %s", proposal.title, error)
