"""What came of the plans that were let through in this run: written to the audit log when the run ends."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, replace

from ops import errors, gatekeeper
from ops.attempts import LOGGER
from ops.gatekeeper import Closing
from ops.proposal import Proposal


@dataclass(frozen=True)
class _Owed:
    """The outcome of a plan, and what ends the plan's record together with it."""

    proposal: Proposal
    run: str
    closing: Closing | None

    @property
    def plan(self) -> tuple[str, str]:
        return self.proposal.gate, self.proposal.plan_digest


_open: ContextVar[tuple[_Owed, ...]] = ContextVar("open", default=())


def expect(proposal: Proposal, run: str, closing: Closing | None = None) -> None:
    """Remember that a plan was let through, and that its outcome is owed; `closing` ends its record then."""
    known = {each.plan: each for each in _open.get()}
    owed = _Owed(proposal, run, closing)
    # Outside of Prefect whoever asks which run is under way is told of a new one.
    before = known.get(owed.plan)
    _open.set(tuple({**known, owed.plan: replace(owed, run=before.run) if before else owed}.values()))


def record(*, ok: bool, said: str, over: bool = False) -> None:
    """Write down the outcome of all that is owed; where the log cannot be reached that is a warning.

    `over` says that the runbook came to its end: what was approved is done, and lets nothing through any more.
    """
    owed = _open.get()
    _open.set(())
    for each in owed:
        proposal = each.proposal
        try:
            gatekeeper.record_outcome(proposal, each.run, ok=ok, said=said, over=over, closing=each.closing)
        except errors.OpsError as error:
            LOGGER.warning("The outcome of %s was not written to the audit log: %s", proposal.title, error)
