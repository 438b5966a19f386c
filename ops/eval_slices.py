"""Tallies of a run and of its slices, from what was counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from ops import eval_rows
from ops.eval_records import LABELS
from ops.eval_tally import OTHER, Counted, Numbers, errored_of
from ops.evals import Moments, Spread, Tally, Where

_BOOLEAN = {"t": 1000, "f": 0}


@dataclass(slots=True)
class _Sums:
    """One slice while it is summed."""

    samples: int = 0
    errored: dict[str, int] = field(default_factory=dict[str, int])
    moments: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    numbers: Numbers = field(default_factory=Numbers)


def tallies(
    counted: Counted, dimensions: Sequence[str], *, least: int, measures: Sequence[str]
) -> tuple[Tally, ...]:
    """Return all records first, then each value of each dimension, then the pairs that have enough samples.

    A slice that holds the very samples of another is there too: were it left out, the next run could not tell that from
    a slice that has no data any more. The gate judges each set of samples once. Latency and cost are spread out for all
    records and for single values; pairs have none.
    """
    places = [LABELS.index(dimension) for dimension in dimensions]
    singles = _summed(counted, [(place,) for place in places], measures)
    _number(singles, counted)
    pairs = {
        where: sums
        for where, sums in _summed(counted, combinations(places, 2), measures).items()
        if sums.samples >= least and OTHER not in (value for _, value in where)
    }
    whole = _summed(counted, [()], measures) or {(): _Sums(moments={name: [0, 0, 0] for name in measures})}
    _number(whole, counted)
    ordered = [*whole.items(), *_ordered(singles, dimensions), *_ordered(pairs, dimensions)]
    return tuple(_tally(where, sums, measures) for where, sums in ordered)


def _summed(
    counted: Counted, groups: Iterable[tuple[int, ...]], measures: Sequence[str]
) -> dict[Where, _Sums]:
    found: dict[Where, _Sums] = {}
    groups = list(groups)
    further = eval_rows.further(measures)
    for (labels, results), times in counted.outcomes.items():
        values = dict(_values(results, further))
        errored = errored_of(results[3])
        for group in groups:
            where = tuple((LABELS[place], labels[place]) for place in group)
            sums = found.get(where)
            if sums is None:
                sums = found[where] = _Sums(moments={name: [0, 0, 0] for name in measures})
            _add(sums, values, errored, times)
    return found


def _add(sums: _Sums, values: dict[str, int], errored: list[str], times: int) -> None:
    sums.samples += times
    for name in errored:
        sums.errored[name] = sums.errored.get(name, 0) + times
    for name, value in values.items():
        moments = sums.moments[name]
        moments[0] += times
        moments[1] += value * times
        moments[2] += value * value * times


def _values(results: Sequence[str], further: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the measures of an outcome that have a value, in thousandths."""
    for name, said in zip(eval_rows.COLUMNS, results, strict=False):
        if said != eval_rows.NULL:
            yield name, _BOOLEAN[said] if said in _BOOLEAN else int(said.replace(".", ""))
    if further:
        for name, said in zip(further, results[4].split(","), strict=True):
            if said not in (eval_rows.NULL, eval_rows.ERRORED):
                yield name, int(said)


def _number(slices: dict[Where, _Sums], counted: Counted) -> None:
    for where, sums in slices.items():
        for labels, numbers in counted.numbers.items():
            if all(labels[LABELS.index(dimension)] == value for dimension, value in where):
                sums.numbers.add(numbers)


def _ordered(slices: dict[Where, _Sums], dimensions: Sequence[str]) -> list[tuple[Where, _Sums]]:
    def place(item: tuple[Where, _Sums]) -> tuple[object, ...]:
        where, sums = item
        return ([dimensions.index(dimension) for dimension, _ in where], -sums.samples, where)

    return sorted(slices.items(), key=place)


def _tally(where: Where, sums: _Sums, measures: Sequence[str]) -> Tally:
    return Tally(
        where=where,
        samples=sums.samples,
        errored={name: sums.errored.get(name, 0) for name in measures},
        measures={
            name: Moments(n=n, total=total, squares=squares)
            for name, (n, total, squares) in sums.moments.items()
        },
        latency=Spread(counts=dict(sorted(sums.numbers.latency.items()))),
        cost=Spread(counts=dict(sorted(sums.numbers.cost.items()))),
    )
