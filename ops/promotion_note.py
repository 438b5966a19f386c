"""A promotion in words: the release note with the fields that the runbook asks for, its message, and its verdict.

Source: phase2-rollout-and-eval.md, section 4.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from ops import markdown as md
from ops import release_note
from ops.promoting import Promoting
from ops.promotion_result import Promotion

_WORDS = {True: "yes", False: "NO", None: "not looked at"}


def markdown(promoting: Promoting, found: Promotion) -> str:
    """Return the release note."""
    return release_note.markdown(facts(promoting, found))


def facts(promoting: Promoting, found: Promotion) -> release_note.Facts:
    """Return what a release note says of this promotion."""
    plan, begun = found.plan, promoting.begun
    rehearsal = plan.rehearsal if plan else None
    return release_note.Facts(
        project=found.project,
        environment=found.environment,
        rolled_out=begun.began_at if begun else found.started,
        operator=_operator(found),
        staging_started=datetime.fromisoformat(rehearsal.started) if rehearsal else None,
        staging_ended=datetime.fromisoformat(rehearsal.ended) if rehearsal else None,
        prod_started=found.began_at,
        prod_ended=found.applied_at,
        verification=tuple(_query(row) for row in (promoting.gates.rows if promoting.gates else ())),
        rollback_test=_rollbacks(found),
        commit=found.commit,
        plan_digest=found.plan_digest,
        change_digest=found.change_digest,
        migrations=tuple(each.file for each in found.files if not each.overlay),
        overlay=tuple(each.file for each in found.files if each.overlay),
        findings=found.findings,
    )


def _operator(found: Promotion) -> str:
    by = f"approved by {', '.join(found.decision.by)} ({found.decision.proof})" if found.decision.by else ""
    return "; ".join(part for part in (found.decision.requester, by) if part)


def _query(row: dict[str, Any]) -> release_note.Query:
    return release_note.Query(
        name=str(row.get("gate") or row.get("name")), ok=bool(row["ok"]), output=str(row.get("found"))
    )


def _rollbacks(found: Promotion) -> str:
    if found.plan is None:
        return ""
    rehearsal = found.plan.rehearsal
    counted = Counter(rehearsal.rollbacks.get(each.file, "unknown") for each in found.plan.files)
    said = ", ".join(f"{count} {status}" for status, count in counted.most_common())
    p0 = next((each.summary for each in found.checks if each.name == "p0 rollback" and each.ok), "")
    return f"{said} on {rehearsal.environment} ({rehearsal.run}). {p0}".strip()


def message(found: Promotion) -> str:
    """Return what stakeholders read."""
    files = "\n".join(f"• {each.file}: {each.status}" for each in found.files[:20])
    return f"{found.verdict.upper()}: {found.summary}\n{files}"


def verdict(found: Promotion) -> str:
    """Return the result as a page of the Prefect UI."""
    lines = [f"# {found.verdict.upper()}: {md.escaped(found.summary)}", ""]
    decided = ", ".join(found.decision.by)
    told = {
        "Plan": found.plan_digest,
        "Commit": found.commit or "",
        "Asked by": found.decision.requester,
        "Approved by": f"{decided} ({found.decision.proof})" if decided else "",
        "Begun by": found.decision.continued,
        "Began": _time(found.began_at),
        "Applied": _time(found.applied_at),
        "Evidence": found.bundle or "",
    }
    lines += md.table(("", ""), [(name, value) for name, value in told.items() if value])
    lines += [
        "## Files",
        "",
        *md.table(("file", "status"), [(each.file, each.status) for each in found.files]),
    ]
    lines += ["## Checks", ""]
    lines += md.table(("check", "holds", "found"), [(c.name, _WORDS[c.ok], c.summary) for c in found.checks])
    for title, differences in (("Not as rehearsed", found.differences), ("Drift from before", found.drift)):
        if differences:
            rows = [(f"{d.kind} {d.object}", d.before or "", d.after or "") for d in differences[:50]]
            lines += [f"## {title}", "", *md.table(("object", "rehearsed", "found"), rows)]
    if found.findings:
        lines += ["## Findings", "", *(f"- {md.escaped(each)}" for each in found.findings), ""]
    return "\n".join(lines)


def _time(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""
