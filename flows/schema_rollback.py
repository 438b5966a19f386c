"""The schema rollback. Source: database-pipeline.md, "Rollback Notes"."""

from __future__ import annotations

from ops.schema_rollback import RollbackChoices
from ops.schema_rollback_end import SchemaRollback
from tasks import approval, progress
from tasks import schema_rollback as step
from tasks.runbook import flow


@flow(name="schema-rollback", flow_run_name="Roll the schema of {project} back on {environment}")
def schema_rollback(
    project: str, environment: str, choices: RollbackChoices = RollbackChoices()
) -> SchemaRollback:
    """Roll the newest migrations back in reverse, by scripts that a rehearsal has proven.

    **When** neither a flag nor the app's rollback helps, and the data that goes may go.
    **Needs** sealed evidence of a rehearsal that passed, with exactly these files.
    **Touches** the schema, the history table and the journal, script by script.
    **If it stops halfway** retry the run: it goes on where it stopped, without asking again.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        choices: How far back, and why.
    """
    plan = step.plan_rollback(project, environment, choices)

    with step.opened(plan) as rolling:
        step.find_applied(rolling)
        step.find_proofs(rolling)
        step.find_losses(rolling)
        step.expect_changes(rolling)

        approval.approve(rolling, "schema-rollback")

        step.take_lock(rolling)
        for migration in progress.through(rolling.order, "migrations"):
            step.roll_back(rolling, migration)

        step.verify_gone(rolling)
        return step.record(rolling)
