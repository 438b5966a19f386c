"""The verdict of a rehearsal on one screen: what holds, what does not, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from cli import attention, gate
from cli.layout import Block, Layout
from ops import manifest, triage
from ops.pull_request_result import PullRequest
from ops.verdict import Rehearsal, Verdict

_STYLES = {
    Verdict.PASSED: "bold white on green",
    Verdict.FAILED: "bold white on red",
    Verdict.REFUSED: "bold black on yellow",
    Verdict.UNAVAILABLE: "bold black on yellow",
}


def lines(rehearsal: Rehearsal, *, console: Console, height: int) -> Block:
    """Return at most `height` lines, none wider than the console."""
    layout = Layout(console)
    head = [*_headline(layout, rehearsal), *_facts(layout, rehearsal)]
    foot = _foot(layout, rehearsal)
    blocks = attention.blocks(layout, rehearsal)
    return [*head, *_fitted(layout, blocks, room=height - len(head) - len(foot)), *foot]


def _headline(layout: Layout, rehearsal: Rehearsal) -> Block:
    found = rehearsal.summary.removeprefix(f"{rehearsal.project}: ")
    said = f"{rehearsal.project} on {rehearsal.environment}: {found}"
    first, *rest = layout.wrapped(said, indent=len(rehearsal.verdict) + 3, most=2)
    badge = Text(f" {rehearsal.verdict.upper()} ", _STYLES[rehearsal.verdict])
    return [Text(), Text.assemble(badge, first.plain[len(badge) :]), *rest, Text()]


def _facts(layout: Layout, rehearsal: Rehearsal) -> Block:
    facts = {
        "Migrations": _migrations(rehearsal),
        "Rollbacks": _rollbacks(rehearsal),
        "Whole chain": _chain(rehearsal),
        "Contract": _contract(rehearsal),
        "RLS": _rls(rehearsal),
        "Database": _database(rehearsal),
    }
    if isinstance(rehearsal, PullRequest):
        facts |= gate.facts(rehearsal)
    found = [line for name, said in facts.items() if said for line in layout.fact(name, said)]
    for warning in rehearsal.base.warnings[:2]:
        found += layout.fact("Warning", warning, style="yellow")
    return found


def _migrations(rehearsal: Rehearsal) -> str:
    counts = rehearsal.counts
    if not counts.files:
        return ""
    parts = {name: getattr(counts, name) for name in ("applied", "failed", "refused", "skipped")}
    named = ", ".join(f"{count} {name}" for name, count in parts.items() if count or name == "applied")
    took = f" in {rehearsal.duration_ms / 1000:.1f} s" if rehearsal.duration_ms else ""
    return f"{named} of {counts.pending} pending{took}"


def _rollbacks(rehearsal: Rehearsal) -> str:
    counts = rehearsal.counts
    if not rehearsal.migrations:
        return ""
    seen = sum(each.rollback.rows_seen for each in rehearsal.migrations)
    rows = f" on {seen:,} rows" if seen else " on empty tables"
    return (
        f"{counts.rollbacks_proven} proven{rows if counts.rollbacks_proven else ''}, "
        f"{counts.rollbacks_wrong} wrong, {counts.rollbacks_missing} without a script"
    )


def _chain(rehearsal: Rehearsal) -> str:
    if rehearsal.chain.status == "skipped":
        return f"not rehearsed: {rehearsal.chain.reason}" if rehearsal.chain.reason else ""
    found = {"proven": "rolled back in reverse and applied again: the same", "differs": "differs"}
    return found.get(rehearsal.chain.status, rehearsal.chain.status)


def _contract(rehearsal: Rehearsal) -> str:
    contract = rehearsal.contract
    if contract.missing:
        return "missing"
    if not contract.files:
        return ""
    passed = sum(each.passed for each in contract.files)
    held = sum(triage.holds(each) for each in contract.files)
    held_of = f"{held} of {triage.counted(len(contract.files), 'file')}"
    return f"{held_of} held, {triage.counted(passed, 'assertion')} passed"


def _rls(rehearsal: Rehearsal) -> str:
    rls = rehearsal.rls
    if not rls.tables:
        return ""
    errors = sum(each.level == "error" for each in rls.findings)
    warnings = len(rls.findings) - errors
    covered = sum(each.enabled for each in rls.tables)
    found = f"{triage.counted(errors, 'error')}, {triage.counted(warnings, 'warning')}"
    return f"on for {covered} of {triage.counted(len(rls.tables), 'exposed table')}; {found}"


def _database(rehearsal: Rehearsal) -> str:
    base = rehearsal.base
    if base.server_version is None:
        return base.place
    stood = ", ".join(base.stand_ins[:4])
    more = f", +{len(base.stand_ins) - 4}" if len(base.stand_ins) > 4 else ""
    return f"PostgreSQL {base.server_version}, {base.place}" + (
        f"; stand-ins: {stood}{more}" if stood else ""
    )


def _fitted(layout: Layout, blocks: Sequence[Block], *, room: int) -> Block:
    """Return what fits of the blocks, worst first, and how many more there are."""
    found: Block = [Text()] if blocks else []
    for number, block in enumerate(blocks):
        last = number == len(blocks) - 1
        if len(found) + len(block) + (0 if last else 1) > room:
            left = len(blocks) - number
            return [*found, *layout.wrapped(f"… and {left} more in the note of the bundle", style="dim")[:1]]
        found += block
    return found


def _foot(layout: Layout, rehearsal: Rehearsal) -> Block:
    found = [Text(), *layout.fact("Next", triage.next_action(rehearsal), style="bold")]
    if rehearsal.bundle:
        path = Path(rehearsal.bundle)
        near = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        found += layout.fact("Evidence", str(near), whole=True)
        seal = manifest.digest(path)
        found += layout.fact("Seal", seal, style="dim") if seal else []
    return found
