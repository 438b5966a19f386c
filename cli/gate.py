"""What the gate of a pull request has to say on the screen beside what a rehearsal says."""

from __future__ import annotations

from collections.abc import Iterator

from cli.layout import Block, Layout
from ops import drift, triage, verification
from ops.pull_request_result import PullRequest

_BAD, _ODD = "bold red", "yellow"
_SIDES = {"left": "only in the migrations", "right": "only on staging", "both": "not the same on staging"}
_MOST = 8


def facts(found: PullRequest) -> dict[str, str]:
    """Return what stands among the facts."""
    files = found.verification.files
    held = sum(not verification.fails(file) for file in files)
    return {
        "Base": f"{found.branch.base} at {(found.branch.merge_base or 'no commit')[:12]}",
        "Verified": f"{held} of {triage.counted(len(files), 'script')} held" if files else "",
        "Drift": _drift(found),
    }


def blocks(layout: Layout, found: PullRequest) -> Iterator[Block]:
    """Yield a block for each change that may not be, each script that fails, and each object that has drifted."""
    for change in found.branch.changes:
        if change.fails:
            yield layout.item("✗", f"{change.place} {change.said}", style=_BAD)
    for file in found.verification.files:
        if verification.fails(file):
            yield layout.item("✗", f"{file.name}: {triage.contract_outcome(file)}", style=_BAD)
    for each in found.drift.differences[:_MOST]:
        yield layout.item("✗", f"{each.kind} {each.object}: {_SIDES[drift.where(each)]}", style=_BAD)
    if len(found.drift.differences) > _MOST:
        yield layout.item("✗", f"and {len(found.drift.differences) - _MOST} more objects differ", style=_BAD)
    for change in found.branch.changes:
        if not change.fails and change.kind != "added":
            yield layout.item("!", f"{change.place} {change.said}", style=_ODD)
    for warning in found.drift.warnings:
        yield layout.item("!", warning, style=_ODD)


def _drift(found: PullRequest) -> str:
    drifted = found.drift
    if drifted.staging is None:
        return ""
    if drifted.status == "unknown":
        return f"not known: {drifted.reason}"
    ignored = f", {drifted.ignored} ignored" if drifted.ignored else ""
    many = triage.counted(len(drifted.differences), "difference")
    return f"{many} to the state of {drifted.compared_with}{ignored}"
