"""The steps of pausing and resuming jobs."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ops import pause_jobs, switch, switch_end, switch_steps
from ops.switch import Switching, SwitchPlan
from tasks.recording import recorded
from tasks.step import step

plan_jobs = step(
    pause_jobs.plan, title="Plan to pause or resume the jobs on {environment}", evidence="jobs-plan"
)
find_jobs = step(switch_steps.find, title="Find the jobs", evidence="jobs-found")
switch_jobs = step(switch_steps.act, title="Switch the jobs in one transaction", evidence="jobs-switched")
verify_jobs = step(switch_steps.verify, title="Verify the jobs", evidence="jobs-verified")
record = step(switch_end.conclude, title="Record the pause", evidence="pause-jobs")
record_broken = step(
    switch_end.conclude_broken,
    title="Record what there is of the pause",
    evidence="jobs-broken",
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
