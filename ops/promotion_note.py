"""A promotion in words: the release note with the fields that the runbook asks for, its message, and its verdict.

Source: phase2-rollout-and-eval.md, section 4.
"""

from __future__ import annotations

from datetime import UTC, datetime

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
    return release_note.Facts()


def file_name(promoting: Promoting) -> str:
    """Return the name of the note's file: the same plan, begun once, has one note."""
    begun, plan = promoting.begun, promoting.frozen
    at = (begun.began_at if begun else promoting.started).astimezone(UTC)
    return f"{at:%Y-%m-%d}-{promoting.plan.environment.name}-{plan.digest[:8] if plan else 'none'}.md"


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
