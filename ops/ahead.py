"""Proofs made ahead: on a machine with several cores, other processes prove later migrations meanwhile.

A proof concerns one migration on the state that those before it have made, so that the proofs of two of them can
be had on two servers. The rehearsal's own database still gets every migration, in order.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import IO

from ops import prover
from ops.attempts import LOGGER
from ops.migrations import Migration
from ops.plan import Plan
from ops.prover import Broken, Place, Proven, Task

# A process with a server of its own takes about as long to come up as so many proofs take; to apply what the others
# have proven takes the rehearsal itself a fifteenth of its time. Fewer files than these are not worth a process.
_COMING_UP = 10
_WORTH_IT = 40
_MOST = 4


class Ahead:
    """The processes that are at work; the results of one are there as soon as it has them."""

    def __init__(self) -> None:
        self._lanes: list[_Lane] = []

    @property
    def servers(self) -> int:
        """How many servers were at work, the rehearsal's own among them."""
        return 1 + len(self._lanes)

    def prepare(self, plan: Plan, *, run: str) -> None:
        """Start as many processes as the files are worth, where the database is one of our own.

        The whole chain is rehearsed on one database alone, with what was seen there.
        """
        if plan.environment.in_place or plan.environment.template or plan.chain:
            return
        place = Place(plan.project, plan.environment, run)
        self._lanes = [_Lane(place) for _ in range(1, worth(len(plan.migrations), cores=_cores()))]

    def start(self, pending: Sequence[Migration], *, since: datetime) -> None:
        """Share the later of the pending migrations out."""
        shared = shares(len(pending), lanes=worth(len(pending), cores=1 + len(self._lanes)))
        for lane in self._lanes[len(shared) :]:
            lane.close()
        self._lanes = self._lanes[: len(shared)]
        for lane, (first, last) in zip(self._lanes, shared, strict=True):
            lane.begin(Task(tuple(pending[:first]), tuple(pending[first:last]), since))

    def proven(self, migration: Migration) -> Proven | None:
        """Return the proof of a migration, waiting for it, or `None` where nobody has proven it ahead."""
        for lane in self._lanes:
            if migration.file in lane.files:
                found = lane.wait_for(migration.file)
                return found if found and found.digest == prover.digest(migration) else None
        return None

    def close(self) -> None:
        """End the processes, and with them their servers; nothing is proven ahead any more."""
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.close()


def worth(count: int, *, cores: int) -> int:
    """Return by how many processes, the rehearsal's own among them, so many migrations are worth being proven."""
    return max(1, min(cores, _MOST, count // _WORTH_IT))


def shares(count: int, *, lanes: int) -> list[tuple[int, int]]:
    """Return which of `count` migrations, first and after last, each process but the rehearsal's own proves."""
    if lanes < 2:
        return []
    own = count * 14 // 15 // lanes + _COMING_UP * (lanes - 1) * 2 // lanes
    ends = [own + (count - own) * number // (lanes - 1) for number in range(lanes)]
    return list(pairwise(ends))


def _cores() -> int:
    """Return how many cores this process may use; macOS does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Lane:
    """One process and what it has sent."""

    def __init__(self, place: Place) -> None:
        self.files = frozenset[str]()
        self._results: dict[str, Proven] = {}
        self._changed = threading.Condition()
        self._ended = False
        # -P: a project has folders of its own, and one may have the name of a package of ours.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ops.prover"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._send(pickle.dumps(place))
        self._threads = [threading.Thread(target=self._collect, daemon=True)]
        self._threads[0].start()

    def begin(self, task: Task) -> None:
        self.files = frozenset(migration.file for migration in task.wanted)
        # Beside us, since the process may still be coming up and a pipe holds little.
        sending = threading.Thread(target=self._send, args=(pickle.dumps(task),), daemon=True)
        self._threads.append(sending)
        sending.start()

    def wait_for(self, file: str) -> Proven | None:
        """Return the proof of a file, or `None` if the process ended without it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or file in self._results)
            return self._results.get(file)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()

    def _send(self, pickled: bytes) -> None:
        stream = self._process.stdin
        if stream:
            # Where it ended before it had read all, that is seen at its other pipe.
            with contextlib.suppress(OSError):
                stream.write(pickled)
                stream.flush()

    def _collect(self) -> None:
        try:
            for found in _unpickled(self._process.stdout):
                if isinstance(found, Broken):
                    LOGGER.warning("What proves ahead ended, and the rehearsal goes on alone: %s", found.why)
                    continue
                with self._changed:
                    self._results[found.file] = found
                    self._changed.notify_all()
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()


def _unpickled(stream: IO[bytes] | None) -> Iterator[Proven | Broken]:
    """Yield what a process of ours sends, until it ends, be it in the middle of an object."""
    while stream:
        try:
            yield pickle.load(stream)  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError):
            return
