"""The steps of the app rollback."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing
from functools import partial

from ops import app_rollback
from ops.app_rollback import RollbackPlan, RollingBack
from tasks.recording import recorded
from tasks.step import step

plan_rollback = step(app_rollback.plan, title="Plan the rollback of {deploy}", evidence="rollback-plan")
record_guidance = step(
    app_rollback.record_guidance, title="Go through the steps of the rollback", evidence="rollback-steps"
)
verify_app = step(
    app_rollback.verify, title="Verify that the app works", evidence="app-verified", stops=False, retry=False
)
record_rollback = step(app_rollback.record, title="Record the rollback", evidence="app-rollback")
hand_off_broken_rollback = step(
    app_rollback.hand_off_broken,
    title="Hand off what there is of the rollback",
    evidence="app-rollback-broken-off",
    stops=False,
    retry=False,
)


def opened(plan: RollbackPlan) -> AbstractContextManager[RollingBack]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    return recorded(
        partial(_rolling, plan), kind="app-rollback", out=plan.gate.out, broken=hand_off_broken_rollback
    )


def _rolling(plan: RollbackPlan, run: str) -> AbstractContextManager[RollingBack]:
    return closing(RollingBack(plan, run))
