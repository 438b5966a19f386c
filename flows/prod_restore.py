"""The restore of production to a point in time. Source: supabase-operations.md, "Restore workflow (prod incident)"."""

from __future__ import annotations

from ops.prod_restore import RestoreChoices
from ops.prod_restore_end import ProdRestore
from tasks import prod_restore as step
from tasks import prod_restore_gates as gates
from tasks.runbook import flow


@flow(name="prod-restore", flow_run_name="Restore {project} on {environment} to {target}")
def prod_restore(
    project: str,
    environment: str = "production",
    target: str = "",
    reason: str = "",
    choices: RestoreChoices = RestoreChoices(),
) -> ProdRestore:
    """Pause the writes of production, have it restored to a moment, verify it read-only, and let writes go on.

    **When** rows are lost or wrong, and only an earlier state of the whole database brings them back.
    **Needs** a moment at which all was well, within the window of the backups; people who approve.
    **Touches** rights to write, the app's sessions and jobs, the `runbooks` schema; what is restored is restored whole.
    **If it stops halfway** writes stay paused: run it again, it goes on and asks nobody again for what was approved.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        target: The last moment at which all was well, such as 2026-11-29T03:12:00Z.
        reason: What is broken, for those who approve and for the report.
        choices: Who restores, and what is known of the cause; or to give up and only re-enable writes.
    """
    plan = step.plan_restore(project, environment, target, reason, choices)

    with step.opened(plan) as restoring:
        step.check_connectivity(restoring)
        step.find_incident(restoring)
        step.assess_loss(restoring)

        gates.approve_pause(restoring)
        step.pause_writes(restoring)
        if choices.give_up:
            gates.confirm_give_up(restoring)
        else:
            step.prove_paused(restoring)
            step.keep_baseline(restoring)
            step.offer(restoring)

            gates.approve_restore(restoring)
            step.restore(restoring)
            step.pause_restored(restoring)
            step.prove_restored_paused(restoring)
            step.verify_restored(restoring)

            gates.confirm_verified(restoring)
        step.enable_writes(restoring)
        step.prove_writes(restoring)
        return step.report(restoring)
