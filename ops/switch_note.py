"""A switch as Markdown, for those who are asked to approve it."""

from __future__ import annotations

from collections.abc import Sequence

from ops.kept_state import Values


def document(
    summary: str,
    *,
    subject: str,
    changes: Sequence[tuple[str, Values, Values]],
    findings: Sequence[str],
) -> str:
    """Return the whole plan: every change as (item, values before, values wanted)."""
    lines = [
        f"# {summary}",
        f"On {subject}. All of it is one transaction; what was there before is kept in `runbooks.kept_states` and can "
        "be put back by this runbook.",
        "| item | what | before | after |\n|---|---|---|---|",
    ]
    for name, before, wanted in changes:
        rows = (
            f"| {name} | {field} | {_cell(before.get(field))} | {_cell(wanted[field])} |" for field in wanted
        )
        lines[-1] = "\n".join([lines[-1], *rows])
    lines += ["\n".join(f"- {said}" for said in findings)] if findings else []
    return "\n\n".join(lines) + "\n"


def _cell(text: str | None) -> str:
    return "none" if text is None else text.replace("|", "\\|").replace("\n", " ")
