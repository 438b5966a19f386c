"""`runbooks promote`: a promotion in this process, without a Prefect server, where nothing is guarded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.text import Text

from cli import destination, layout
from cli.ending import ended
from cli.layout import Layout
from cli.screen import Screen
from ops import redaction
from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from ops.verdict import Failure, Verdict
from tasks import runbook
from tasks.step import observing

_STYLES = {Verdict.PASSED: "bold white on green", Verdict.FAILED: "bold white on red"}
_MARKS = {True: ("✓", "green"), False: ("✗", "bold red"), None: ("·", "yellow")}


def promote(
    path: Path, environment: str, confirmation: str, choices: PromotionChoices, *, json_file: Path | None
) -> int:
    """Promote the project at `path`; return 0 promoted, 1 not so or not proven, 2 refused, 3 unavailable."""
    redaction.install()
    if problem := destination.problem(json_file):
        print(problem, file=sys.stderr)
        return Verdict.REFUSED.exit_code
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.prod_promotion import prod_promotion

    started = datetime.now(UTC)
    output = sys.stderr if destination.is_standard_output(json_file) else sys.stdout
    never_began = partial(_never_began, path, environment, started)
    with observing(Screen(output)):
        found = ended(
            lambda: prod_promotion.fn(str(path), environment, confirmation, choices),
            Promotion,
            never_began,
            what="promotion",
        )
    show(found, output)
    if json_file:
        destination.write_json(json_file, found.published())
    return found.verdict.exit_code


def show(found: Promotion, output: TextIO) -> None:
    """Print one screen of a promotion's result."""
    console = layout.plain(output)
    for line in _lines(found, Layout(console)):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _lines(found: Promotion, layout: Layout) -> Iterator[Text]:
    badge = f" {found.verdict.upper()} "
    first, *rest = layout.wrapped(found.summary, indent=len(badge) + 1, most=8)
    yield Text()
    yield Text.assemble(
        (badge, _STYLES.get(found.verdict, "bold black on yellow")), first.plain[len(badge) :]
    )
    yield from (*rest, Text())
    for check in found.checks:
        mark, style = _MARKS[check.ok]
        yield from layout.item(mark, f"{check.name}: {check.summary}", style=style)
    for finding in found.findings:
        yield from layout.fact("Finding", finding, style="yellow")
    if found.decision.by:
        asked = f"asked by {found.decision.requester}, " if found.decision.requester else ""
        yield from layout.fact(
            "Decided", f"{asked}approved by {', '.join(found.decision.by)} ({found.decision.proof})"
        )
    if found.bundle:
        yield from layout.fact("Evidence", found.bundle, whole=True)


def _never_began(path: Path, environment: str, started: datetime, said: str, verdict: Verdict) -> Promotion:
    return Promotion(
        ok=False,
        summary=said,
        verdict=verdict,
        state="not begun",
        project=path.resolve().name,
        environment=environment,
        started=started,
        error=Failure(message=said),
    )
