"""The end of a restore: what was approved is recorded, writes are re-enabled and proven, and the report is written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from ops import (
    errors,
    prod_restore_facts,
    prod_restore_loss,
    prod_restore_report,
    write_pause,
    write_pause_back,
)
from ops.evidence import Evidence
from ops.prod_restore import KIND, Restoring
from ops.prod_restore_loss import Loss
from ops.verdict import Verdict


class ProdRestore(Evidence):
    """The result; `state` says how far it came: not begun, paused, restored or enabled."""

    verdict: Verdict
    state: str
    project: str
    environment: str
    incident: str
    target: str
    way: str
    reason: str
    root_cause: str
    cause: str
    ticket: dict[str, str] = Field(default_factory=dict[str, str])
    timeline: tuple[dict[str, Any], ...] = ()
    verified: tuple[dict[str, Any], ...] = ()
    loss: Loss | None = None
    started: datetime
    ended: datetime
    bundle: str | None = None


def record_answer(restoring: Restoring, event: str, details: Mapping[str, Any]) -> Evidence:
    """Keep in the record what a gate has decided, so that no other run asks for it again.

    Raises:
        Refused: nothing is paused.
        Unavailable: the database does not answer.
    """
    if event == "verified":
        kept: dict[str, Any] = restoring.said("baseline").get("tables", {})
        with restoring.site.connected() as connection:
            details = {**details, "tables": prod_restore_facts.of(connection, [*kept])}
        details["found"] = list(restoring.verified)
    found = write_pause.note(restoring.site, event, details)
    restoring.reread()
    by = ", ".join(details.get("by", ())) or "nobody"
    return Evidence(ok=True, summary=f"Recorded as event {found.number} of the incident: {event}, by {by}.")


def enable_writes(restoring: Restoring) -> Evidence:
    """Give back every right that was taken, take the page away, and end the sessions that began while paused.

    Raises:
        Refused: nobody has said that the restored data is right, or another run holds the database.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    record = restoring.reread()
    if not record.open:
        raise errors.Refused(
            "Another run has re-enabled writes and ended this incident, so there is nothing to do."
        )
    if not (restoring.over or restoring.proven.end):
        raise errors.Refused(f"Nobody has said that the restored data is right. {restoring.still}")
    found = write_pause.resume(restoring.site, anew=not restoring.over)
    restoring.reread()
    return found


def prove_writes(restoring: Restoring) -> Evidence:
    """Prove that the app writes again, by a change as each of its roles that is rolled back.

    Raises:
        Unavailable: the database does not answer.
    """
    settings = restoring.plan.environment.pause
    return write_pause_back.prove(restoring.site.dsn, settings, run=restoring.site.run)


def report(restoring: Restoring) -> ProdRestore:
    """Write the incident report, close the incident, and seal the evidence.

    Raises:
        Unavailable: the database does not answer.
    """
    done = (
        "re-enabled without a restore"
        if restoring.record.has("given-up")
        else "restored, verified and re-enabled"
    )
    plan = restoring.plan
    found = _result(restoring, Verdict.PASSED, f"{plan.project.name} on {plan.environment.name}: {done}.")
    _write(restoring, found)
    write_pause.note(restoring.site, "closed", {"bundle": found.bundle or ""})
    if restoring.bundle:
        restoring.bundle.seal()
    return found


def report_broken(restoring: Restoring, error: errors.OpsError) -> ProdRestore:
    """Write down why it did not end well, how far it came, and how to go on."""
    said = str(error)
    if not restoring.over and restoring.still not in said:
        said = f"{said} {restoring.still}"
    found = _result(restoring, Verdict.of(error), said)
    _write(restoring, found)
    if restoring.bundle:
        restoring.bundle.seal()
    return found


def _result(restoring: Restoring, verdict: Verdict, summary: str) -> ProdRestore:
    plan, ticket = restoring.plan, restoring.said("restore-confirmed").get("ticket", {})
    found = ProdRestore(
        ok=verdict is Verdict.PASSED,
        summary=summary,
        verdict=verdict,
        state=_state(restoring),
        project=plan.project.name,
        environment=plan.environment.name,
        incident=restoring.incident if restoring.record.open else "",
        target=str(plan.target),
        way=plan.choices.way.value,
        reason=plan.reason,
        root_cause=plan.choices.root_cause,
        cause=plan.choices.cause,
        ticket=ticket,
        timeline=tuple(prod_restore_report.timeline(restoring)),
        verified=restoring.verified or tuple(restoring.said("verified").get("found", ())),
        loss=prod_restore_loss.assess(restoring),
        started=restoring.started,
        ended=datetime.now(UTC),
        bundle=str(restoring.bundle.path) if restoring.bundle else None,
    )
    return found.model_copy(update={"rows": found.timeline})


def _state(restoring: Restoring) -> str:
    if restoring.over:
        return "enabled"
    if not restoring.record.open:
        return "not begun"
    return "restored" if restoring.restored else "paused"


def _write(restoring: Restoring, found: ProdRestore) -> None:
    restoring.concluded = found
    if restoring.bundle:
        plain = found.model_dump(mode="json", exclude={"rows", "idle", "ok"})
        restoring.bundle.write_json(f"{KIND}.json", plain)
        restoring.bundle.write_text("incident-report.md", prod_restore_report.markdown(plain))
