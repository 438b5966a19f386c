"""The gate of a pull request. Source: database-pipeline.md, "How the PR Gate Works"."""

from __future__ import annotations

from ops.choices import PullRequestChoices
from ops.pull_request_result import PullRequest
from tasks import progress, rehearsal
from tasks import pull_request as step
from tasks.runbook import flow


@flow(name="pr-gate", flow_run_name="Gate {project} against {base}")
def pr_gate(
    project: str,
    base: str = "origin/main",
    environment: str = "throw-away",
    staging: str = "",
    choices: PullRequestChoices = PullRequestChoices(),
) -> PullRequest:
    """Judge what a branch does to the database: its migrations, the project's own checks, and drift.

    **When** on every pull request that touches migrations, verification scripts or the smoke SQL.
    **Needs** the repository with its history back to the base branch; for drift a login to staging.
    **Touches** a throw-away database; staging is read only; a comment and a status where they are asked for.
    **If it stops halfway** run it again: nothing was changed that anybody keeps.

    Args:
        project: Path of the repository that holds the `supabase` folder, as the worker sees it.
        base: The branch, or any other name of a commit, into which this is to be merged.
        environment: Name of a throw-away environment of its `runbooks.toml`, or `throw-away`.
        staging: Secret reference of the live staging's DSN, or an environment that has it; empty: no drift.
        choices: How strictly, and where the result is written.
    """
    plan = step.plan_gate(project, base, environment, staging, choices)

    with step.opened(plan) as gate:
        rehearsal.check_connectivity(gate)
        step.check_branch(gate)
        step.read_staging(gate)
        step.build_base(gate)
        step.sow_base(gate)
        step.find_added(gate)
        rehearsal.refuse_bad_files(gate)

        for migration in progress.through(gate.pending, "migrations"):
            rehearsal.apply_migration(gate, migration)
            rehearsal.prove_rollback(gate, migration)
        step.run_verification(gate)
        step.sow_branch(gate)
        rehearsal.prove_chain(gate)

        rehearsal.check_contract(gate)
        step.check_rls(gate)
        step.find_drift(gate)
        rehearsal.find_left(gate)
        return step.hand_off(gate)
