"""A promotion in a process of its own that kills itself, or waits for a word, at places that it is told.

A place is before or after a step, or in the midst of one: before something is sent to the database, or when it is
under way and not answered. The process is forked from one that has imported everything already.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg
import rich.prompt
from psycopg.waiting import Wait

from flows.prod_promotion import prod_promotion
from ops import errors
from ops.evidence import Evidence
from ops.promotion_choices import PromotionChoices
from ops.promotion_result import Promotion
from ops.verdict import Verdict
from tasks import step
from tests.faults import victim
from tests.polling import wait_until
from tests.releases import CONFIRMATION

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([victim.__name__, __name__])
APPROVES = ("approve", "ada", "")
KEY = "a-fake-key-of-the-audit-log"
Event = Literal["before", "after", "asked", "sent", "under way"]
_sleep = time.sleep


class Place(NamedTuple):
    """The n-th event of a kind, counted within its step, or `after` the one that was the last."""

    step: str
    event: Event
    number: int = 1


@dataclass(frozen=True)
class Run:
    """What to promote, what somebody types who is asked, and where to die or to wait for a word."""

    project: Path
    dsn: str = field(repr=False)
    typed: tuple[str, ...] = ()
    choices: tuple[tuple[str, Any], ...] = ()
    dies: Place | None = None
    waits: tuple[Place, ...] = ()

    def asked(self, *typed: str) -> Run:
        return replace(self, typed=typed or APPROVES)

    def dying(self, place: Place) -> Run:
        return replace(self, dies=place)

    def waiting(self, *places: Place) -> Run:
        return replace(self, waits=places)

    def choosing(self, **choices: Any) -> Run:
        return replace(self, choices=tuple(choices.items()))


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, and what it came to, if it came to anything."""

    code: int
    verdict: str = ""
    state: str = ""
    summary: str = ""
    asked: int = 0
    places: tuple[Place, ...] = ()
    files: dict[str, str] = field(default_factory=dict[str, str])
    findings: tuple[str, ...] = ()


class Victim:
    """A started promotion."""

    def __init__(self, run: Run) -> None:
        name = f"{time.monotonic_ns()}"
        self.run = run
        self._report = run.project.with_name(f"report-{name}.json")
        self._place = run.project.with_name(f"place-{name}")
        self.process = _FORKSERVER.Process(target=_live, args=(run, self._report, self._place))
        self.process.start()

    def wait(self) -> Place | None:
        """Wait until it waits for a word, and return where; nothing when it has ended."""
        wait_until(lambda: self._place.exists() or not self.process.is_alive(), seconds=120)
        return Place(*json.loads(self._place.read_text())) if self._place.exists() else None

    def go_on(self) -> None:
        """Say the word."""
        self._place.unlink()

    def kill(self) -> None:
        """Kill it with -9 and wait until it is gone."""
        assert self.process.pid
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()

    def end(self) -> Ended:
        """Wait for its end."""
        self.process.join(timeout=120)
        code = self.process.exitcode
        assert code is not None, "the promotion hangs"
        found: dict[str, Any] = json.loads(self._report.read_text()) if self._report.exists() else {}
        found["places"] = tuple(Place(*each) for each in found.get("places", ()))
        return Ended(code=code, **found)


def run(what: Run) -> Ended:
    """Promote to the end, whichever it is."""
    return Victim(what).end()


class _Watch:
    """Counts what happens, and dies or waits where it is told to."""

    def __init__(self, what: Run, place: Path) -> None:
        self.what = what
        self.places: list[Place] = []
        self._step = ""
        self._steps: Counter[str] = Counter()
        self._events: Counter[Event] = Counter()
        self._waits = set(what.waits)
        self._place = place

    def event(self, kind: Event) -> None:
        self._events[kind] += 1
        here = Place(self._step, kind, self._events[kind])
        self.places.append(here)
        if here == self.what.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        if here in self._waits:
            self._waits.remove(here)
            _put(self._place, json.dumps(here))
            while self._place.exists():
                _sleep(0.005)

    def started(self, title: str) -> None:
        name = "Plan the promotion" if title.startswith("Plan the promotion") else title
        name = re.sub(r"^(Approved: [\w-]+) .*", r"\1", name)
        self._steps[name] += 1
        self._step = name if self._steps[name] == 1 else f"{name} ({self._steps[name]})"
        self._events.clear()
        self.event("before")

    def finished(self, title: str, evidence: Evidence | None, seconds: float) -> None:
        self.event("after")
        self._step = f"after {self._step}"
        self._events.clear()

    def failed(self, title: str, error: Exception, seconds: float) -> None:
        self.finished(title, None, seconds)


def _put(path: Path, text: str) -> None:
    made = path.with_suffix(".new")
    made.write_text(text)
    made.replace(path)


def _live(what: Run, report: Path, place: Path) -> None:
    os.environ.update(PRODUCTION_URL=what.dsn, AUDIT_KEY=KEY)
    # Whoever waits before it tries again waits here for the test, which says when the world is as it was.
    time.sleep = lambda seconds: _sleep(min(seconds, 0.02))
    watch = _Watch(what, place)
    _hear(watch.event)
    asked = _sit_at_the_terminal(what.typed, watch.event)
    with step.observing(watch):
        found = _promote(what)
    report.write_text(json.dumps({**found, "asked": len(asked), "places": watch.places}))


def _hear(event: Callable[[Event], None]) -> None:
    """Hear of each exchange with a database: before it is sent, and when it is under way."""
    wait = psycopg.Connection.wait

    def heard(self: Any, generator: Any, *arguments: Any, **options: Any) -> Any:
        event("sent")
        return wait(self, _heard(generator, event), *arguments, **options)

    psycopg.Connection.wait = heard  # pyright: ignore[reportAttributeAccessIssue]


def _heard(generator: Any, event: Callable[[Event], None]) -> Any:
    """Pass a generator of psycopg's on; where it waits for nothing but an answer, all is sent."""
    ready, under_way = None, False
    try:
        while True:
            waits = generator.send(ready)
            if not under_way and waits == Wait.R:
                event("under way")
                under_way = True
            ready = yield waits
    except StopIteration as stop:
        if not under_way:
            event("under way")
        return stop.value


def _sit_at_the_terminal(typed: Iterable[str], event: Callable[[Event], None]) -> list[str]:
    left, asked = iter(typed), list[str]()

    def ask(question: str, **_: Any) -> str:
        asked.append(question)
        event("asked")
        said = next(left, None)
        assert said is not None, f"nobody may be asked: {question}"
        return said

    sys.stdin = open(os.devnull)  # noqa: SIM115, PTH123  # multiprocessing has closed it
    sys.stdin.isatty = lambda: True  # pyright: ignore[reportAttributeAccessIssue]
    rich.prompt.Prompt.ask = ask  # pyright: ignore[reportAttributeAccessIssue]
    return asked


def _promote(what: Run) -> dict[str, Any]:
    choices = PromotionChoices(**{"no_incident": "no active incident", **dict(what.choices)})
    try:
        found = prod_promotion.fn(str(what.project), "production", CONFIRMATION, choices)
    except errors.OpsError as error:
        if not isinstance(error.evidence, Promotion):
            return {"verdict": Verdict.of(error), "summary": str(error)}
        found = error.evidence
    if not isinstance(found, Promotion):
        return {"verdict": Verdict.REFUSED, "summary": str(getattr(found, "message", found))}
    return {
        "verdict": found.verdict,
        "state": found.state,
        "summary": found.summary,
        "files": {Path(each.file).name.split("_")[0]: each.status for each in found.files},
        "findings": found.findings,
    }
