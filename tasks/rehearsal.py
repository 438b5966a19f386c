"""The steps of the staging rehearsal."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from ops import assertions, chain, finish, hold, note, plan, preflight, rehearsal, trial
from ops.plan import Plan
from ops.rehearsal import Rehearsing
from tasks.recording import recorded
from tasks.step import step

plan_rehearsal = step(plan.rehearsal, title="Plan the rehearsal of {path}", evidence="plan")
check_connectivity = step(preflight.check_connectivity, title="Check connectivity", evidence="connectivity")
take_hold = step(hold.take, title="Take hold of the database", evidence="hold")
find_pending = step(
    preflight.find_pending, title="Find pending migrations", evidence="inventory", stops=False
)
refuse_bad_files = step(preflight.refuse_bad_files, title="Refuse bad files", evidence="files")
apply_migration = step(
    trial.apply_migration, title="Apply {migration.path.name}", evidence="applied", stops=False, retry=False
)
prove_rollback = step(
    trial.prove_rollback,
    title="Prove the rollback of {migration.path.name}",
    evidence="rollback",
    stops=False,
    retry=False,
)
roll_back_after_failure = step(
    chain.roll_back_after_failure,
    title="Roll back what was applied before a failure",
    evidence="rolled-back",
    stops=False,
)
sow_seed = step(chain.sow_seed, title="Sow the seed", evidence="seed", stops=False)
prove_chain = step(chain.prove, title="Prove the whole chain", evidence="chain", stops=False, retry=False)
check_contract = step(assertions.check_contract, title="Check the contract", evidence="contract", stops=False)
check_rls = step(assertions.check_rls, title="Check RLS coverage", evidence="rls-coverage", stops=False)
find_left = step(
    preflight.find_left, title="Find what is left pending", evidence="inventory-after", stops=False
)
hand_off = step(finish.hand_off, title="Hand off", evidence="verdict", shown=note.markdown)
hand_off_broken = step(
    finish.hand_off_broken,
    title="Hand off what there is",
    evidence="broken-off",
    stops=False,
    retry=False,
    shown=note.markdown,
)


def opened(plan: Plan) -> AbstractContextManager[Rehearsing]:
    """Open the plan's database and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(
        partial(rehearsal.opened, plan),
        kind="rehearsal",
        out=Path(plan.out),
        named="rehearse",
        broken=hand_off_broken,
    )
