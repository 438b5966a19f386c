"""The staging rehearsal. Source: staging-rehearsal.md."""

from __future__ import annotations

from ops.choices import Choices
from ops.verdict import Rehearsal
from tasks import progress, question
from tasks import rehearsal as step
from tasks.runbook import flow


@flow(name="staging-rehearsal", flow_run_name="Rehearse {project} on {environment}")
def staging_rehearsal(
    project: str, environment: str = "throw-away", choices: Choices = Choices()
) -> Rehearsal:
    """Rehearse the pending migrations of a project and prove that each can be rolled back.

    **When** before every promotion, and on each pull request.
    **Needs** nothing for a throw-away database; in place, an environment with `rehearse = true`.
    **Touches** the environment's schema; in place it ends with the migrations applied.
    **If it stops halfway** run it again: what is applied is skipped, what was rolled back is applied.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`, or `throw-away`.
        choices: What to rehearse and how strictly.
    """
    plan = step.plan_rehearsal(project, environment, choices)

    with step.opened(plan) as rehearsal:
        step.check_connectivity(rehearsal)
        step.take_hold(rehearsal)
        step.find_pending(rehearsal)
        step.refuse_bad_files(rehearsal)

        for migration in progress.through(rehearsal.pending, "migrations"):
            while not step.apply_migration(rehearsal, migration).ok and question.replay(rehearsal, migration):
                migration = rehearsal.reload(migration)
            step.prove_rollback(rehearsal, migration)
        if rehearsal.stopped:
            step.roll_back_after_failure(rehearsal)

        step.sow_seed(rehearsal)
        step.prove_chain(rehearsal)
        step.check_contract(rehearsal)
        step.check_rls(rehearsal)
        step.find_left(rehearsal)
        return step.hand_off(rehearsal)
