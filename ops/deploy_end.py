"""The end of a deploy gate: its verdict, its bundle, and the record of what the phase found."""

from __future__ import annotations

import contextlib

from ops import deploy_note, deploys, required
from ops.deploy_choices import Phase
from ops.deploy_gated import Gated
from ops.deploy_verdict import DeployGate
from ops.errors import OpsError
from ops.verdict import Verdict

RESULT = "deploy-gate.json"
NOTE = "deploy-gate.md"


def hand_off(gate: Gated) -> DeployGate:
    """Conclude the phase, record what it found under the deploy's id, and write the evidence."""
    return _deposit(gate, required.conclude(gate))


def hand_off_broken(gate: Gated, error: OpsError) -> DeployGate:
    """Write what there is when a part could not do its work."""
    found = required.conclude(gate)
    broken = {
        "ok": False,
        "verdict": Verdict.of(error),
        "summary": str(error),
        "error": str(error),
    }
    # The record may be what is out of reach.
    with contextlib.suppress(OpsError):
        return _deposit(gate, found.model_copy(update=broken))
    return _written(gate, found.model_copy(update=broken))


def _deposit(gate: Gated, found: DeployGate) -> DeployGate:
    plan = gate.plan
    if not plan.partial:
        _record(gate, found)
        deploys.write_mirror(gate.connection, plan.environment.name, plan.deploy, root=plan.out)
    return _written(gate, found)


def _record(gate: Gated, found: DeployGate) -> None:
    plan, name = gate.plan, gate.plan.environment.name
    if plan.phase is Phase.POST:
        # A phase that was refused because it has no business with this deploy changes nothing of its record.
        if found.verdict is not Verdict.REFUSED and deploys.read(gate.connection, name, plan.deploy):
            deploys.record_result(gate.connection, name, plan.deploy, found.published())
    elif found.error is None:
        # One that broke off has no baseline, so what an earlier one found stands, or there is none.
        deploys.record_before(
            gate.connection,
            name,
            plan.deploy,
            project=plan.project.name,
            commit=found.commit.hash if found.commit else None,
            baseline=gate.baseline,
            result=found.published(),
        )


def _written(gate: Gated, found: DeployGate) -> DeployGate:
    bundle = gate.bundle
    if bundle is None:
        raise ValueError("a gate is handed off into a bundle")
    if gate.integrity is not None:
        bundle.write_json(f"data/integrity_{gate.plan.phase}.json", gate.integrity)
    if gate.record is not None:
        bundle.write_json("deploy.json", gate.record)
    bundle.write_text(NOTE, deploy_note.markdown(found))
    bundle.write_json(RESULT, found.published())
    bundle.seal()
    gate.concluded = found
    return found
