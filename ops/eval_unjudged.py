"""Slices that a night has no judgement on: gone, errored, or new since the run that it is compared with.

Source: phase2-rollout-and-eval.md, section 5: a slice with no data is not a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ops import eval_gate_words
from ops.eval_questions import NOTHING, Runs
from ops.evals import Moments, Tally, Where

# A slice counts where it has so many samples, or they were to be expected, by how many values it is told by.
_EXPECTED = {0: 1, 1: 10, 2: 100}
# What the settings call the rest of a dimension's values.
OTHER = "other"
_NO_TALLIES: Mapping[Where, Tally] = {}


def gone(runs: Runs) -> tuple[str, ...]:
    """Return the slices that were there before and have no samples now, where that is no chance."""
    known = _known(runs)
    here, there = (run[()].samples if () in run else 0 for run in (runs.now, known))
    if not there:
        return ()
    return tuple(
        eval_gate_words.slice_name(where)
        for where, tally in known.items()
        if where
        and not (where in runs.now and runs.now[where].samples)
        and _missed(runs, where, tally.samples * here / there)
    )


def errored(runs: Runs) -> tuple[str, ...]:
    """Return what measures failed on more records of a slice than they judged, the widest slices first.

    A few judged records would speak for many that nobody knows anything of.
    """
    found: list[str] = []
    named: dict[str, list[Where]] = {}
    for where in sorted(runs.slices(), key=len):
        tally = runs.now.get(where, NOTHING)
        for name, count in sorted(tally.errored.items()):
            judged = tally.measures.get(name, Moments()).n
            known = named.setdefault(name, [])
            if count > judged and _counts(where, count) and not _within(where, known):
                known.append(where)
                found.append(_failed(name, where, count, judged))
    return tuple(found)


def new(runs: Runs) -> tuple[Where, ...]:
    """Return the slices that have samples now and had none in the run before; of pairs, those of known values."""
    known = _known(runs)
    if not known:
        return ()
    fresh: list[Where] = []
    for where in sorted(runs.slices(), key=len):
        was = where in known and known[where].samples
        samples = runs.now[where].samples if where in runs.now else 0
        named = all(value != OTHER for _, value in where)
        if where and samples and not was and named and (len(where) < 2 or _counts(where, samples)):
            fresh.append(where)
    return tuple(fresh)


def _known(runs: Runs) -> Mapping[Where, Tally]:
    if runs.baseline is not None:
        return runs.baseline
    return runs.past[-1] if runs.past else _NO_TALLIES


def _counts(where: Where, samples: float) -> bool:
    return samples >= _EXPECTED[min(len(where), 2)]


def _within(where: Where, known: Sequence[Where]) -> bool:
    return any(set(wide) <= set(where) for wide in known)


def _failed(name: str, where: Where, count: int, judged: int) -> str:
    many = f"{count:,} of {count + judged:,} records" if judged else "every record"
    return f"{name} failed on {many}" + (f" of {eval_gate_words.slice_name(where)}" if where else "")


def _missed(runs: Runs, where: Where, expected: float) -> bool:
    """Whether a slice without samples is missed; rare values share one slice, in which it may be tonight."""
    shared = (((dimension, OTHER),) for dimension, _ in where)
    among = max(runs.now[each].samples if each in runs.now else 0 for each in shared)
    named = all(value != OTHER for _, value in where)
    return named and _counts(where, expected) and among < expected / 2
