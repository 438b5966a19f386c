"""Finds records that stand in an export twice, by their keys, whichever part they are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ops.eval_score import ENTRY, Part


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a part whose keys were there before, by number; the first one in the file is kept."""

    part: Part
    numbers: list[int]


def find(parts: Sequence[Part]) -> list[Rows]:
    """Return for each part which of its rows are repeated."""
    import numpy

    entry = numpy.dtype([("high", "<u8"), ("low", "<u8"), ("at", "<u8")])
    indexes = [numpy.fromfile(part.file("index"), dtype=entry) for part in parts]
    found = [Rows(part, []) for part in parts]
    ends = numpy.cumsum([len(index) for index in indexes])
    high = numpy.concatenate([index["high"] for index in indexes])
    order = numpy.argsort(high, kind="stable")
    alike = numpy.flatnonzero(high[order][1:] == high[order][:-1])
    candidates = numpy.unique(numpy.concatenate([order[alike], order[alike + 1]]))
    seen: set[tuple[int, int]] = set()
    for place in map(int, candidates):
        number = int(numpy.searchsorted(ends, place, side="right"))
        row = place - int(ends[number] - len(indexes[number]))
        digest = (int(indexes[number]["high"][row]), int(indexes[number]["low"][row]))
        if digest in seen:
            found[number].numbers.append(row)
        seen.add(digest)
    return found


def begins(part: Part, row: int) -> int:
    """Return where in the export the line of a row begins."""
    with part.file("index").open("rb") as index:
        index.seek(row * ENTRY.size)
        return ENTRY.unpack(index.read(ENTRY.size))[1]
