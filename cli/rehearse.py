"""`runbooks rehearse`: the staging rehearsal in this process, without a Prefect server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cli import destination
from cli.ending import ended
from cli.screen import Screen
from ops import redaction
from ops.choices import Choices
from ops.verdict import Base, Failure, Rehearsal, Verdict
from tasks import runbook
from tasks.step import observing


def rehearse(path: Path, environment: str, choices: Choices, *, json_file: Path | None) -> int:
    """Rehearse the project at `path`; return 0 holds, 1 found wrong, 2 refused, 3 unavailable.

    The result is written to `json_file` whatever it is, `-` being standard output, and nothing else goes there
    then. What never began is said on standard error.
    """
    redaction.install()
    if problem := destination.problem(json_file):
        print(problem, file=sys.stderr)
        return Verdict.REFUSED.exit_code
    screen = Screen(sys.stderr if destination.is_standard_output(json_file) else None)
    started = datetime.now(UTC)
    with observing(screen):
        found = _run(path, environment, choices, started)
    (screen if found.bundle else Screen(sys.stderr)).verdict(found)
    if json_file:
        destination.write_json(json_file, found.published())
    return found.verdict.exit_code


def _run(path: Path, environment: str, choices: Choices, started: datetime) -> Rehearsal:
    # Before the runbook is imported, which would take Prefect's two seconds otherwise.
    runbook.without_prefect()
    from flows.staging_rehearsal import staging_rehearsal

    return ended(
        lambda: staging_rehearsal.fn(str(path), environment, choices),
        Rehearsal,
        partial(_never_began, path, environment, started),
        what="rehearsal",
    )


def _never_began(path: Path, environment: str, started: datetime, said: str, verdict: Verdict) -> Rehearsal:
    return Rehearsal(
        ok=False,
        verdict=verdict,
        summary=said,
        project=path.resolve().name,
        environment=environment,
        started=started.isoformat(timespec="seconds"),
        base=Base(place=environment),
        error=Failure(message=said),
    )
