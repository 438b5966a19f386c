"""Evaluates the exported records: one sample for each that can be read, tallied by slice.

Every line is a sample, or unreadable, blank or repeated; each of these is counted and none is lost.
Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import (
    errors,
    eval_output,
    eval_parts,
    eval_repeated,
    eval_rows,
    eval_rules,
    eval_score,
    eval_slices,
    eval_tally,
    eval_worst,
)
from ops.eval_measures import REGISTRY
from ops.eval_night import Night
from ops.eval_repeated import Rows
from ops.eval_score import Part, Scored
from ops.eval_standard import Standard
from ops.eval_tally import Counted
from ops.eval_worker import Job
from ops.evals import Evaluation, Tally

SAMPLES, PROBLEMS, RESULT = "samples.copy", "problems.jsonl", "evaluation.json"
BLANK = "line: blank"
_SCRATCH = ".evaluate-"
# How far the clock of a record's writer may be ahead of the export's.
_AHEAD = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class _Found:
    scored: Scored
    rows: list[Rows]
    tallies: tuple[Tally, ...]
    worst: tuple[dict[str, Any], ...]


def evaluate(night: Night) -> Evaluation:
    """Judge each exported record by every measure, and write the samples as rows for COPY.

    Run again it writes the same bytes. What is wrong with a record is counted, and its text kept in problems.jsonl.

    Raises:
        Refused: there is no export, or mapping, schemas or rules are not what they should be.
        CheckFailed: the file does not hold the records that were exported.
        Unavailable: a process was killed, or the disk is full.
    """
    if night.export is None:
        raise errors.Refused("There is no export, so there is nothing to evaluate. Export the records first.")
    standard = eval_rules.standard(night.plan)
    try:
        with _scratch(night.plan.folder) as scratch:
            standard = replace(standard, horizon=_horizon(night.export.path))
            found = _found(night, night.export.path, standard, scratch)
            night.evaluation = _written(night, found, standard)
    except OSError as error:
        raise errors.Unavailable(
            f"Records cannot be read or samples written: {error.strerror or error}. Nothing was ingested; make room in "
            f"{night.plan.folder.name}/, and run it again."
        ) from None
    return night.evaluation


@contextmanager
def _scratch(folder: Path) -> Generator[Path]:
    """Make a folder for what is on its way; those of runs that were killed are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as scratch:
        yield Path(scratch)


def _horizon(records: Path) -> str:
    """Return the moment after which no record of a file can have been made: a file is as old as its newest record."""
    return (datetime.fromtimestamp(records.stat().st_mtime, UTC) + _AHEAD).isoformat()


def _found(night: Night, records: Path, standard: Standard, scratch: Path) -> _Found:
    parts = eval_parts.split(records, scratch, parts=eval_parts.count_of(records))
    scored = _together(_score(night, parts, standard))
    _check_whole(night, scored)
    rows = eval_repeated.find(parts)
    settings = night.plan.project.eval
    kept = eval_tally.kept_labels(scored.labels, settings.most_values)
    counted = _counted(rows, standard, kept)
    slices = eval_slices.tallies(
        counted, settings.slices, least=settings.gate.least_samples, measures=list(REGISTRY)
    )
    return _Found(scored, rows, slices, eval_worst.described(counted.worst, parts, standard))


def _score(night: Night, parts: Sequence[Part], standard: Standard) -> list[Scored]:
    whole = max(1, night.export.records if night.export else 1)
    jobs = [Job("score", part, standard) for part in parts]
    return eval_parts.score(jobs, lambda done: night.progress(min(done, whole), whole, "records evaluated"))


def _check_whole(night: Night, scored: Scored) -> None:
    exported = night.export.records if night.export else 0
    if scored.lines < exported:
        raise errors.CheckFailed(
            f"The export says that it has {exported:,} records, and its file has {scored.lines:,} lines: it was "
            "changed in between, so that a rate of it would be of other records. Nothing was ingested; run it again."
        )


def _counted(rows: Sequence[Rows], standard: Standard, kept: Sequence[Sequence[str] | None]) -> Counted:
    found = Counted()
    jobs = [Job("count", each.part, standard, kept=kept, skipped=each.numbers) for each in rows]
    for counted in eval_parts.count(jobs):
        found.add(counted)
    return found


def _together(parts: Sequence[Scored]) -> Scored:
    whole = Scored(labels=[{}, {}, {}, {}])
    for part in parts:
        whole.lines += part.lines
        whole.blank += part.blank
        whole.unreadable += part.unreadable
        whole.samples += part.samples
        _add(whole.problems, part.problems)
        for number, counts in enumerate(part.labels):
            own = whole.labels[number]
            if own is None or counts is None:
                whole.labels[number] = None
            else:
                _add(own, counts)
    whole.labels = [eval_score.few(counts) for counts in whole.labels]
    return whole


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, times in more.items():
        counts[name] = counts.get(name, 0) + times


def _written(night: Night, found: _Found, standard: Standard) -> Evaluation:
    folder = night.plan.folder
    samples, problems = folder / SAMPLES, folder / PROBLEMS
    eval_output.write_samples(samples, found.rows, more=bool(eval_rows.further(REGISTRY)))
    eval_output.write_problems(problems, found.rows)
    counts = _problems(found)
    evaluation = Evaluation(
        ok=True,
        summary=_summary(night, found, standard),
        rows=tuple({"what": kind, "records": times} for kind, times in counts.items()),
        samples_path=samples,
        samples=found.tallies[0].samples,
        unreadable=found.scored.unreadable,
        problems=counts,
        problems_path=problems,
        tallies=found.tallies,
        worst=found.worst,
        measure_version=standard.version,
    )
    with eval_output.replacing(folder / RESULT) as file:
        file.write(evaluation.model_dump_json().encode())
    return evaluation


def _problems(found: _Found) -> dict[str, int]:
    counts = dict(found.scored.problems)
    counts |= {BLANK: found.scored.blank, eval_output.REPEATED: eval_output.repeated(found.rows)}
    some = {kind: times for kind, times in counts.items() if times}
    return dict(sorted(some.items(), key=lambda each: (-each[1], each[0])))


def _summary(night: Night, found: _Found, standard: Standard) -> str:
    whole = found.tallies[0]
    rates = ", ".join(
        f"{name.replace('_', '-')} {100 * rate:.2f} %"
        for name, moments in whole.measures.items()
        if (rate := moments.rate) is not None
    )
    said = f"{whole.samples:,} samples by measures {standard.version}" + (f": {rates}." if rates else ".")
    errored = ", ".join(f"{name} {times:,}" for name, times in whole.errored.items() if times)
    beside = [
        f"{found.scored.unreadable:,} lines are no record" if found.scored.unreadable else "",
        f"{again:,} records repeated" if (again := eval_output.repeated(found.rows)) else "",
        f"not judged, which is no pass: {errored}" if errored else "",
        "" if standard.schemas else f"there is no schema for variant {night.plan.schema_variant}",
        "" if standard.rules is not None else f"there are no safety rules in {night.plan.project.eval.rules}",
    ]
    more = "; ".join(each for each in beside if each)
    return f"{said} {more[0].upper()}{more[1:]}." if more else said
