"""How a switch ended, as the one object that its bundle holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from ops import errors, repository
from ops.evidence import Evidence
from ops.kept_state import Item
from ops.switch import Mode, Switching
from ops.verdict import Verdict


class Switched(Evidence):
    """The result; `items` hold what was there before, and `changed` whether this run has changed anything.

    The two digests are of the release on which a rehearsal took place, and None otherwise.
    """

    verdict: Verdict
    runbook: str
    project: str
    environment: str
    mode: Literal["switch", "put-back", "rehearse"]
    subject: str
    rehearsal: bool = False
    migrations_digest: str | None = None
    overlays_digest: str | None = None
    commit: str | None = None
    reason: str = ""
    plan_digest: str = ""
    changed: bool = False
    items: dict[str, Item] = Field(default_factory=dict[str, Item])
    verified: tuple[dict[str, str | None], ...] = ()
    findings: tuple[str, ...] = ()
    started: datetime
    ended: datetime
    bundle: str | None = None


def conclude(switching: Switching) -> Switched:
    """Write down how it ended, and seal the evidence."""
    plan = switching.plan
    what = {Mode.SWITCH: "changed", Mode.PUT_BACK: "put back"}[plan.mode]
    names = ", ".join(switching.kept.items) if switching.kept and switching.done else ""
    where = f"{plan.project.name} on {plan.environment.name}"
    if plan.rehearse:
        said = f"{where}: the {switching.subject.kind} and its way back hold on a clone of the release."
        return _written(switching, Verdict.PASSED, said)
    said = (
        f"{where}: {what} and verified: {names}."
        if switching.done
        else f"{where}: {switching.subject.name} was as it should be already; nothing was changed."
    )
    return _written(switching, Verdict.PASSED, said)


def conclude_broken(switching: Switching, error: errors.OpsError) -> Switched:
    """Write down why it did not end well, and what was changed before; a rehearsal has failed then, whatever it was."""
    if switching.plan.rehearse:
        return _written(switching, Verdict.FAILED, str(error))
    stays = "What was changed stays, and what was there before is kept."
    return _written(
        switching, Verdict.of(error), f"{error} {stays if switching.done else 'Nothing was changed.'}"
    )


def _written(switching: Switching, verdict: Verdict, summary: str) -> Switched:
    plan, kept = switching.plan, switching.kept
    commit = repository.find(plan.project.root)
    found = Switched(
        ok=verdict is Verdict.PASSED,
        idle=not switching.done,
        summary=summary,
        rows=tuple(
            {"item": name, "before": str(item.before), "after": str(item.after)}
            for name, item in (kept.items if kept else {}).items()
        ),
        verdict=verdict,
        runbook=switching.subject.kind,
        project=plan.project.name,
        environment=plan.environment.name,
        mode="rehearse" if plan.rehearse else plan.mode.value,
        subject=switching.subject.name,
        rehearsal=plan.rehearse,
        migrations_digest=switching.migrations_digest,
        overlays_digest=switching.overlays_digest,
        commit=commit.hash if commit else None,
        reason=plan.reason,
        plan_digest=switching.digest,
        changed=switching.done,
        items=kept.items if kept else {},
        verified=switching.verified,
        findings=tuple(switching.findings),
        started=switching.started,
        ended=datetime.now(UTC),
        bundle=str(switching.bundle.path) if switching.bundle else None,
    )
    switching.concluded = found
    if switching.bundle:
        plain = found.model_dump(mode="json", exclude={"rows", "idle", "ok"})
        switching.bundle.write_json(f"{switching.subject.kind}.json", plain)
        switching.bundle.seal()
    return found
