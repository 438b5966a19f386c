"""A step for each of many like things; in a Prefect flow run the quick ones share a task run, which is a turn.

A task run with its artifact costs as much as several quick files, so it goes on until a second has passed. The attempt
log, and a run without Prefect, have a step for each thing all the same.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from ops.evidence import Evidence
from tasks import progress
from tasks.step import Call, Publish, Step, flow_run

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R", bound=Evidence)
# Seconds after which a turn begins nothing more.
LONG = 1.0


class Turns(Generic[S, T, R]):
    """A step that is taken for each of many things; `title` is that of a turn, which begins with the first of them."""

    def __init__(self, step: Step[[S, T], R], *, title: str, what: str) -> None:
        if step.retry:
            raise ValueError(f"what a turn has done is not done again, and {step.title!r} may be tried again")
        self.step = step
        self.title = title
        self.what = what

    def __call__(self, shared: S, things: Sequence[T]) -> list[R]:
        """Take the step for each of `things`, in their order.

        Raises:
            OpsError: as the step raises it; nothing is begun after it.
        """
        going = progress.through(things, self.what)
        if flow_run() is None:
            return [self.step(shared, each) for each in going]
        found: list[R] = []
        for first in going:
            alone = len(found) == len(things) - 1
            title = self.step.titled(self.step.title if alone else self.title, shared, first)
            turn = Turn(self.step, shared, itertools.chain((first,), going), title=title, what=self.what)
            found += turn.run()
        return found


class Turn(Generic[S, T, R]):
    """The step for one thing after the other, until that has taken long, or one is not well."""

    may_retry = False

    def __init__(
        self, step: Step[[S, T], R], shared: S, things: Iterator[T], *, title: str, what: str
    ) -> None:
        self.title = title
        self._step = step
        self._what = what
        self._pending = (step.call(shared, each) for each in things)
        self._calls: list[Call[R]] = []

    def run(self) -> list[R]:
        """Run as a task run, and return what the step returned each time."""
        from tasks import task_runs

        task_runs.run(self, name=self._step.name)
        return [self._step.judged(call) for call in self._calls]

    @property
    def error(self) -> Exception | None:
        return self._calls[-1].error

    @property
    def evidence(self) -> Evidence | None:
        """What all of them showed, as one."""
        found = [each.evidence for each in self._calls if each.evidence]
        return _together(found, self._what) if found else None

    def attempt(self, publish: Publish | None = None) -> None:
        """Run the operation for each; publish what they showed together."""
        ends = time.monotonic() + LONG
        for call in self._pending:
            self._calls.append(call)
            call.attempt()
            if call.error or not (call.evidence and call.evidence.ok) or time.monotonic() >= ends:
                break
        if publish and self._step.evidence and self.evidence:
            publish(self._step.evidence, self.evidence, None)


def _together(found: Sequence[Evidence], what: str) -> Evidence:
    if len(found) == 1:
        return found[0]
    counts = {
        "done": sum(each.ok and not each.idle for each in found),
        "left as they were": sum(each.ok and each.idle for each in found),
        "failed": sum(not each.ok for each in found),
    }
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return Evidence(
        ok=not counts["failed"],
        summary=f"{len(found)} {what}: {said}. The last: {found[-1].summary}",
        rows=tuple(row for each in found for row in each.rows),
        idle=not counts["done"] and not counts["failed"],
    )
