"""What the gate itself leaves behind in the tables whose growth is watched: the check of the AI path stores a log.

It is added to the baseline, so that neither this pass nor a later one takes it for what the app has written.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from ops import deploys, errors, growth
from ops.deploy_gated import Gated


@contextmanager
def counted(gate: Gated) -> Generator[None]:
    """Count the watched tables before and after the block, and keep what it has left; of another's writes too."""
    before = _counts(gate)
    yield
    after = _counts(gate)
    left = {name: rows - before[name] for name, rows in after.items() if rows > before.get(name, rows)}
    if left:
        _keep(gate, left)
        said = ", ".join(f"{rows} {'row' if rows == 1 else 'rows'} in {name}" for name, rows in left.items())
        gate.findings.append(
            f"The check of the AI path has left a trace: {said}. It does not count as growth; let ai_check and the app "
            "take back what they store for it."
        )


def _counts(gate: Gated) -> dict[str, int]:
    try:
        wanted = growth.without(gate.plan.project.integrity, gate.absent)
        return growth.count(gate.connection, growth.expectations(gate.connection, wanted))
    except errors.Refused:
        # Where growth is judged that is said, with what to do.
        return {}


def _keep(gate: Gated, left: dict[str, int]) -> None:
    plan = gate.plan
    name, deploy = plan.environment.name, plan.deploy
    if not deploy or not deploys.read(gate.connection, name, deploy):
        return
    deploys.record_traces(gate.connection, name, deploy, left)
    record = deploys.read(gate.connection, name, deploy)
    if gate.baseline and record and record.baseline:
        gate.baseline = record.baseline
