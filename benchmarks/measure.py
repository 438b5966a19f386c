"""Time and memory of one run, and what many of them amount to."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

# Seconds between two looks at the memory: a look at a Postgres costs milliseconds that it then lacks.
_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds, and the most memory (proportional share, in MiB) of this process's children at one time."""

    seconds: float
    memory: float


@dataclass(frozen=True, slots=True)
class Result:
    """The median of the samples of one contestant at one size."""

    name: str
    files: int
    seconds: float
    spread: tuple[float, float]
    memory: float
    rounds: int


def sample(run: Callable[[], object]) -> Sample:
    """Run once."""
    watch = _Watch()
    watch.start()
    began = time.perf_counter()
    try:
        run()
        seconds = time.perf_counter() - began
    finally:
        watch.ended.set()
        watch.join()
    return Sample(seconds, watch.most / 2**20)


def result(name: str, files: int, samples: list[Sample]) -> Result:
    """Return the median of these samples."""
    seconds = [one.seconds for one in samples]
    memory = statistics.median(one.memory for one in samples)
    return Result(name, files, statistics.median(seconds), (min(seconds), max(seconds)), memory, len(samples))


class _Watch(threading.Thread):
    """Sees, some times a second, how much memory the children have that were not there at the start."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.most = 0
        self.known = {child.pid for child in psutil.Process(os.getpid()).children(recursive=True)}

    def run(self) -> None:
        while not self.ended.wait(_EVERY):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        total = 0
        for child in psutil.Process(os.getpid()).children(recursive=True):
            if child.pid not in self.known:
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:
                    continue
        return total
