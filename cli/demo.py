"""`runbooks demo`, and with `--stay`: the main job through a real Prefect server and worker of our own.

The example is rehearsed on a throw-away database, rehearsed in place on a staging, and promoted to a guarded one;
a project of one's own is rehearsed.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from prefect.client.schemas.objects import FlowRun

from cli import demo_promotion, demo_sites
from cli.demo_sites import Sites
from cli.screen import Screen
from deployments import runs, stack
from deployments.stack import Stack
from ops import bundle, redaction
from ops.evidence import Evidence
from ops.verdict import Rehearsal

EXAMPLE = "examples/storefront"
DEPLOYMENT = "staging-rehearsal/throw-away"
STAGING = "staging-rehearsal/staging"
UNAVAILABLE = 3


def demo(project: Path | None) -> int:
    """Rehearse `project`, or rehearse and promote the example, and stop everything again; 0: everything holds."""
    with _stack(project) as (running, sites):
        return _shown_all(running, sites, project)


def stay(project: Path | None) -> int:
    """Show what the demo shows, and stay up until Ctrl-C."""
    with _stack(project) as (running, sites):
        _shown_all(running, sites, project)
        with contextlib.suppress(KeyboardInterrupt):
            _say(f"\nPrefect stays up at {running.address}; press Ctrl-C to stop it.")
            running.wait()
    return 0


@contextmanager
def _stack(project: Path | None) -> Generator[tuple[Stack, Sites | None]]:
    """Run a stack that ends in order on Ctrl-C and SIGTERM too, with the databases that the example goes to."""
    redaction.install()
    signal.signal(signal.SIGTERM, _leave)
    try:
        with contextlib.ExitStack() as stacked:
            sites = None if project else stacked.enter_context(demo_sites.running())
            extra = sites.environment if sites else None
            running = stacked.enter_context(stack.running(tell=_say, extra=extra))
            yield running, sites
            _say("\nStopping what was started ...")
    except KeyboardInterrupt:
        _say("\nStopped.")
        sys.exit(128 + signal.SIGINT)


def _shown_all(running: Stack, sites: Sites | None, project: Path | None) -> int:
    """Show the main job, as far as the one before it went well."""
    if sites is None:
        return _rehearse(running, project)
    _say("\n1. Rehearse the change, with the overlay of production, on a throw-away database.")
    code = _rehearse(running, None, choices={"overlay": "production"})
    if code == 0:
        _say("\n2. Rehearse it in place on staging, which keeps it.")
        code = _rehearse(running, None, deployment=STAGING)
    if code == 0:
        _say("\n3. Promote it to production: ada asks, grace approves, both with real one-time codes.")
        code = demo_promotion.run(running, sites, EXAMPLE, Path.cwd(), say=_say)
    return code


def _say(line: str) -> None:
    print(line, flush=True)


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)


def _rehearse(
    running: Stack,
    project: Path | None,
    *,
    deployment: str = DEPLOYMENT,
    choices: Mapping[str, str] | None = None,
) -> int:
    # The example by its place in the repository, which is where a worker runs: so a run reads well.
    operated = str(project.resolve()) if project else EXAMPLE
    parameters = {"project": operated, "choices": {"out": str(Path.cwd()), **(choices or {})}}
    run = runs.trigger(running, deployment, parameters)
    _say(f"Waiting for the worker to take the run {running.run_page(run.id)}\n")
    screen = Screen(telling=True)
    ended = _shown(running, run, screen)
    found = _result(run)
    if found is None:
        _say(_why(running, ended))
        return UNAVAILABLE
    screen.verdict(found)
    _say(f"Prefect     {running.run_page(run.id)}")
    return found.verdict.exit_code


def _shown(running: Stack, run: FlowRun, screen: Screen) -> FlowRun:
    """Show the steps of a run as they happen, and return the run as it ended or waits."""
    for seen in runs.follow(running, run.id):
        if isinstance(seen, FlowRun):
            return seen
        if seen.ok is None:
            screen.started(seen.title)
        else:
            screen.finished(seen.title, Evidence(ok=seen.ok, summary=seen.summary), seen.seconds)
    return run


def _result(run: FlowRun) -> Rehearsal | None:
    """Return what the run left in its bundle, if it came so far."""
    folder = bundle.of_run(Path.cwd(), str(run.id))
    path = folder / "rehearsal.json" if folder else None
    if path is None or not path.is_file():
        return None
    return Rehearsal.read(path.read_text(encoding="utf-8"))


def _why(running: Stack, ended: FlowRun) -> str:
    """Say why there is no result: somebody must answer first, or the run broke."""
    page = running.run_page(ended.id)
    if ended.state and ended.state.is_paused():
        return f"\nThe run waits for an answer: {page}"
    said = f"{ended.state.name}: {ended.state.message}" if ended.state else "it never started"
    return (
        f"\nThe run left no result. {said}\nSee {page}; the worker's log ends with:\n{running.log('worker')}"
    )
