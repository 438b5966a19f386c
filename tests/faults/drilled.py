"""A drill in a process of its own that dies of kill -9 at a chosen moment."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.restore_drill import restore_drill
from ops import copying, recovery
from ops.drill import DrillChoices
from ops.evidence import Evidence
from tasks import step

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Death:
    """At the `number`-th event: `step` that begins, file that is `copied`, or look at a `replay` that has begun."""

    event: str
    number: int


def run(root: Path, death: Death) -> int | None:
    """Drill until then; return the exit code of the process."""
    process = _FORKSERVER.Process(target=_live, args=(root, death))
    process.start()
    process.join(timeout=240)
    return process.exitcode


class _Steps:
    def __init__(self, counted: _Counted) -> None:
        self._counted = counted

    def started(self, title: str) -> None:
        self._counted("step")

    def finished(self, title: str, evidence: Evidence | None, seconds: float) -> None: ...

    def failed(self, title: str, error: Exception, seconds: float) -> None: ...


class _Counted:
    def __init__(self, death: Death) -> None:
        self._death = death
        self._seen = 0

    def __call__(self, event: str) -> None:
        self._seen += event == self._death.event
        if self._seen == self._death.number:
            os.kill(os.getpid(), signal.SIGKILL)


def _live(root: Path, death: Death) -> None:
    counted = _Counted(death)
    copy, look = copying._copy, recovery._Recovery._look  # pyright: ignore[reportPrivateUsage]

    def copied(*arguments: Any) -> int:
        counted("copied")
        return copy(*arguments)

    def looked(self: Any) -> None:
        if (self.place.home / "fetched").exists():
            counted("replay")
        look(self)

    copying._copy = copied  # pyright: ignore[reportPrivateUsage]
    recovery._Recovery._look = looked  # pyright: ignore[reportPrivateUsage]
    with step.observing(_Steps(counted)):
        restore_drill.fn(str(root), "production", DrillChoices())
