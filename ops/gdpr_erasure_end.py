"""How an erasure ended, as the one object that its bundle holds; nothing in it is the person's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from ops import errors
from ops.evidence import Evidence
from ops.gdpr_erasure import GATE, Erasing
from ops.verdict import Verdict


class ErasureResult(Evidence):
    """The result; `objects` are what stays in Storage, by bucket, and `proven` says how it was looked at."""

    verdict: Verdict
    runbook: Literal["gdpr-erasure"] = GATE
    project: str
    environment: str
    subject: str
    request: str = ""
    plan_digest: str = ""
    erased: bool = False
    erased_at: datetime | None = None
    logged: bool = False
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    plan: tuple[dict[str, Any], ...] = ()
    proven: tuple[str, ...] = ()
    objects: dict[str, int] = Field(default_factory=dict[str, int])
    findings: tuple[str, ...] = ()
    started: datetime
    ended: datetime
    bundle: str | None = None


def conclude(erasing: Erasing) -> ErasureResult:
    """Write down how it ended, and seal the evidence."""
    before, where = erasing.erased, erasing.plan.environment.name
    if erasing.done:
        said = f"the subject {erasing.plan.subject} is erased on {where}, proven and logged."
    else:
        when = f"; erased at {before.at:%Y-%m-%d %H:%M} UTC by run {before.run}" if before else ""
        said = f"nothing of the subject {erasing.plan.subject} is left on {where}{when}. Nothing was changed."
    if erasing.objects:
        said += f" {sum(erasing.objects.values())} objects of Storage stay, to be deleted by its API."
    return _written(erasing, Verdict.PASSED, said)


def conclude_broken(erasing: Erasing, error: errors.OpsError) -> ErasureResult:
    """Write down why it did not end well, and whether the subject was erased before."""
    stays = "The subject was erased before that." if erasing.done else "Nothing was erased."
    return _written(erasing, Verdict.of(error), f"{error} {stays}")


def _written(erasing: Erasing, verdict: Verdict, said: str) -> ErasureResult:
    plan, done = erasing.plan, erasing.erased if erasing.done else None
    result = ErasureResult(
        ok=verdict is Verdict.PASSED,
        idle=done is None,
        summary=f"{plan.project.name}: {said}",
        rows=tuple({"what": what, "rows": count} for what, count in (done.counts if done else {}).items()),
        verdict=verdict,
        project=plan.project.name,
        environment=plan.environment.name,
        subject=plan.subject,
        request=plan.request,
        plan_digest=erasing.digest,
        erased=done is not None,
        erased_at=done.at if done else None,
        logged=erasing.logged,
        counts=done.counts if done else {},
        plan=tuple(change.counted for change in erasing.changes),
        proven=erasing.proven,
        objects=erasing.objects,
        findings=tuple(erasing.findings),
        started=erasing.started,
        ended=datetime.now(UTC),
        bundle=str(erasing.bundle.path) if erasing.bundle else None,
    )
    erasing.concluded = result
    if erasing.bundle:
        erasing.bundle.write_json(
            f"{GATE}.json", result.model_dump(mode="json", exclude={"rows", "idle", "ok"})
        )
        erasing.bundle.seal()
    return result
