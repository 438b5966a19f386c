"""The restore drill. Source: supabase-operations.md, "Quarterly" and "Backup & Restore"."""

from __future__ import annotations

from ops.drill import DrillChoices, Drilled
from tasks import drill as step
from tasks.runbook import flow


@flow(name="restore-drill", flow_run_name="Drill a restore of {project} on {environment}")
def restore_drill(
    project: str, environment: str = "production", choices: DrillChoices = DrillChoices()
) -> Drilled:
    """Restore the latest backup to a scratch cluster, prove that the data is there and right, and measure RPO and RTO.

    **When** every quarter by a schedule, and after every change of how backups are made.
    **Needs** `[environments.NAME.backups]`; a reference and a heartbeat, without which less is proven, and said.
    **Touches** nothing of production but its log of drills; the scratch cluster is gone afterwards.
    **If it stops halfway** run it again: what was left is found by its marker and removed.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        choices: To where to recover, and from which backup.
    """
    plan = step.plan_drill(project, environment, choices)

    with step.opened(plan) as drilling:
        step.choose_backup(drilling)
        step.check_production(drilling)
        step.find_reference(drilling)

        step.restore(drilling)
        step.ask_smoke(drilling)

        step.compare_rows(drilling)
        step.compare_shape(drilling)
        step.check_rows(drilling)
        step.measure_loss(drilling)
        step.prove_target(drilling)
        step.list_rewound(drilling)
        step.compare_storage(drilling)
        step.verify_backup(drilling)
        step.check_pages(drilling)

        step.clean(drilling)
        step.log_drill(drilling)
        return step.hand_off_drill(drilling)
