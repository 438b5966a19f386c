"""A deploy gate in Markdown: the note of its bundle and the artifact in the Prefect UI."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ops import markdown as md
from ops import secrets
from ops.deploy_verdict import DeployGate


def markdown(gate: DeployGate) -> str:
    """Return the note: the verdict first, then each part, the required evidence and what to do next."""
    sections = (
        (f"# {gate.verdict.upper()}: {gate.project} on {gate.environment}, {gate.phase}-deploy", ""),
        (md.escaped(gate.summary), ""),
        md.table(("", ""), _facts(gate)),
        md.table(("part", "status", "found"), [(c.part, c.status, c.summary) for c in gate.checks]),
        _section("Required evidence", _evidence(gate)),
        _section("Next steps", (f"{number}. {step}" for number, step in enumerate(gate.next_steps, 1))),
        _section("Findings", (f"- {finding}" for finding in gate.findings)),
    )
    return secrets.redact("\n".join(line for section in sections for line in section))


def _facts(gate: DeployGate) -> list[tuple[str, str]]:
    facts = {
        "Deploy": gate.deploy or "none, parts run alone",
        "Commit": gate.commit.hash if gate.commit else "not known",
        "Started": gate.started.isoformat(timespec="seconds"),
        "Bundle": gate.bundle or "",
    }
    return [(name, said) for name, said in facts.items() if said]


def _evidence(gate: DeployGate) -> Iterator[str]:
    for each in gate.required:
        yield f"- {'present' if each.present else '**missing**'}: {each.what} ({md.escaped(each.said)})"


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield from (f"## {title}", "", *found, "")
