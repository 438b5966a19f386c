"""Counts samples by slice from their rows: exact whole numbers, whatever the order and the number of parts."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ops import eval_rows
from ops.eval_records import UNKNOWN

OTHER = "other"
WORST = 20
Labels = tuple[str, ...]
# Labels, then the fields of the three measures, what is errored and further measures, as they stand in the row.
Outcome = tuple[Labels, tuple[str, ...]]
Bad = tuple[int, int, str, int, int]
# Raw rows are looked up by their bytes; when these are too many they are forgotten, and nothing else is.
_REMEMBERED = 20_000


@dataclass(slots=True)
class Numbers:
    """How often each latency in milliseconds and each cost in millionths of a dollar was there."""

    latency: dict[int, int] = field(default_factory=dict[int, int])
    cost: dict[int, int] = field(default_factory=dict[int, int])

    def add(self, other: Numbers) -> None:
        """Add what others counted."""
        for own, more in ((self.latency, other.latency), (self.cost, other.cost)):
            for value, times in more.items():
                own[value] = own.get(value, 0) + times


@dataclass(slots=True)
class Counted:
    """What came of some samples: how often each outcome was there, the numbers by labels, and the worst samples.

    Of a bad sample: how bad it is, a number that mixes those that are as bad, its key, its part and its row there.
    """

    outcomes: dict[Outcome, int] = field(default_factory=dict[Outcome, int])
    numbers: dict[Labels, Numbers] = field(default_factory=dict[Labels, Numbers])
    worst: list[Bad] = field(default_factory=list[Bad])

    def add(self, other: Counted) -> None:
        """Add what was counted in another part."""
        for outcome, times in other.outcomes.items():
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + times
        for labels, numbers in other.numbers.items():
            self.numbers.setdefault(labels, Numbers()).add(numbers)
        self.worst = heapq.nlargest(WORST, [*self.worst, *other.worst])


def count(
    rows: BinaryIO,
    *,
    kept: Sequence[Collection[str] | None],
    skipped: Collection[int] = (),
    more: bool = False,
    part: int = 0,
) -> Counted:
    """Count the rows of a part but the skipped ones; of each dimension only the `kept` values are told apart.

    `more` says that a last field holds further measures.
    """
    counter = _Counter(kept, after=eval_rows.AFTER + more, part=part)
    for number, row in enumerate(rows):
        if number not in skipped:
            counter.add(row, number)
    return counter.counted


@dataclass(slots=True)
class _Cell:
    outcome: Outcome
    numbers: Numbers
    badness: int
    times: int = 0


class _Counter:
    def __init__(self, kept: Sequence[Collection[str] | None], *, after: int, part: int) -> None:
        self._kept = kept
        self._after = after
        self._part = part
        self._cells: dict[tuple[bytes, ...], _Cell] = {}
        self._counted = Counted()

    def add(self, row: bytes, number: int) -> None:
        key, _, _, rest = row.split(b"\t", eval_rows.BEFORE)
        head, latency, cost, *tail = rest.rsplit(b"\t", self._after)
        # The moment is each row's own; what comes behind it is further measures.
        at = (head, tail[0], *tail[2:])
        cell = self._cells.get(at)
        if cell is None:
            cell = self._cell(at)
        cell.times += 1
        if latency != b"\\N":
            counts, value = cell.numbers.latency, int(latency)
            counts[value] = counts.get(value, 0) + 1
        if cost != b"\\N":
            counts, value = cell.numbers.cost, int(cost.replace(b".", b""))
            counts[value] = counts.get(value, 0) + 1
        if cell.badness:
            self._bad(cell.badness, key, number)

    @property
    def counted(self) -> Counted:
        self._settle()
        return self._counted

    def _settle(self) -> None:
        outcomes = self._counted.outcomes
        for cell in self._cells.values():
            outcomes[cell.outcome] = outcomes.get(cell.outcome, 0) + cell.times
        self._cells.clear()

    def _cell(self, at: tuple[bytes, ...]) -> _Cell:
        if len(self._cells) >= _REMEMBERED:
            self._settle()
        fields = at[0].decode().split("\t")
        labels = tuple(map(self._label, range(eval_rows.LABELS), fields))
        results = (*fields[eval_rows.LABELS :], *(field.decode().rstrip("\n") for field in at[1:]))
        numbers = self._counted.numbers.setdefault(labels, Numbers())
        cell = self._cells[at] = _Cell((labels, results), numbers, badness(results))
        return cell

    def _label(self, dimension: int, field: str) -> str:
        label = eval_rows.unescaped(field) or UNKNOWN
        kept = self._kept[dimension]
        return label if kept is not None and label in kept else OTHER

    def _bad(self, badness: int, key: bytes, number: int) -> None:
        worst = self._counted.worst
        if len(worst) == WORST and badness < worst[0][0]:
            return
        bad = (badness, zlib.crc32(key), key.decode(), self._part, number)
        if len(worst) < WORST:
            heapq.heappush(worst, bad)
        elif bad > worst[0]:
            heapq.heapreplace(worst, bad)


def badness(results: Sequence[str]) -> int:
    """Return how bad a sample is: unsafe before not schema-valid before errored before discarded; 0 is well."""
    schema_valid, safe, publish, errored = results[:4]
    found = 1000 * (safe == "f") + 500 * (schema_valid == "f") + 20 * len(errored_of(errored))
    return found if publish == eval_rows.NULL else found + 10 - int(publish.replace(".", "")) // 100


def errored_of(field: str) -> list[str]:
    """Return the names in an array of them."""
    return [name for name in field.strip("{}").split(",") if name]


def kept_labels(counts: Iterable[dict[str, int] | None], most: int) -> list[list[str] | None]:
    """Return the most frequent values of each dimension, or nothing where there are too many to count."""
    return [
        None if each is None else sorted(each, key=lambda value, each=each: (-each[value], value))[:most]
        for each in counts
    ]
