"""The process that judges or counts one part of the exported records.

    python -m ops.eval_worker JOB RESULT

Both are files of JSON; how many lines are done is written to standard output, a number a line. It ends early when
nobody reads that any more.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from ops import eval_rows, eval_score, eval_tally
from ops.eval_measures import REGISTRY
from ops.eval_score import Part, Progress, Scored
from ops.eval_standard import Standard
from ops.eval_tally import Counted, Numbers

# Like EX_IOERR of sysexits: the disk is full, or a file cannot be read.
DISK = 74


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with a part: judge its records, or count its rows but the skipped ones."""

    task: Literal["score", "count"]
    part: Part
    standard: Standard
    kept: Sequence[Sequence[str] | None] = ()
    skipped: Sequence[int] = ()


def scored(job: Job, progress: Progress) -> Scored:
    """Judge the records of a part."""
    return eval_score.score(job.standard, job.part, progress)


def counted(job: Job) -> Counted:
    """Count the rows of a part."""
    with job.part.file("rows").open("rb") as rows:
        return eval_tally.count(
            rows,
            kept=job.kept,
            skipped=frozenset(job.skipped),
            more=bool(eval_rows.further(REGISTRY)),
            part=job.part.number,
        )


def packed(result: Scored | Counted) -> bytes:
    """Return a result as JSON."""
    if isinstance(result, Counted):
        outcomes = [[*each, times] for each, times in result.outcomes.items()]
        numbers = [[labels, each.latency, each.cost] for labels, each in result.numbers.items()]
        found: Any = {"outcomes": outcomes, "numbers": numbers, "worst": result.worst}
    else:
        found = result
    return orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS)


def unpacked(task: str, result: bytes) -> Scored | Counted:
    """Return the result that `packed` wrote."""
    found = orjson.loads(result)
    if task == "score":
        return Scored(**found)
    return Counted(
        {(tuple(labels), tuple(results)): times for labels, results, times in found["outcomes"]},
        {tuple(labels): Numbers(_whole(latency), _whole(cost)) for labels, latency, cost in found["numbers"]},
        [tuple(each) for each in found["worst"]],
    )


def _whole(counts: Mapping[str, int]) -> dict[int, int]:
    return {int(value): times for value, times in counts.items()}


def _job(written: bytes) -> Job:
    found = orjson.loads(written)
    found |= {"part": Part(**found["part"]), "standard": Standard(**found["standard"])}
    return Job(**found)


def _tell(done: int) -> None:
    # Straight to the pipe: what nobody reads must not be left over for the end of the process.
    os.write(1, f"{done}\n".encode())


def main(job_path: str, result_path: str) -> int:
    """Do a job; return the exit code."""
    job = _job(Path(job_path).read_bytes())
    try:
        result = scored(job, _tell) if job.task == "score" else counted(job)
        Path(result_path).write_bytes(packed(result))
    except BrokenPipeError:
        return DISK
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return DISK
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
