"""Splits exported records among processes, and brings back what each of them found.

They are plain processes that load what they need and nothing of a run's, so that each is small and starts in a moment.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

import orjson

from ops import errors, eval_worker
from ops.eval_score import Part, Scored
from ops.eval_tally import Counted
from ops.eval_worker import Job

PROCESSES = 2
# Bytes; of less than this a second process would only just have come up.
WORTH_IT = 16 * 1024 * 1024
_BLOCK = 64 * 1024
_ROOT = Path(__file__).parent.parent
# What a process needs of its starter's surroundings; the rest is nothing to it.
_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")

Progress = Callable[[int], None]


def split(records: Path, folder: Path, *, parts: int) -> list[Part]:
    """Return ranges of a file's bytes of about the same size, each of whole lines."""
    size = records.stat().st_size
    with records.open("rb") as file:
        ends = [_line_end(file, size * number // parts) for number in range(1, parts)]
    places = sorted({0, *ends, size})
    ranges = list(pairwise(places)) or [(0, 0)]
    return [Part(str(records), start, end, str(folder), number) for number, (start, end) in enumerate(ranges)]


def count_of(records: Path) -> int:
    """Return among how many processes a file is worth to be split; 1 is this one itself."""
    return PROCESSES if records.stat().st_size >= WORTH_IT else 1


def score(jobs: Sequence[Job], progress: Progress) -> list[Scored]:
    """Judge the records of each part.

    Raises:
        Unavailable: a process was killed, or the disk is full.
    """
    if len(jobs) == 1:
        return [eval_worker.scored(jobs[0], progress)]
    return cast("list[Scored]", _results(jobs, progress))


def count(jobs: Sequence[Job]) -> list[Counted]:
    """Count the rows of each part.

    Raises:
        Unavailable: a process was killed, or the disk is full.
    """
    if len(jobs) == 1:
        return [eval_worker.counted(jobs[0])]
    return cast("list[Counted]", _results(jobs, lambda _done: None))


def _line_end(file: IO[bytes], at: int) -> int:
    """Return where the line ends that the byte at a place belongs to."""
    file.seek(at)
    while block := file.read(_BLOCK):
        found = block.find(b"\n")
        if found >= 0:
            return at + found + 1
        at += len(block)
    return at


@dataclass(frozen=True, slots=True)
class _Running:
    """One process, and where it leaves what it found and what it complains of."""

    process: subprocess.Popen[bytes]
    result: Path
    said: Path


def _results(jobs: Sequence[Job], progress: Progress) -> list[Scored | Counted]:
    running: list[_Running] = []
    try:
        for job in jobs:
            running.append(_started(job))
        _follow(running, progress)
        for each in running:
            _check(each)
        return [
            eval_worker.unpacked(job.task, each.result.read_bytes())
            for job, each in zip(jobs, running, strict=True)
        ]
    finally:
        for each in running:
            _end(each)


def _started(job: Job) -> _Running:
    given, result, said = (job.part.file(f"{job.task}-{name}") for name in ("job", "result", "said"))
    given.write_bytes(orjson.dumps(job))
    environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    paths = [str(_ROOT), *(path for path in sys.path if path)]
    with said.open("wb") as complaints:
        process = subprocess.Popen(
            # -P: a project has folders of its own, and one may have the name of a package of ours.
            [sys.executable, "-P", "-m", "ops.eval_worker", str(given), str(result)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            bufsize=0,
            env=environment | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
        )
    return _Running(process, result, said)


def _follow(running: Sequence[_Running], progress: Progress) -> None:
    """Wait until all have ended or one has ended badly; say how many lines all have done together."""
    done = [0] * len(running)
    with selectors.DefaultSelector() as waiting:
        for number, each in enumerate(running):
            waiting.register(cast("IO[bytes]", each.process.stdout), selectors.EVENT_READ, number)
        while waiting.get_map():
            for key, _ in waiting.select():
                said = cast("IO[bytes]", key.fileobj).readline()
                if said:
                    done[int(key.data)] = int(said)
                    progress(sum(done))
                    continue
                waiting.unregister(key.fileobj)
                if running[int(key.data)].process.wait() != 0:
                    return


def _check(each: _Running) -> None:
    code = each.process.poll()
    if code is None or code == 0:
        return
    said = each.said.read_text("utf-8", "replace").strip().splitlines()[-1:]
    if code < 0:
        raise errors.Unavailable(
            f"A process that evaluates records was killed by signal {-code}{_memory(-code)}, so that this run has no "
            "samples yet. Nothing was ingested; run it again when there is room."
        )
    if code == eval_worker.DISK:
        raise errors.Unavailable(
            f"Samples cannot be written or records read: {' '.join(said) or 'the disk does not answer'}. Nothing was "
            "ingested; make room, and run it again."
        )
    raise errors.CheckFailed(
        f"A process that evaluates records ended by itself: {' '.join(said) or f'code {code}'}. Nothing was ingested; "
        "this is a fault of ours, report it with this sentence."
    )


def _memory(signal: int) -> str:
    return ", most likely since memory was short" if signal == 9 else ""


def _end(each: _Running) -> None:
    each.process.kill()
    each.process.wait()
    if each.process.stdout:
        each.process.stdout.close()
