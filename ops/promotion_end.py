"""The end of a promotion: its result, what it leaves for those who come after, and the record's last word.

Source: database-pipeline.md, "Reporting"; phase2-rollout-and-eval.md, section 4.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ops import (
    promotion_document,
    promotion_note,
    promotions,
    release_branch,
    schema_document,
    secrets,
    stakeholders,
)
from ops.errors import OpsError
from ops.evidence import Evidence
from ops.promoting import Promoting
from ops.promotion_result import Decision, FileResult, Promotion, State
from ops.promotions import Outcome
from ops.verdict import Failure, Verdict

RESULT = "promotion.json"
PLAN = "plan.md"
NOTE = "release_note.md"
# In other states the plan is still under way.
_OUTCOMES: dict[State, Outcome] = {"promoted": "promoted", "rolled back": "rolled-back"}


def document_schema(promoting: Promoting) -> Evidence:
    """Write the schema's documentation with its diagram anew, as it is after the promotion."""
    if promoting.idle or promoting.bundle is None:
        return Evidence(
            ok=True, summary="Nothing was promoted, so the schema's page is as it was.", idle=True
        )
    found = schema_document.regenerate(promoting.connection, title=promoting.plan.project.name)
    promoting.bundle.write_text(schema_document.MARKDOWN, found.markdown)
    return Evidence(ok=True, summary=f"{found.summary} It is in {schema_document.MARKDOWN}.")


def write_note(promoting: Promoting) -> Evidence:
    """Write the release note, commit it where a branch is configured for it, and tell the stakeholders."""
    if promoting.idle or promoting.bundle is None:
        return Evidence(ok=True, summary="Nothing was promoted, so there is no release note.", idle=True)
    found = concluded(promoting)
    text = promotion_note.markdown(promoting, found)
    promoting.bundle.write_text(NOTE, text)
    release = promoting.plan.project.release
    rows = [{"what": "note", "ok": True, "said": f"written to {NOTE}"}]
    if release.notes_branch:
        kept = _committed(promoting, found)
        rows.append({"what": "branch", "ok": kept.ok, "said": kept.summary})
    if release.stakeholders:
        told = stakeholders.tell(promoting.plan.project, promotion_note.message(found))
        rows.append({"what": "stakeholders", "ok": told.ok, "said": told.summary})
    promoting.findings += [str(row["said"]) for row in rows if not row["ok"]]
    return Evidence(
        ok=all(row["ok"] for row in rows),
        summary="The release note is written; " + "; ".join(str(row["said"]) for row in rows[1:]) + "."
        if rows[1:]
        else "The release note is written.",
        rows=tuple(rows),
    )


def hand_off(promoting: Promoting) -> Promotion:
    """Conclude the promotion, write the evidence and seal it."""
    return _deposit(promoting, concluded(promoting))


def end_record(promoting: Promoting) -> Evidence:
    """End the record of a promotion that is over, after all else: until then another run goes on with it."""
    found, begun = promoting.concluded, promoting.begun
    outcome = _OUTCOMES.get(found.state) if found else None
    if begun is None or found is None or outcome is None:
        return Evidence(ok=True, summary="No record is to be ended.", idle=True)
    promotions.end(promoting.connection, begun, outcome)
    return Evidence(ok=True, summary=f"Plan {begun.plan_digest[:8]} is {found.state}, and its record ended.")


def hand_off_broken(promoting: Promoting, error: OpsError) -> Promotion:
    """Write and seal what there is when a step could not do its work."""
    found = concluded(promoting)
    said = secrets.redact(str(error))
    return _deposit(
        promoting,
        found.model_copy(
            update={
                "ok": False,
                "verdict": Verdict.of(error),
                "summary": said,
                "error": Failure(message=said),
            }
        ),
    )


