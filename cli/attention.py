"""What needs a person's eye after a rehearsal, a block of lines each, the worst first."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from cli import gate
from cli.layout import Block, Layout
from ops import triage
from ops.pull_request_result import PullRequest
from ops.verdict import Difference, Failure, MigrationResult, Rehearsal

_WRONG = {"differs", "failed"}
_BAD = "bold red"
_ODD = "yellow"


def blocks(layout: Layout, rehearsal: Rehearsal) -> list[Block]:
    """Return the blocks in the order in which they matter."""
    return [
        *(gate.blocks(layout, rehearsal) if isinstance(rehearsal, PullRequest) else ()),
        *_errors(layout, rehearsal),
        *_rollbacks(layout, rehearsal),
        *_others(layout, rehearsal),
        *_missing(layout, rehearsal),
        *_findings(layout, rehearsal),
    ]


def _errors(layout: Layout, rehearsal: Rehearsal) -> Iterator[Block]:
    if rehearsal.error and not _said_below(rehearsal):
        yield _failure(layout, "", rehearsal.error)
    for result in rehearsal.migrations:
        if result.status in {"failed", "refused"}:
            if result.error:
                yield _failure(layout, result.file, result.error)
            else:
                yield layout.item("✗", f"{result.file} was {result.status}", style=_BAD)


def _said_below(rehearsal: Rehearsal) -> bool:
    """Whether what ended the rehearsal is what is said of one of its files."""
    said = rehearsal.error.message if rehearsal.error else ""
    return any(each.error and each.error.message in said for each in rehearsal.migrations)


def _failure(layout: Layout, file: str, failure: Failure) -> Block:
    place = [failure.file or file, *(str(part) for part in (failure.line, failure.column) if part)]
    said = " ".join(part for part in (failure.sqlstate, failure.message) if part)
    if not place[0]:
        return layout.item("✗", said, style=_BAD)
    found = [*layout.item("✗", ":".join(place), style=_BAD), *layout.wrapped(said, indent=2)]
    for line in _excerpt(failure.statement):
        found += layout.kept(f"  │ {line}", style="dim")
    for name, text in (("detail", failure.detail), ("hint", failure.hint)):
        found += layout.wrapped(f"{name}: {text}", indent=2, most=2) if text else []
    helps = triage.hint(failure)
    return [*found, *layout.wrapped(f"→ {helps}", indent=2, style="cyan")] if helps else found


def _excerpt(statement: str | None) -> Sequence[str]:
    lines = [line for line in textwrap.dedent(statement or "").splitlines() if line.strip()]
    return lines[:2] if len(lines) <= 3 else [*lines[:2], "…"]


def _rollbacks(layout: Layout, rehearsal: Rehearsal) -> Iterator[Block]:
    for result in rehearsal.migrations:
        if result.rollback.status == "failed" and result.rollback.error:
            yield _failure(layout, result.rollback.script or result.file, result.rollback.error)
        elif result.rollback.status in _WRONG:
            said = f"{result.rollback.script or result.file} does not restore"
            yield _different(layout, said, result.rollback.differences)
        if result.reapply.status in _WRONG:
            yield _reapplied(layout, result)


def _reapplied(layout: Layout, result: MigrationResult) -> Block:
    said = f"{result.file}, applied again after its rollback, gives another result"
    if result.reapply.error:
        said = f"{result.file} cannot be applied again after its rollback: {result.reapply.error}"
    return _different(layout, said, result.reapply.differences)


def _different(layout: Layout, said: str, differences: Sequence[Difference]) -> Block:
    found = layout.item("✗", said, style=_BAD)
    for each in differences[:3]:
        found += layout.wrapped(triage.describe(each), indent=4, most=1)
    if len(differences) > 3:
        found += layout.wrapped(f"+{len(differences) - 3} more", indent=4, style="dim")
    return found


def _others(layout: Layout, rehearsal: Rehearsal) -> Iterator[Block]:
    chain = rehearsal.chain
    if chain.status in _WRONG:
        said = chain.reason or "the start is not restored"
        yield _different(layout, f"The whole chain: {said}", chain.differences)
    if rehearsal.contract.missing:
        yield layout.item("✗", rehearsal.contract.missing, style=_BAD)
    for file in rehearsal.contract.files:
        if not triage.holds(file):
            yield layout.item("✗", f"{file.name}: {triage.contract_outcome(file)}", style=_BAD)
    for finding in rehearsal.rls.findings:
        if finding.level == "error":
            yield layout.item("✗", f"RLS: {triage.rls(finding)}", style=_BAD)


def _missing(layout: Layout, rehearsal: Rehearsal) -> Iterator[Block]:
    names = [
        each.file.rpartition("/")[2] for each in rehearsal.migrations if each.rollback.status == "missing"
    ]
    if names:
        more = f", +{len(names) - 2} more" if len(names) > 2 else ""
        said = f"{len(names)} without a rollback script: {', '.join(names[:2])}{more}"
        mark, style = ("✗", _BAD) if triage.needs_scripts(rehearsal) else ("!", _ODD)
        yield layout.item(mark, said, style=style, most=2)


def _findings(layout: Layout, rehearsal: Rehearsal) -> Iterator[Block]:
    for finding in rehearsal.findings:
        yield layout.item("!", finding, style=_ODD, most=2)
    for finding in rehearsal.rls.findings:
        if finding.level == "warning":
            yield layout.item("!", f"RLS: {triage.rls(finding)}", style=_ODD, most=2)
    linted = [each for each in rehearsal.migrations if each.lint]
    if linted:
        count = triage.counted(sum(len(each.lint) for each in linted), "lint finding")
        yield layout.item("!", f"{count} in {triage.counted(len(linted), 'file')}", style=_ODD)
