"""`runbooks deploy-gate`: one phase of a deploy's gate in this process, without a Prefect server."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from rich.text import Text

from cli import layout
from cli.ending import ended
from cli.layout import Block, Layout
from cli.screen import Screen
from ops import errors, redaction, secrets
from ops.deploy_choices import GateChoices, Part, Phase
from ops.deploy_verdict import DeployGate
from ops.verdict import Verdict
from tasks import runbook
from tasks.step import observing

_STYLES = {Verdict.PASSED: "bold white on green", Verdict.FAILED: "bold white on red"}
_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "bold red"), "not checked": ("·", "yellow")}


def gate(
    path: Path, environment: str, phase: Phase, deploy: str, choices: GateChoices, *, json_file: Path | None
) -> int:
    """Run one phase of the gate; return 0 passed, 1 not passed, 2 refused, 3 unavailable.

    The result is written to `json_file` whatever it is, `-` being standard output, and nothing else goes there then.
    """
    redaction.install()
    output = sys.stderr if str(json_file) == "-" else sys.stdout
    with observing(Screen(output)):
        found = _run(path, environment, phase, deploy, choices)
    _show(found, output)
    if json_file:
        _write(json_file, found)
    return found.verdict.exit_code


def parts(named: str) -> tuple[Part, ...]:
    """Return the parts that are named with commas between them.

    Raises:
        Refused: there is no such part; the nearest one is named.
    """
    names = [name.strip() for name in named.split(",") if name.strip()]
    known = [part.value for part in Part]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise errors.Refused(f"The gate has no part {name!r}; it has {', '.join(known)}.{hint}")
    return tuple(Part(name) for name in names)


def _run(path: Path, environment: str, phase: Phase, deploy: str, choices: GateChoices) -> DeployGate:
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.deploy_gate import deploy_gate

    return ended(
        lambda: deploy_gate.fn(str(path), environment, phase, deploy, choices),
        DeployGate,
        partial(_never_began, path, environment, phase, deploy, choices, datetime.now(UTC)),
        what="gate",
    )


def _never_began(
    path: Path,
    environment: str,
    phase: Phase,
    deploy: str,
    choices: GateChoices,
    started: datetime,
    said: str,
    verdict: Verdict,
) -> DeployGate:
    return DeployGate(
        ok=False,
        verdict=verdict,
        summary=said,
        project=path.resolve().name,
        environment=environment,
        phase=phase,
        deploy=deploy,
        partial=bool(choices.only),
        started=started,
        error=said,
    )


def _show(found: DeployGate, output: TextIO) -> None:
    console = layout.plain(output)
    for line in _lines(found, Layout(console)):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def _lines(found: DeployGate, layout: Layout) -> Iterator[Text]:
    alone = " (PARTS ALONE)" if found.partial else ""
    badge = f" {found.verdict.upper()}{alone} "
    first, *rest = layout.wrapped(found.summary, indent=len(badge) + 1, most=6)
    yield Text()
    yield Text.assemble(
        (badge, _STYLES.get(found.verdict, "bold black on yellow")), first.plain[len(badge) :]
    )
    yield from (*rest, Text())
    for check in found.checks:
        mark, style = _MARKS[check.status]
        yield from layout.item(mark, f"{check.part}: {check.summary}", style=style)
    for each in found.required:
        said = f"{each.what}: {each.said}"
        yield from layout.fact("Required", said, style="" if each.present else "bold red")
    for finding in found.findings:
        yield from layout.fact("Finding", finding, style="yellow")
    yield from _next(found, layout)
    if found.bundle:
        yield from layout.fact("Evidence", found.bundle, whole=True)


def _next(found: DeployGate, layout: Layout) -> Block:
    return [
        line
        for number, step in enumerate(found.next_steps, 1)
        for line in layout.fact(f"Next {number}", step, style="bold")
    ]


def _write(path: Path, found: DeployGate) -> None:
    plain = secrets.redact_nested(found.published())
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    if str(path) == "-":
        print(text, end="")
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    temporary.replace(path)
