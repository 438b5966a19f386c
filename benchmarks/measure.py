"""Time and memory of one run, and what many of them amount to."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

# Seconds between two looks. A look at a Postgres costs milliseconds that it then lacks: no run is timed and watched.
_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Result:
    """The median of the samples of one contestant at one size."""

    name: str
    files: int
    seconds: float
    spread: tuple[float, float]
    memory: float


def seconds(run: Callable[[], object]) -> float:
    """Run once and return how long it took."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def memory(run: Callable[[], object]) -> float:
    """Run once and return the most memory (proportional share, in MiB) that its processes had at one time."""
    watch = _Watch()
    watch.start()
    try:
        run()
    finally:
        watch.ended.set()
        watch.join()
    return watch.most / 2**20


def result(name: str, files: int, taken: list[float], most: float) -> Result:
    """Return the median of these seconds, with the memory beside it."""
    return Result(name, files, statistics.median(taken), (min(taken), max(taken)), most)


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
