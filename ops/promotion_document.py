"""A promotion's plan for those who approve it: one sentence, and the whole of it as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ops import markdown as md

if TYPE_CHECKING:
    from ops.promoting import Promoting


def summary(promoting: Promoting) -> str:
    """Return what a tired person must know before approving."""
    plan = promoting.frozen
    if plan is None:
        return "Nothing is pending."
    over = sum(each.overlay for each in plan.files)
    count = len(plan.files) - over
    overlay = f" and {over} of this environment's overlay" if over else ""
    emergency = f" EMERGENCY: {plan.emergency}." if plan.emergency else ""
    return (
        f"{plan.project}: {count} migrations{overlay} to the database {plan.target.database}, PostgreSQL "
        f"{plan.target.major}, rehearsed {plan.rehearsal.started}.{emergency}"
    )


def markdown(promoting: Promoting) -> str:
    """Return the whole plan."""
    return "\n".join(
        [
            f"# Promote {promoting.plan.project.name} to {promoting.plan.environment.name}",
            "",
            md.escaped(summary(promoting)),
            "",
            *_facts(promoting),
            *_files(promoting),
            *_checks(promoting),
            *_gates(promoting),
            *_findings(promoting),
        ]
    )


def _facts(promoting: Promoting) -> Iterator[str]:
    plan = promoting.frozen
    if plan is None:
        return
    facts = {
        "Plan": plan.digest,
        "Change": plan.change.digest,
        "Commit": plan.commit or "unknown",
        "Database": f"{plan.target.database} of cluster {plan.target.system_identifier}",
        "Schema before": f"{plan.fingerprint[:16]}, {len(promoting.before)} objects",
        "Rehearsal": f"{plan.rehearsal.run} on {plan.rehearsal.environment}",
        "Its seal": plan.rehearsal.seal,
        "If a file fails": f"what was applied before it: {promoting.plan.environment.after_failure.value}",
        "Never compared": "schema runbooks: this tool's journal, audit log and record",
    }
    yield from md.table(("", ""), list(facts.items()))


def _files(promoting: Promoting) -> Iterator[str]:
    """Tables are cut off at the right in the Prefect UI, so only what is short stands in one."""
    plan, rehearsed = promoting.frozen, promoting.rehearsed
    if plan is None:
        return
    measured = {each.file: each for each in rehearsed.rehearsal.migrations} if rehearsed else {}
    rows_of: Mapping[str, Mapping[str, int]] = rehearsed.rows if rehearsed else {}
    rows: list[tuple[str, ...]] = []
    locks: list[str] = []
    for each in plan.files:
        found = measured.get(each.file)
        took = f"{found.duration_ms:.0f}" if found and found.duration_ms else ""
        name = f"{PurePosixPath(each.file).name}{' (overlay)' if each.overlay else ''}"
        rows.append((name, each.sha256[:12], plan.rehearsal.rollbacks.get(each.file, "unknown"), took))
        held = ", ".join(f"{lock.mode} on {lock.object}" for lock in found.locks) if found else ""
        on = ", ".join(
            f"{n} rows of {name}" for name, n in sorted(rows_of.get(each.file, dict[str, int]()).items())
        )
        locks.append(
            f"- {md.escaped(name)}: {md.escaped(held or 'none')}{md.escaped(f'; on {on}' if on else '')}"
        )
    yield from ("## Files, in their order", "")
    yield from md.table(("file", "SHA-256", "rollback", "ms in rehearsal"), rows)
    yield from ("## Locks in the rehearsal, and what they were measured on", "", *locks, "")


def _checks(promoting: Promoting) -> Iterator[str]:
    words = {True: "holds", False: "DOES NOT HOLD", None: "not looked at"}
    yield from ("## What was checked", "")
    yield from (
        f"- **{md.escaped(each.name)}** {words[each.ok]}: {md.escaped(each.summary)}"
        for each in promoting.checks
    )
    yield ""


def _gates(promoting: Promoting) -> Iterator[str]:
    name = promoting.plan.environment.name
    gates = [
        each
        for each in promoting.plan.project.release.gates
        if not each.environments or name in each.environments
    ]
    if gates:
        yield from ("## Release gates that are asked afterwards", "")
        yield from (f"- {md.escaped(each.name)}" for each in gates)
        yield ""


def _findings(promoting: Promoting) -> Iterator[str]:
    if promoting.findings:
        yield from ("## Findings", "")
        yield from (f"- {md.escaped(each)}" for each in dict.fromkeys(promoting.findings))
        yield ""
