"""Which WAL an archive has, by the names of its files alone: what is continuous, and what is missing where.

A name says its timeline and its place; which timelines follow each other, the history files say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ops import recovery_target

DEFAULT_SIZE = 16 * 1024 * 1024
SUFFIXES = (".gz", ".zst", ".lz4", ".xz", ".bz2")
_ID = 1 << 32
# pgBackRest writes the hash of a segment into its name.
_NAME = re.compile(
    r"([0-9A-F]{8})(?:([0-9A-F]{16})(\.partial)?(?:-[0-9a-f]{40})?(\.[0-9A-F]{8}\.backup)?|(\.history))"
    r"(?:\.gz|\.zst|\.lz4|\.xz|\.bz2)?"
)
_SWITCH = re.compile(r"\s*(\d+)\s+([0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8})")


class Place(NamedTuple):
    """A place in the WAL of one timeline."""

    timeline: int
    lsn: int


class Run(NamedTuple):
    """Segments of one timeline that follow each other, by number; `last` is one of them."""

    first: int
    last: int


class Gap(NamedTuple):
    """Segments of one timeline that are not there, by number; `last` is one of them."""

    timeline: int
    first: int
    last: int

    @property
    def missing(self) -> int:
        """How many they are."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Archive:
    """What is there: runs of whole segments by timeline, the timelines of history files, and other names."""

    size: int
    runs: Mapping[int, tuple[Run, ...]]
    partial: frozenset[str] = frozenset()
    histories: frozenset[int] = frozenset()
    labels: frozenset[str] = frozenset()
    strange: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many whole segments there are."""
        return sum(run.last - run.first + 1 for runs in self.runs.values() for run in runs)

    def name(self, timeline: int, number: int) -> str:
        """Return the name of a segment."""
        return name_of(timeline, number, size=self.size)


@dataclass(frozen=True)
class Coverage:
    """What of the WAL from one place on is there.

    `end` is the first byte that cannot be reached, since its segment is missing or not yet written; `wrong` says
    why recovery from there does not get onto the newest timeline.
    """

    stretches: tuple[Stretch, ...] = ()
    gaps: tuple[Gap, ...] = ()
    end: Place | None = None
    wrong: str = ""

    @property
    def timelines(self) -> tuple[int, ...]:
        return tuple(each.timeline for each in self.stretches)


@dataclass(frozen=True)
class Stretch:
    """The segments that recovery needs of one timeline, by number, and the place where it begins to read there.

    `last` is below `first` where it needs none, such as of a timeline of which nothing is archived yet.
    """

    timeline: int
    start: int
    first: int
    last: int
    runs: tuple[Run, ...] = field(default=(), repr=False)


def read(names: Iterable[str], *, size: int = DEFAULT_SIZE) -> Archive:
    """Say what files of these names are; takes time in proportion to how many there are.

    `size` is that of a segment: what is no segment of this size is `strange`.
    """
    per_id = _ID // size
    numbers: dict[int, set[int]] = {}
    partial, histories, labels, strange = set[str](), set[int](), set[str](), list[str]()
    for name in names:
        found = _NAME.fullmatch(name)
        if not found:
            strange.append(name)
            continue
        timeline, place, is_partial, label, history = found.groups()
        if history:
            histories.add(int(timeline, 16))
        elif label:
            labels.add(name)
        elif int(place[8:], 16) >= per_id:
            strange.append(name)
        elif is_partial:
            partial.add(name)
        else:
            number = int(place[:8], 16) * per_id + int(place[8:], 16)
            numbers.setdefault(int(timeline, 16), set()).add(number)
    runs = {timeline: _runs(each) for timeline, each in sorted(numbers.items())}
    return Archive(size, runs, frozenset(partial), frozenset(histories), frozenset(labels), tuple(strange))


def name_of(timeline: int, number: int, *, size: int = DEFAULT_SIZE) -> str:
    """Return the name of a segment."""
    per_id = _ID // size
    return f"{timeline:08X}{number // per_id:08X}{number % per_id:08X}"


def switches(text: str) -> tuple[Place, ...]:
    """Read a history file: the timelines before this one from old to new, and where each was left."""
    found = (_SWITCH.match(line) for line in text.splitlines())
    return tuple(Place(int(each[1]), recovery_target.lsn(each[2])) for each in found if each)


def newest(histories: Iterable[int], timeline: int) -> int:
    """Return the timeline that recovery calls the latest: it looks for the next history until there is none."""
    there = frozenset(histories)
    while timeline + 1 in there:
        timeline += 1
    return timeline


def coverage(
    archive: Archive,
    start: Place,
    *,
    histories: Mapping[int, str],
    reaches: Place | None = None,
) -> Coverage:
    """Say whether the WAL is there from a place to the end of the newest timeline, as recovery looks for it.

    `histories` are the texts of history files by timeline; `reaches` is a place that must be there, since a server
    or a backup says that it was archived: what is missing at the end, names alone cannot tell.
    """
    latest = newest(histories, start.timeline)
    before = switches(histories[latest]) if latest in histories else ()
    left = dict(before)
    if latest != start.timeline and start.timeline not in left:
        return Coverage(
            wrong=f"timeline {start.timeline} is none of those before timeline {latest}, which is the newest one"
        )
    if start.timeline in left and start.lsn > left[start.timeline]:
        place = recovery_target.written(left[start.timeline])
        return Coverage(
            wrong=f"timeline {latest} left timeline {start.timeline} at {place}, before this place"
        )
    stretches = _stretches(archive, start, (*before, Place(latest, -1)), reaches)
    gaps = tuple(gap for each in stretches for gap in _gaps(each))
    return Coverage(stretches, gaps, _end(archive, stretches, gaps))


def _runs(numbers: set[int]) -> tuple[Run, ...]:
    """Join what follows each other without sorting all of it: only the beginnings are sorted."""
    firsts = sorted(number for number in numbers if number - 1 not in numbers)
    lasts = sorted(number for number in numbers if number + 1 not in numbers)
    return tuple(map(Run, firsts, lasts))


def _stretches(
    archive: Archive, start: Place, path: tuple[Place, ...], reaches: Place | None
) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    at = start.lsn
    for timeline, left in path:
        if not found and timeline != start.timeline:
            continue
        runs = archive.runs.get(timeline, ())
        first = at // archive.size
        # The segment in which a timeline is left is read from the next one, which begins with a copy of it.
        last = left // archive.size - 1 if left >= 0 else max(first - 1, runs[-1].last if runs else -1)
        if left < 0 and reaches is not None and reaches.timeline == timeline:
            last = max(last, (reaches.lsn - 1) // archive.size)
        found.append(Stretch(timeline, at, first, last, runs))
        at = left
    return tuple(found)


def _gaps(stretch: Stretch) -> Iterable[Gap]:
    """Yield what lies between the runs, within what is needed."""
    needed = [run for run in stretch.runs if run.last >= stretch.first and run.first <= stretch.last]
    edges = (Run(0, stretch.first - 1), *needed, Run(stretch.last + 1, stretch.last + 1))
    for before, after in pairwise(edges):
        if after.first > before.last + 1:
            yield Gap(stretch.timeline, before.last + 1, after.first - 1)


def _end(archive: Archive, stretches: tuple[Stretch, ...], gaps: tuple[Gap, ...]) -> Place | None:
    if gaps:
        return Place(gaps[0].timeline, gaps[0].first * archive.size)
    used = [each for each in stretches if each.last >= each.first]
    return Place(used[-1].timeline, (used[-1].last + 1) * archive.size) if used else None
