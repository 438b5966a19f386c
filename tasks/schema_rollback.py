"""The steps of the schema rollback."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager

from ops import schema_rollback, schema_rollback_clone, schema_rollback_end, schema_rollback_plan
from ops import schema_rollback_steps as steps
from ops.schema_rollback import RollbackPlan, RollingBack
from tasks.recording import recorded
from tasks.step import step

plan_rollback = step(
    schema_rollback.plan, title="Plan the rollback of {path}", evidence="schema-rollback-plan"
)
find_applied = step(
    schema_rollback_plan.find_applied, title="Find what was applied last", evidence="schema-applied"
)
find_proofs = step(
    schema_rollback_plan.find_proofs, title="Find what proves each script", evidence="rollback-proofs"
)
find_losses = step(schema_rollback_plan.find_losses, title="Find the data that goes", evidence="data-loss")
expect_changes = step(
    schema_rollback_clone.expect, title="See on a clone what each script does", evidence="rollback-expected"
)
take_lock = step(steps.take_lock, title="Take the lock of the database", evidence="schema-lock")
roll_back = step(
    steps.roll_back, title="Roll {migration.path.name} back", evidence="schema-rolled-back", retry=False
)
verify_gone = step(steps.verify, title="Verify history and journal", evidence="schema-verified")
record = step(schema_rollback_end.conclude, title="Record the schema rollback", evidence="schema-rollback")
record_broken = step(
    schema_rollback_end.conclude_broken,
    title="Record what there is of the schema rollback",
    evidence="schema-broken",
    stops=False,
    retry=False,
)


def opened(plan: RollbackPlan) -> AbstractContextManager[RollingBack]:
    """Open the run's bundle; whatever ends the block, it is sealed, and the lock is let go."""
    return recorded(lambda _: _rolling(plan), kind=schema_rollback.KIND, out=plan.out, broken=record_broken)


@contextmanager
def _rolling(plan: RollbackPlan) -> Generator[RollingBack]:
    rolling = schema_rollback.opened(plan)
    with rolling.ends:
        yield rolling
