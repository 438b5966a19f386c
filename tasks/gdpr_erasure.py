"""The steps of erasing a person; a title names nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ops import gdpr_erasure, gdpr_erasure_end, gdpr_erasure_steps
from ops.gdpr_erasure import Erasing, ErasurePlan
from tasks.recording import recorded
from tasks.step import step

plan_erasure = step(
    gdpr_erasure.plan, title="Plan to erase a subject on {environment}", evidence="erasure-plan"
)
find_rows = step(gdpr_erasure_steps.find, title="Find the subject's rows", evidence="erasure-found")
erase = step(
    gdpr_erasure_steps.erase, title="Erase in one transaction, with its proof", evidence="erasure-done"
)
verify_erased = step(
    gdpr_erasure_steps.verify, title="Look whether anything is left", evidence="erasure-verified"
)
log_completion = step(
    gdpr_erasure_steps.log_completion, title="Log the completion", evidence="erasure-logged"
)
record = step(gdpr_erasure_end.conclude, title="Record the erasure", evidence="gdpr-erasure")
record_broken = step(
    gdpr_erasure_end.conclude_broken,
    title="Record what there is of the erasure",
    evidence="erasure-broken",
    stops=False,
    retry=False,
)


def opened(plan: ErasurePlan) -> AbstractContextManager[Erasing]:
    """Open the database and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(
        lambda _: nullcontext(gdpr_erasure.opened(plan)),
        kind=gdpr_erasure.GATE,
        out=plan.out,
        broken=record_broken,
    )
