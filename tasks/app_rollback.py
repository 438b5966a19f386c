"""The steps of the app rollback."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from ops import app_rollback, attempts, bundle
from ops.app_rollback import RollbackPlan, RollingBack
from tasks import runs
from tasks.step import observing, step

plan_rollback = step(app_rollback.plan, title="Plan the rollback of {deploy}", evidence="rollback-plan")
record_guidance = step(
    app_rollback.record_guidance, title="Go through the steps of the rollback", evidence="rollback-steps"
)
verify_app = step(
    app_rollback.verify, title="Verify that the app works", evidence="app-verified", stops=False, retry=False
)
record_rollback = step(app_rollback.record, title="Record the rollback", evidence="app-rollback")


@contextmanager
def opened(plan: RollbackPlan) -> Generator[RollingBack]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    run = runs.current("app-rollback")
    kept = bundle.open_bundle(
        plan.gate.out, kind="app-rollback", started=datetime.now(UTC), run=run.id, attempt=run.attempt
    )
    with attempts.kept(kept) as log, observing(log), closing(RollingBack(plan, run.name)) as rolling:
        rolling.bundle = kept
        try:
            yield rolling
        finally:
            kept.seal()
