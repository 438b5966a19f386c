"""The steps of the feature flag rollback."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ops import feature_flag_rollback, switch, switch_end, switch_steps
from ops.switch import Switching, SwitchPlan
from tasks.recording import recorded
from tasks.step import step

plan_flag = step(
    feature_flag_rollback.plan, title="Plan to switch {flag} on {environment}", evidence="flag-plan"
)
find_flag = step(switch_steps.find, title="Find the flag", evidence="flag-found")
switch_flag = step(switch_steps.act, title="Switch the flag in one transaction", evidence="flag-switched")
verify_flag = step(switch_steps.verify, title="Verify the flag", evidence="flag-verified")
record = step(switch_end.conclude, title="Record the flag's rollback", evidence="feature-flag-rollback")
record_broken = step(
    switch_end.conclude_broken,
    title="Record what there is of the flag's rollback",
    evidence="flag-broken",
    stops=False,
    retry=False,
)


def opened(plan: SwitchPlan) -> AbstractContextManager[Switching]:
    """Open the database and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(
        lambda _: nullcontext(switch.opened(plan)),
        kind=plan.subject.kind,
        out=plan.out,
        broken=record_broken,
    )
