"""The steps of the P0 rollback."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import p0_rehearsal, p0_rollback, switch_end, switch_steps
from ops.switch import Switching, SwitchPlan
from tasks.recording import recorded
from tasks.step import step

plan_p0 = step(p0_rollback.plan, title="Plan the P0 rollback of {path}", evidence="provider-plan")
apply_release = step(
    p0_rehearsal.apply_release, title="Apply the release to a clone", evidence="provider-release"
)
rehearse = step(
    p0_rehearsal.rehearse,
    title="Reset the providers in the clone and put them back",
    evidence="provider-rehearsed",
    retry=False,
)
find_providers = step(switch_steps.find, title="Find the providers", evidence="provider-found")
switch_providers = step(
    switch_steps.act, title="Switch the providers in one transaction", evidence="provider-switched"
)
verify_providers = step(switch_steps.verify, title="Verify the providers", evidence="provider-verified")
record = step(switch_end.conclude, title="Record the P0 rollback", evidence="provider-rollback")
record_broken = step(
    switch_end.conclude_broken,
    title="Record what there is of the P0 rollback",
    evidence="provider-broken",
    stops=False,
    retry=False,
)


def opened(plan: SwitchPlan) -> AbstractContextManager[Switching]:
    """Open the database, or the clone of a rehearsal, and the run's bundle."""
    return recorded(
        partial(p0_rehearsal.opened, plan), kind=p0_rollback.KIND, out=plan.out, broken=record_broken
    )
