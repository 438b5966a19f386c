"""Reads and judges one part of the exported records, and writes its samples as rows."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from ops import eval_rows
from ops.eval_measures import REGISTRY
from ops.eval_problems import Kept, Unreadable
from ops.eval_records import UNKNOWN, Labels, Record
from ops.eval_standard import Standard

Progress = Callable[[int], None]
# A longer line is not held in memory: it is counted as unreadable, and the next one is read.
LONGEST = 64 * 1024 * 1024
# A dimension with more values than this does not tell records apart: all are `other`.
MOST_LABELS = 50_000
# For each row the digest of its key and where its line begins.
ENTRY = struct.Struct("<16sQ")
_BLOCK = 1024 * 1024
_BATCH = 1000
_TOLD_EVERY = 5000


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of `records` that begin in a range of bytes, and the folder of the files that come of them."""

    records: str
    start: int
    end: int
    folder: str
    number: int

    def file(self, name: str) -> Path:
        """Return the path of one of this part's files: rows, index or problems."""
        return Path(self.folder, f"{name}-{self.number}")


@dataclass(slots=True)
class Scored:
    """What was in a part; `labels` counts the values of each dimension, or nothing where they are too many."""

    lines: int = 0
    blank: int = 0
    unreadable: int = 0
    samples: int = 0
    problems: dict[str, int] = field(default_factory=dict[str, int])
    labels: list[dict[str, int] | None] = field(default_factory=list[dict[str, int] | None])


def score(standard: Standard, part: Part, progress: Progress) -> Scored:
    """Judge each record of a part; whatever is wrong with one is counted and the next one is read."""
    with ExitStack() as files:
        source = files.enter_context(Path(part.records).open("rb"))
        rows, index, problems = (
            files.enter_context(part.file(name).open("wb")) for name in ("rows", "index", "problems")
        )
        return _Scorer(standard, rows, index, Kept(problems)).all(source, part, progress)


class _Scorer:
    def __init__(self, standard: Standard, rows: BinaryIO, index: BinaryIO, kept: Kept) -> None:
        self._standard = standard
        self._reader = standard.reader()
        self._judge = standard.judge()
        self._rows = rows
        self._index = index
        self._kept = kept
        self._labels = _Labels()
        self._lines: list[str] = []
        self._entries: list[bytes] = []
        self._more = eval_rows.further(REGISTRY)

    def all(self, source: BinaryIO, part: Part, progress: Progress) -> Scored:
        scored = Scored()
        for at, line, whole in lines(source, part.start, part.end):
            scored.lines += 1
            if whole and line.isspace():
                scored.blank += 1
            elif self._readable(line, whole, at):
                scored.samples += 1
            else:
                scored.unreadable += 1
            if not scored.lines % _TOLD_EVERY:
                progress(scored.lines)
        self._flush()
        scored.problems, scored.labels = self._kept.counts, self._labels.counts()
        progress(scored.lines)
        return scored

    def _readable(self, line: bytes, whole: bool, at: int) -> bool:
        try:
            if not whole:
                raise Unreadable("too long")
            record = self._reader.read(line, at=at)
        except Unreadable as error:
            self._kept.unreadable(line, f"line: {error}", at=at)
            return False
        self._add(record, line, at)
        return True

    def _add(self, record: Record, line: bytes, at: int) -> None:
        values, errored = self._judge.judged(record)
        row = eval_rows.row(
            record, values, errored, version=self._standard.version, linked=self._standard.linked
        )
        if self._more:
            row += "\t" + eval_rows.more(values, errored, self._more)
        self._lines.append(row)
        digest = hashlib.blake2b(record.key.encode(), digest_size=16).digest()
        self._entries.append(ENTRY.pack(digest, at))
        self._labels.add(record.labels)
        if record.problems:
            self._kept.odd(line, record.problems, at=at)
        if len(self._lines) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._rows.write(("\n".join(self._lines) + "\n").encode())
            self._index.write(b"".join(self._entries))
            self._lines.clear()
            self._entries.clear()


class _Labels:
    """Counts how often each value of each dimension was there, by combinations first: there are few of them."""

    def __init__(self) -> None:
        self._together: dict[Labels, int] = {}
        self._counts: list[dict[str, int] | None] = [{}, {}, {}, {}]

    def add(self, labels: Labels) -> None:
        self._together[labels] = self._together.get(labels, 0) + 1
        if len(self._together) > MOST_LABELS:
            self.counts()

    def counts(self) -> list[dict[str, int] | None]:
        for labels, times in self._together.items():
            for number, label in enumerate(labels):
                counts = self._counts[number]
                if counts is not None:
                    counts[label or UNKNOWN] = counts.get(label or UNKNOWN, 0) + times
        self._together.clear()
        self._counts = [few(counts) for counts in self._counts]
        return self._counts


def few(counts: dict[str, int] | None) -> dict[str, int] | None:
    """Return the counts of a dimension's values, or nothing where they are too many."""
    return counts if counts is not None and len(counts) <= MOST_LABELS else None


def lines(source: BinaryIO, start: int, end: int) -> Iterator[tuple[int, bytes, bool]]:
    """Yield where each line of a range begins, the line, and whether it is whole: of a very long one its beginning."""
    source.seek(start)
    at = start
    while at < end and (line := source.readline(LONGEST)):
        length = len(line)
        whole = length < LONGEST or line.endswith(b"\n")
        if not whole:
            line = line[:_BLOCK]
            length += _rest(source)
        yield at, line, whole
        at += length


def _rest(source: BinaryIO) -> int:
    length = 0
    while block := source.readline(_BLOCK):
        length += len(block)
        if block.endswith(b"\n"):
            break
    return length