def concluded(promoting: Promoting) -> Promotion:
    """Return what this run amounts to so far."""
    plan, begun = promoting.plan, promoting.begun
    wrong = [each for each in promoting.checks if each.ok is False]
    state = _state(promoting, proven=not wrong)
    return Promotion(
        ok=state in ("promoted", "nothing pending"),
        summary=_summary(promoting, state),
        verdict=Verdict.PASSED if state in ("promoted", "nothing pending") else Verdict.FAILED,
        state=state,
        project=plan.project.name,
        environment=plan.environment.name,
        commit=promoting.frozen.commit if promoting.frozen else plan.commit,
        change_digest=promoting.frozen.change.digest if promoting.frozen else plan.change.digest,
        plan_digest=promoting.frozen.digest if promoting.frozen else "",
        plan=promoting.frozen,
        started=promoting.started,
        ended=datetime.now(UTC),
        began_at=begun.began_at if begun else None,
        applied_at=begun.applied_at if begun else None,
        decision=_decision(promoting),
        checks=tuple(promoting.checks),
        files=_files(promoting),
        differences=promoting.differences,
        drift=promoting.drift,
        findings=tuple(dict.fromkeys(promoting.findings)),
        bundle=str(promoting.bundle.path) if promoting.bundle else None,
    )


def _state(promoting: Promoting, *, proven: bool) -> State:
    if promoting.idle:
        # What was applied of it stays, and that it is well nobody has proven.
        return "given up" if promoting.given_up else "nothing pending"
    if promoting.begun is None:
        return "not begun"
    if promoting.undone:
        return "rolled back"
    if promoting.stopped:
        return "kept half"
    if promoting.begun.applied_at is None:
        return "under way"
    return "promoted" if proven else "not proven"


def _summary(promoting: Promoting, state: State) -> str:
    plan = promoting.plan
    name = f"{plan.project.name} on {plan.environment.name}"
    applied = sum(each.status == "applied" for each in promoting.results.values())
    if state == "not proven":
        wrong = [each for each in promoting.checks if each.ok is False]
        return f"{name}: applied, and not proven: {'; '.join(each.summary for each in wrong)}"
    failed = promoting.results.get(promoting.failed or "")
    words: dict[State, str] = {
        "nothing pending": "nothing is pending, so nothing was done.",
        "given up": f"{_given_up(promoting)}",
        "not begun": "not begun.",
        "under way": "begun, and not at its end: run again.",
        "promoted": f"promoted; {applied} files applied in this run, everything proven.",
        "kept half": f"{failed.file if failed else ''} failed ({failed.error if failed else ''}); "
        "what was applied before it stays.",
        "rolled back": f"{failed.file if failed else ''} failed ({failed.error if failed else ''}); "
        "everything of this plan was rolled back.",
        "not proven": "",
    }
    return f"{name}: {words[state]}"


def _given_up(promoting: Promoting) -> str:
    return (
        f"plan {promoting.given_up.plan_digest[:8] if promoting.given_up else ''} was given up. What it has applied "
        "stays, and was never proven. Look at what its last run found wrong, and promote what mends it, or roll it "
        "back with schema-rollback."
    )


def _decision(promoting: Promoting) -> Decision:
    if promoting.begun is None:
        return Decision()
    kept: dict[str, Any] = promoting.begun.kept.get("decision") or {}
    continued = promoting.begun.run if promoting.begun.run != promoting.run else ""
    return Decision.model_validate({**kept, "continued": continued})


def _files(promoting: Promoting) -> tuple[FileResult, ...]:
    if promoting.frozen is None:
        return ()
    before = promoting.begun is not None
    return tuple(
        promoting.results.get(each.file)
        or FileResult(
            file=each.file,
            version=each.version,
            overlay=each.overlay,
            status="applied before" if before else "not reached",
        )
        for each in promoting.frozen.files
    )


def _committed(promoting: Promoting, found: Promotion) -> Evidence:
    try:
        return release_branch.keep(promoting.plan.project, promotion_note.facts(promoting, found))
    except OpsError as error:
        return Evidence(ok=False, summary=f"The release note was not committed: {error}")


def _deposit(promoting: Promoting, found: Promotion) -> Promotion:
    bundle = promoting.bundle
    if bundle is None:
        raise ValueError("a promotion is handed off into a bundle")
    if promoting.frozen:
        bundle.write_text(PLAN, promotion_document.markdown(promoting))
    bundle.write_json(RESULT, found.published())
    bundle.seal()
    promoting.concluded = found
    return found
