"""The steps of the deploy gate."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import deploy_end, deploy_gated, deploy_note, deploy_plan, deploy_steps
from ops.deploy_gated import Gated
from ops.deploy_plan import GatePlan
from tasks.recording import recorded
from tasks.step import step

plan_gate = step(
    deploy_plan.plan, title="Plan the {phase}-deploy gate of {path}", evidence="deploy-gate-plan"
)
check_auth = step(
    deploy_steps.check_auth, title="Check login, rights and settings", evidence="auth", stops=False
)
find_deploy = step(deploy_steps.find_deploy, title="Find the deploy", evidence="deploy")
check_commit = step(deploy_steps.check_commit, title="Check the commit", evidence="commit", stops=False)
check_schema = step(deploy_steps.check_schema, title="Check the schema", evidence="schema-check", stops=False)
run_tests = step(
    deploy_steps.run_tests, title="Run the project's tests", evidence="tests", stops=False, retry=False
)
check_smoke = step(
    deploy_steps.check_smoke,
    title="Write, read, change and delete as the app does",
    evidence="smoke",
    stops=False,
)
check_integrity = step(
    deploy_steps.check_integrity, title="Check the integrity of the rows", evidence="integrity", stops=False
)
record_checklist = step(
    deploy_steps.record_checklist, title="Record the manual checklist", evidence="checklist", stops=False
)
record_deploy = step(deploy_steps.record_deploy, title="Record the deploy", evidence="deploy-record")
prove_growth = step(
    deploy_steps.prove_growth,
    title="Compare row counts with before the deploy",
    evidence="row-growth",
    stops=False,
)
hand_off_gate = step(
    deploy_end.hand_off, title="Hand off the gate", evidence="deploy-gate-verdict", shown=deploy_note.markdown
)
hand_off_broken_gate = step(
    deploy_end.hand_off_broken,
    title="Hand off what there is of the gate",
    evidence="deploy-gate-broken-off",
    stops=False,
    retry=False,
    shown=deploy_note.markdown,
)


def opened(plan: GatePlan) -> AbstractContextManager[Gated]:
    """Open the plan's gate and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(
        partial(deploy_gated.opened, plan), kind="deploy-gate", out=plan.out, broken=hand_off_broken_gate
    )
