"""The steps of the deploy gate."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime

from ops import attempts, bundle, errors, gate_end, gate_note, gate_plan, gate_steps, gated
from ops.gate_plan import GatePlan
from ops.gated import Gated
from tasks import runs
from tasks.step import observing, step

plan_gate = step(gate_plan.plan, title="Plan the {phase}-deploy gate of {path}", evidence="deploy-gate-plan")
check_auth = step(
    gate_steps.check_auth, title="Check login, rights and settings", evidence="auth", stops=False
)
find_deploy = step(gate_steps.find_deploy, title="Find the deploy", evidence="deploy")
check_commit = step(gate_steps.check_commit, title="Check the commit", evidence="commit", stops=False)
check_schema = step(gate_steps.check_schema, title="Check the schema", evidence="schema-check", stops=False)
run_tests = step(
    gate_steps.run_tests, title="Run the project's tests", evidence="tests", stops=False, retry=False
)
check_smoke = step(
    gate_steps.check_smoke,
    title="Write, read, change and delete as the app does",
    evidence="smoke",
    stops=False,
)
check_integrity = step(
    gate_steps.check_integrity, title="Check the integrity of the rows", evidence="integrity", stops=False
)
record_checklist = step(
    gate_steps.record_checklist, title="Record the manual checklist", evidence="checklist", stops=False
)
record_deploy = step(gate_steps.record_deploy, title="Record the deploy", evidence="deploy-record")
prove_growth = step(
    gate_steps.prove_growth,
    title="Compare row counts with before the deploy",
    evidence="row-growth",
    stops=False,
)
hand_off_gate = step(
    gate_end.hand_off, title="Hand off the gate", evidence="deploy-gate-verdict", shown=gate_note.markdown
)
hand_off_broken_gate = step(
    gate_end.hand_off_broken,
    title="Hand off what there is of the gate",
    evidence="deploy-gate-broken-off",
    stops=False,
    retry=False,
    shown=gate_note.markdown,
)


@contextmanager
def opened(plan: GatePlan) -> Generator[Gated]:
    """Open the plan's gate and the run's bundle; whatever ends the block, the bundle is sealed."""
    run = runs.current("deploy-gate")
    kept = bundle.open_bundle(
        plan.out, kind="deploy-gate", started=datetime.now(UTC), run=run.id, attempt=run.attempt
    )
    with attempts.kept(kept) as log, observing(log), gated.opened(plan, run.name) as gate:
        gate.bundle = kept
        try:
            yield gate
        except errors.OpsError as error:
            if not gate.concluded:
                error.evidence = hand_off_broken_gate(gate, error)
            raise
        finally:
            kept.seal()
