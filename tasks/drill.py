"""The steps of a restore drill."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import (
    drill,
    drill_act,
    drill_check,
    drill_end,
    drill_loss,
    drill_proof,
    drill_rewound,
    drill_shape,
)
from ops.drill import Drilling, DrillPlan
from ops.evidence import Evidence
from tasks import progress
from tasks.recording import recorded
from tasks.step import step

plan_drill = step(drill.plan, title="Plan the drill of {path} on {environment}", evidence="drill-plan")
choose_backup = step(
    drill_check.choose_backup, title="Choose the backup", evidence="drill-backup", stops=False
)
check_production = step(
    drill_check.check_production,
    title="Look at how production archives",
    evidence="drill-production",
    stops=False,
)
find_reference = step(
    drill_check.find_reference, title="Find what the rows were", evidence="drill-reference", stops=False
)


def _restore(drilling: Drilling) -> Evidence:
    """Restore the backup and recover it to the target, and show how far that is."""
    drilling.progress = progress.counted()
    return drill_act.restore(drilling)


restore = step(
    _restore, title="Restore to {drilling.plan.target}", evidence="drill-restored", stops=False, retry=False
)
ask_smoke = step(
    drill_act.ask_smoke, title="Ask the smoke queries", evidence="drill-smoke", stops=False, retry=False
)
compare_rows = step(drill_proof.compare_rows, title="Compare the rows", evidence="drill-rows", stops=False)
compare_shape = step(
    drill_shape.compare_shape, title="Compare tables and policies", evidence="drill-shape", stops=False
)
check_rows = step(
    drill_proof.check_rows, title="Check keys and sequences", evidence="drill-integrity", stops=False
)
measure_loss = step(drill_loss.measure_loss, title="Measure the loss", evidence="drill-loss", stops=False)
prove_target = step(
    drill_proof.prove_target, title="Prove where it stopped", evidence="drill-target", stops=False
)
list_rewound = step(
    drill_rewound.list_rewound, title="List what a restore rewinds", evidence="drill-rewound", stops=False
)
compare_storage = step(
    drill_shape.compare_storage, title="Look at Storage", evidence="drill-storage", stops=False
)
verify_backup = step(
    drill_proof.verify_backup, title="Verify the backup's files", evidence="drill-files", stops=False
)
check_pages = step(
    drill_proof.check_pages, title="Look through the pages", evidence="drill-pages", stops=False
)
clean = step(drill_end.clean, title="Take the restored cluster away", evidence="drill-clean", stops=False)
log_drill = step(drill_end.log_drill, title="Log the drill", evidence="drill-log", stops=False)
hand_off_drill = step(
    drill_end.hand_off, title="Hand off the drill", evidence="drill-verdict", shown=drill_end.document
)
_broken = step(
    drill_end.hand_off_broken,
    title="Hand off a drill that broke off",
    evidence="drill-broken-off",
    stops=False,
    retry=False,
    shown=drill_end.document,
)


def opened(plan: DrillPlan) -> AbstractContextManager[Drilling]:
    """Open the drill and the run's bundle; whatever ends the block, nothing of what was restored is left."""
    return recorded(partial(drill.opened, plan), kind="restore-drill", out=plan.out, broken=_broken)
