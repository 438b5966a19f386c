"""The demo's promotion: asked for by one, approved by another, with real one-time codes and nobody at the keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from cli import demo_sites, promote
from cli.demo_sites import Sites
from cli.screen import Screen
from deployments import runs, waiting
from deployments.stack import Stack
from ops import bundle, confirmation, incidents
from ops.evidence import Evidence
from ops.promotion_result import Promotion
from ops.verdict import Verdict

DEPLOYMENT = "prod-promotion/production"


def run(running: Stack, sites: Sites, project: str, out: Path, *, say: Callable[[str], None]) -> int:
    """Promote the project to the demo's production; return what `runbooks promote` would."""
    parameters = {
        "project": project,
        "environment": "production",
        "confirmation": confirmation.WORDS,
        "choices": {"no_incident": incidents.WORD, "out": str(out)},
    }
    started = runs.trigger(running, DEPLOYMENT, parameters)
    shown: set[str] = set()
    ended = _followed(running, started, shown)
    with temporary_settings({PREFECT_API_URL: running.api}):
        while ended.state and ended.state.is_paused():
            _answer(str(ended.id), sites, say)
            ended = _followed(running, started, shown)
    say(f"Prefect     {running.run_page(started.id)}")
    return _result(out, started, ended, say)


def _followed(running: Stack, run: FlowRun, shown: set[str]) -> FlowRun:
    """Show the steps that were not shown before: after each answer the runbook begins from the top."""
    screen = Screen(telling=True)
    for seen in runs.follow(running, run.id):
        if isinstance(seen, FlowRun):
            return seen
        if seen.ok is not None and (seen.title not in shown or not seen.ok):
            shown.add(seen.title)
            screen.finished(seen.title, Evidence(ok=seen.ok, summary=seen.summary), seen.seconds)
    return run


def _answer(run: str, sites: Sites, say: Callable[[str], None]) -> None:
    asked = waiting.of(run)
    name, said = _said(asked)
    say(f"\n  {name} answers: {', '.join(f'{key} {value}' for key, value in said.items() if value)}\n")
    waiting.answer(asked, {**said, "code": sites.code(name)})


def _said(asked: waiting.Waiting) -> tuple[str, Mapping[str, Any]]:
    if "requester" in asked.fields:
        return demo_sites.ASKS, {"requester": demo_sites.ASKS, "note": "the demo"}
    name = demo_sites.LOOKS if "checklist" in asked.question else demo_sites.APPROVES
    return name, {"decision": "approve", "approver": name, "note": ""}


def _result(out: Path, run: FlowRun, ended: FlowRun, say: Callable[[str], None]) -> int:
    folder = bundle.of_run(out, str(run.id))
    path = folder / "promotion.json" if folder else None
    if path is None or not path.is_file():
        said = f"{ended.state.name}: {ended.state.message}" if ended.state else "it never started"
        say(f"\nThe promotion left no result. {said}")
        return Verdict.UNAVAILABLE.exit_code
    found = Promotion.read(path.read_text("utf-8"))
    promote.show(found, sys.stdout)
    return found.verdict.exit_code
