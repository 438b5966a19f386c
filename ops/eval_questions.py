"""What a night asks: each distinct slice and measure, against the floor, the baseline and the runs before.

Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ops.eval_settings import EvalGate
from ops.evals import MEASURES, THOUSAND, Moments, Tally, Where

Against = Literal["floor", "baseline", "trend"]
# Of the share of nights that may fail without a change, each kind of question and each depth of slice has its part:
# most of it is where a change is likely to show and tests are few, a single provider or route against the baseline.
_KINDS: Mapping[Against, float] = {"baseline": 0.8, "floor": 0.1, "trend": 0.1}
_DEPTHS = {0: 0.1, 1: 0.75, 2: 0.15}
ANSWERED = "_measured"
NOTHING = Tally()
_NONE = Moments()


@dataclass(frozen=True, slots=True)
class Question:
    """Whether one measure of one slice is worse than its reference; `runs` are those of a trend, this one last."""

    where: Where
    measure: str
    against: Against
    now: Moments
    errored: int = 0
    floor: float | None = None
    before: Moments = _NONE
    runs: tuple[Moments, ...] = ()
    matched: tuple[int, int, int, int] | None = None
    testable: bool = True

    @property
    def group(self) -> tuple[Against, int]:
        """The questions that share a part of the error among them."""
        return (self.against, min(len(self.where), 2))


@dataclass(frozen=True)
class Runs:
    """The tallies of this run, the baseline's where one is pinned, and those of earlier runs from old to new."""

    now: Mapping[Where, Tally]
    baseline: Mapping[Where, Tally] | None = None
    past: tuple[Mapping[Where, Tally], ...] = ()

    @classmethod
    def of(
        cls, now: Iterable[Tally], baseline: Iterable[Tally] | None, past: Iterable[Iterable[Tally]]
    ) -> Runs:
        """Return tallies by their slices."""
        known = None if baseline is None else _by_slice(baseline)
        return cls(_by_slice(now), known, tuple(map(_by_slice, past)))

    @property
    def all(self) -> tuple[Mapping[Where, Tally], ...]:
        """Every run, this one first."""
        return (self.now, *([self.baseline] if self.baseline is not None else []), *self.past)

    def slices(self) -> list[Where]:
        """Return the distinct slices of this run and the baseline; the same records are one slice, the widest."""
        known = [*self.now, *(where for where in self.baseline or {} if where not in self.now)]
        kept: dict[Where, tuple[int, ...]] = {}
        for where in sorted(known, key=len):
            sizes = tuple(run[where].samples if where in run else 0 for run in self.all)
            same = (wide for wide in _wider(where) if kept.get(wide) == sizes)
            if next(same, None) is None:
                kept[where] = sizes
        return [where for where in known if where in kept]

    def measures(self) -> list[str]:
        """Return the measures of any run, those that everybody has first."""
        found = {
            name for run in self.all for tally in run.values() for name in (*tally.measures, *tally.errored)
        }
        return [*(name for name in MEASURES if name in found), *sorted(found.difference(MEASURES))]


def ask(
    runs: Runs,
    gate: EvalGate,
    *,
    matched: Mapping[tuple[Where, str], tuple[int, int, int, int]] | None = None,
    comparable: bool = True,
) -> list[Question]:
    """Return every question of the night; what is not `testable` has too few samples for a test."""
    names = [*runs.measures(), *(name for name, floor in gate.floors if floor is not None)]
    found: list[Question] = []
    for where in runs.slices():
        for measure in dict.fromkeys(names):
            found += _of_floor(runs, where, measure, gate)
            found += _of_baseline(runs, where, measure, gate, matched or {}, comparable=comparable)
            found += _of_trend(runs, where, measure, gate)
    return found


def weights(questions: Sequence[Question]) -> list[float]:
    """Return the part of the error that each question has; those of a kind and a depth share one."""
    groups = [each.group for each in questions]
    sizes = {group: groups.count(group) for group in set(groups)}
    return [_KINDS[kind] * _DEPTHS[depth] / sizes[kind, depth] for kind, depth in groups]


def _of_floor(runs: Runs, where: Where, measure: str, gate: EvalGate) -> list[Question]:
    floor = getattr(gate.floors, measure, None)
    tally = runs.now.get(where, NOTHING)
    if floor is None or (where and not tally.samples):
        return []
    now, errored = tally.measures.get(measure, _NONE), tally.errored.get(measure, 0)
    enough = now.n >= gate.least_samples
    return [Question(where, measure, "floor", now, errored, floor=floor, testable=enough)]


def _of_baseline(
    runs: Runs,
    where: Where,
    measure: str,
    gate: EvalGate,
    matched: Mapping[tuple[Where, str], tuple[int, int, int, int]],
    *,
    comparable: bool,
) -> list[Question]:
    if runs.baseline is None:
        return []
    tally, known = runs.now.get(where, NOTHING), runs.baseline.get(where, NOTHING)
    now, before = tally.measures.get(measure, _NONE), known.measures.get(measure, _NONE)
    failed, failed_before = tally.errored.get(measure, 0), known.errored.get(measure, 0)
    found: list[Question] = []
    if now.n or before.n:
        enough = comparable and min(now.n, before.n) >= gate.least_samples
        pairs = matched.get((where, measure))
        found.append(Question(where, measure, "baseline", now, before=before, matched=pairs, testable=enough))
    if failed or failed_before:
        answered, earlier = _answered(now, failed), _answered(before, failed_before)
        enough = comparable and min(answered.n, earlier.n) >= gate.least_samples
        name = f"{measure}{ANSWERED}"
        found.append(Question(where, name, "baseline", answered, before=earlier, testable=enough))
    return found


def _of_trend(runs: Runs, where: Where, measure: str, gate: EvalGate) -> list[Question]:
    now = runs.now.get(where, NOTHING).measures.get(measure, _NONE)
    if now.n < gate.least_samples:
        return []
    earlier = [run.get(where, NOTHING).measures.get(measure, _NONE) for run in runs.past]
    if sum(1 for each in earlier if each.n) + 1 < max(3, gate.trend_runs // 2):
        return []
    return [Question(where, measure, "trend", now, runs=(*earlier, now))]


def _answered(moments: Moments, errored: int) -> Moments:
    """Return on how many samples the measure came to an answer, as a rate of its own."""
    return Moments(n=moments.n + errored, total=moments.n * THOUSAND, squares=moments.n * THOUSAND * THOUSAND)


def _by_slice(tallies: Iterable[Tally]) -> dict[Where, Tally]:
    return {tally.where: tally for tally in tallies}


def _wider(where: Where) -> list[Where]:
    """Return the slices that this one lies in."""
    if not where:
        return []
    return [(), *((pair,) for pair in where if len(where) > 1)]
