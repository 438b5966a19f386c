"""The steps of a restore of production."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from ops import prod_restore, prod_restore_end, prod_restore_steps, prod_restore_verify, prod_restore_ways
from ops.prod_restore import RestorePlan, Restoring
from tasks import runs
from tasks.recording import recorded
from tasks.step import step

plan_restore = step(
    prod_restore.plan, title="Plan the restore of {path} on {environment}", evidence="restore-plan"
)
check_connectivity = step(
    prod_restore_steps.check_connectivity, title="Check connectivity", evidence="restore-connectivity"
)
find_incident = step(prod_restore_steps.find_incident, title="Find what was begun", evidence="restore-found")
assess_loss = step(
    prod_restore_steps.assess_loss, title="Look at what will be lost", evidence="restore-expected-loss"
)
take_up = step(
    prod_restore_steps.take_up, title="Put back what a restore made it forget", evidence="restore-taken-up"
)
pause_writes = step(prod_restore_steps.pause_writes, title="Pause writes", evidence="writes-paused")
prove_paused = step(
    prod_restore_steps.prove_paused, title="Prove that nobody writes", evidence="nobody-writes"
)
keep_baseline = step(
    prod_restore_steps.keep_baseline, title="Count what there is", evidence="restore-baseline"
)
offer = step(
    prod_restore_ways.offer, title="Restore our own backup aside, to look at it", evidence="restore-offer"
)
restore = step(
    prod_restore_ways.restore, title="Restore by the Management API", evidence="restore-by-api", retry=False
)
pause_restored = step(
    prod_restore_steps.pause_writes, title="Pause writes of the restored database", evidence="restored-paused"
)
prove_restored_paused = step(
    prod_restore_steps.prove_paused,
    title="Prove that nobody writes to the restored database",
    evidence="nobody-writes-restored",
)
verify_restored = step(
    prod_restore_verify.verify,
    title="Verify the restored data, read-only",
    evidence="restore-verified",
    stops=False,
)
record_answer = step(
    prod_restore_end.record_answer, title="Record what was decided: {event}", evidence="restore-decided"
)
enable_writes = step(
    prod_restore_end.enable_writes, title="Re-enable writes", evidence="writes-enabled", stops=False
)
prove_writes = step(
    prod_restore_end.prove_writes, title="Prove that the app writes again", evidence="app-writes"
)
report = step(prod_restore_end.report, title="Write the incident report", evidence="prod-restore")
report_broken = step(
    prod_restore_end.report_broken,
    title="Write down what there is of the restore",
    evidence="prod-restore-broken-off",
    stops=False,
    retry=False,
)


def opened(plan: RestorePlan) -> AbstractContextManager[Restoring]:
    """Open the database and the run's bundle; whatever ends the block, writes stay as they are."""

    def opening(run: str) -> AbstractContextManager[Restoring]:
        return nullcontext(prod_restore.opened(plan, run, id=runs.current().id))

    return recorded(opening, kind=prod_restore.KIND, out=plan.out, broken=report_broken)
