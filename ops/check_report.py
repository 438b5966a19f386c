"""The report of a scheduled check for people: what is found, what is known, what is over, and how each look went."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ops import markdown
from ops.checked import Checked, Gone, Report, Reported, State

_SAID: dict[State, str] = {
    "well": "well",
    "found": "something was found",
    "idle": "nothing configured",
    "unseen": "NOT LOOKED AT",
}


def row(found: Reported) -> dict[str, Any]:
    """Return a finding of the report as a line of a table."""
    return {
        "severity": found.severity if found.counts else f"{found.severity} (does not count)",
        "finding": found.kind,
        "where": found.object,
        "what": found.said,
        "since": _since(found),
        "state": found.change,
        "why": found.why,
        "do": found.todo,
        "fingerprint": found.fingerprint,
        "acknowledged": _acknowledged(found),
    }


def shown(checked: Checked) -> str:
    """Return the report of a check as Markdown."""
    return markdown_of(checked.report)


def markdown_of(report: Report) -> str:
    """Return a report as Markdown; what other people named is no markup in it."""
    head = f"{report.kind} of {report.project} on {report.environment}: {report.verdict}"
    lines = [f"# {markdown.escaped(head)}", "", f"Looked at {_at(report.at)}.", ""]
    for title, counts in (("Found", True), ("Known, and not counted", False)):
        chosen = [each for each in report.findings if each.counts == counts]
        if chosen:
            lines += [f"## {title}", "", *(line for each in chosen for line in _finding(each))]
    lines += _earlier("Not any more", report.gone)
    lines += _earlier("Found earlier, and not looked at this time", report.unknown)
    lines += ["## The looks", ""]
    lines += markdown.table(
        ("check", "state", "what was seen"),
        [(each.about, _SAID[each.state], each.said) for each in report.looks],
    )
    lines += [markdown.escaped(each) for each in report.told]
    return "\n".join(lines).strip() + "\n"


def _finding(found: Reported) -> Iterator[str]:
    facts = {
        "what": found.said,
        "since": _since(found),
        "why": found.why,
        "do": found.todo,
        "acknowledged": _acknowledged(found),
    }
    yield f"### {found.severity}: {markdown.escaped(f'{found.kind} at {found.object}')} ({found.change})"
    yield ""
    yield from (f"- **{name}**: {markdown.escaped(said)}" for name, said in facts.items() if said)
    yield f"- fingerprint {markdown.code(found.fingerprint)}"
    yield ""


def _earlier(title: str, gone: tuple[Gone, ...]) -> list[str]:
    rows = [(each.kind, each.object, _at(each.first)) for each in gone]
    table = list(markdown.table(("finding", "where", "first found"), rows))
    return [f"## {title}", "", *table] if table else []


def _since(found: Reported) -> str:
    return _at(found.since) if found.since else f"first found {_at(found.first)}"


def _acknowledged(found: Reported) -> str:
    said = found.acknowledged
    if said is None:
        return ""
    if said.expired:
        return f"EXPIRED on {said.until} (by {said.by}: {said.why}), so it counts again"
    if said.exceeded:
        return f"as {said.severity} only (by {said.by}: {said.why}), so it counts again"
    return f"until {said.until} by {said.by}: {said.why}"


def _at(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
