"""A rehearsal in place, in a process of its own that kills itself where it is told to.

The process is forked from one that has imported everything already, so that hundreds of them can be killed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from flows.staging_rehearsal import staging_rehearsal
from ops import errors
from ops.choices import Choices
from ops.evidence import Evidence
from ops.verdict import Rehearsal, Verdict
from tasks import step

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])
_KINDS: dict[type[errors.OpsError], Verdict] = {
    errors.Refused: Verdict.REFUSED,
    errors.Unavailable: Verdict.UNAVAILABLE,
}


@dataclass(frozen=True)
class Run:
    """What to rehearse, and where to die: at the `number`-th event of a kind, or never.

    `sent` and `answered` are statements (before they are sent, after they are answered), `began` and `ended`
    steps.
    """

    project: Path
    dsn: str
    out: Path
    kind: str = ""
    number: int = 0

    def dying(self, kind: str, number: int) -> Run:
        return replace(self, kind=kind, number=number)


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, the verdict if it came to one, and how many events it had seen."""

    code: int
    verdict: str = ""
    summary: str = ""
    counts: dict[str, int] | None = None
    result: dict[str, Any] | None = None


class Victim:
    """A started process."""

    def __init__(self, run: Run) -> None:
        self.report = run.out / f"report-{time.monotonic_ns()}.json"
        self.process = _FORKSERVER.Process(target=_live, args=(run, self.report))
        self.process.start()

    def kill(self) -> None:
        """Kill it with -9 and wait until it is gone."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def end(self) -> Ended:
        """Wait for its end."""
        self.process.join(timeout=120)
        code = self.process.exitcode
        assert code is not None, "the rehearsal hangs"
        found: dict[str, Any] = json.loads(self.report.read_text()) if self.report.exists() else {}
        return Ended(code=code, **found)


def run(what: Run) -> Ended:
    """Run a rehearsal to its end, whichever it is."""
    return Victim(what).end()


class _Steps:
    def __init__(self, event: Callable[[str], None]) -> None:
        self._event = event

    def started(self, title: str) -> None:
        self._event("began")

    def finished(self, title: str, evidence: Evidence | None, seconds: float) -> None:
        self._event("ended")

    def failed(self, title: str, error: Exception, seconds: float) -> None:
        self._event("ended")


def _live(what: Run, report: Path) -> None:
    os.environ["STAGING_URL"] = what.dsn
    counts: dict[str, int] = {}

    def event(kind: str) -> None:
        counts[kind] = counts.get(kind, 0) + 1
        if (kind, counts[kind]) == (what.kind, what.number):
            os.kill(os.getpid(), signal.SIGKILL)

    _watch(event)
    with step.observing(_Steps(event)):
        found = _rehearse(what)
    report.write_text(json.dumps({**found, "counts": counts}))


def _watch(event: Callable[[str], None]) -> None:
    execute = psycopg.Cursor.execute

    def watched(self: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        event("sent")
        answer = execute(self, query, *arguments, **options)
        event("answered")
        return answer

    psycopg.Cursor.execute = watched  # pyright: ignore[reportAttributeAccessIssue]


def _rehearse(what: Run) -> dict[str, Any]:
    choices = Choices(database="env:STAGING_URL", out=str(what.out))
    try:
        found = staging_rehearsal.fn(str(what.project), "throw-away", choices)
    except errors.OpsError as error:
        if not isinstance(error.evidence, Rehearsal):
            return {"verdict": _KINDS.get(type(error), Verdict.FAILED), "summary": str(error)}
        found = error.evidence
    return {
        "verdict": found.verdict,
        "summary": found.summary,
        "result": found.model_dump(mode="json", include={"migrations", "chain", "findings", "counts"}),
    }
