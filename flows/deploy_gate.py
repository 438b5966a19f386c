"""The deploy gate. Source: deploy-gate.md."""

from __future__ import annotations

from ops.deploy_choices import GateChoices, Phase
from ops.deploy_verdict import DeployGate
from tasks import checklist
from tasks import deploy as step
from tasks.runbook import flow


@flow(name="deploy-gate", flow_run_name="Gate {deploy} on {environment}, {phase}-deploy")
def deploy_gate(
    project: str,
    environment: str,
    phase: Phase = Phase.PRE,
    deploy: str = "",
    choices: GateChoices = GateChoices(),
) -> DeployGate:
    """Hold a deploy until what it needs is shown, and show afterwards that it works.

    **When** before every deploy of the app (`pre`), and once more after it with the same id (`post`).
    **Needs** an environment with the app's database; after the deploy, the baseline from before it.
    **Touches** the `runbooks` schema; what it writes into the app's tables is taken back before anybody sees it.
    **If it stops halfway** run it again: it only looks, and records the same deploy once.

    Args:
        project: Path of the app's repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml`.
        phase: Before the deploy, or after it.
        deploy: Id of the deploy, the same in both phases, such as a date or a release.
        choices: What of the gate to run, and what is known of the deploy.
    """
    plan = step.plan_gate(project, environment, phase, deploy, choices)

    with step.opened(plan) as gate:
        step.check_auth(gate)
        step.find_deploy(gate)
        step.check_commit(gate)
        step.check_schema(gate)
        step.run_tests(gate)
        step.check_smoke(gate)
        step.check_integrity(gate)

        checklist.ask_checklist(gate)

        step.record_deploy(gate)

        step.prove_growth(gate)
        return step.hand_off_gate(gate)
