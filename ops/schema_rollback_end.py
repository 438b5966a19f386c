"""How a rollback of the schema ended, as the one object that its bundle holds."""

from __future__ import annotations

from datetime import UTC, datetime

from ops import errors
from ops.evidence import Evidence
from ops.schema_rollback import KIND, RollingBack
from ops.verdict import Difference, Verdict


class SchemaRollback(Evidence):
    """The result; `rolled_back` are versions in the order in which they went, `removed` what each has changed."""

    verdict: Verdict
    project: str
    environment: str
    reason: str
    plan_digest: str
    planned: tuple[str, ...]
    rolled_back: tuple[str, ...]
    proven_in: dict[str, str]
    lost: tuple[dict[str, str], ...]
    removed: dict[str, tuple[Difference, ...]]
    findings: tuple[str, ...]
    started: datetime
    ended: datetime
    bundle: str | None = None


def conclude(rolling: RollingBack) -> SchemaRollback:
    """Write down how it ended, and seal the evidence."""
    names = ", ".join(each.path.name for each in rolling.order)
    where = f"{rolling.plan.project.name} on {rolling.plan.environment.name}"
    return _written(rolling, Verdict.PASSED, f"{where}: rolled back and verified: {names}.")


def conclude_broken(rolling: RollingBack, error: errors.OpsError) -> SchemaRollback:
    """Write down why it did not end well, and what was rolled back before."""
    return _written(rolling, Verdict.of(error), str(error))


def _written(rolling: RollingBack, verdict: Verdict, summary: str) -> SchemaRollback:
    gone = tuple(each.version for each in rolling.order if each.version in rolling.done)
    found = SchemaRollback(
        ok=verdict is Verdict.PASSED,
        summary=summary,
        rows=tuple({"version": version, "proven in": path.name} for version, path in rolling.proofs.items()),
        verdict=verdict,
        project=rolling.plan.project.name,
        environment=rolling.plan.environment.name,
        reason=rolling.plan.choices.reason,
        plan_digest=rolling.digest,
        planned=tuple(each.version for each in rolling.order),
        rolled_back=gone,
        proven_in={version: path.name for version, path in rolling.proofs.items()},
        lost=tuple(rolling.losses),
        removed=rolling.removed,
        findings=tuple(dict.fromkeys(rolling.findings)),
        started=rolling.started,
        ended=datetime.now(UTC),
        bundle=str(rolling.bundle.path) if rolling.bundle else None,
    )
    rolling.concluded = found
    if rolling.bundle:
        rolling.bundle.write_json(
            f"{KIND}.json", found.model_dump(mode="json", exclude={"rows", "idle", "ok"})
        )
        rolling.bundle.seal()
    return found
