"""Nights of evaluation as they would be, drawn with a seed: their slices, their rates, and what changes in one."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ops import eval_decision
from ops.eval_settings import EvalGate, Floors
from ops.evals import MEASURES, THOUSAND, Judged, PastRun, Where

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Each dimension's values and their shares.
DIMENSIONS: Mapping[str, Mapping[str, float]] = {
    "provider": {"anthropic": 1 / 3, "mistral": 1 / 3, "openai": 1 / 3},
    "route_strategy": {"default": 0.5, "weighted": 0.3, "fallback": 0.2},
    "prompt_template_version": {"v1": 0.5, "v2": 0.5},
    "environment": {"prod": 0.7, "staging": 0.3},
}
WORSE = "schema_valid"


class Sums(NamedTuple):
    """What the gate reads of `Moments`, made in no time: hundreds of thousands of them are drawn."""

    n: int
    total: int
    squares: int


class Drawn(NamedTuple):
    """What the gate reads of a `Tally`."""

    where: Where
    samples: int
    errored: dict[str, int]
    measures: dict[str, Sums]


@dataclass(frozen=True)
class World:
    """How good the models are, on which the nights are drawn; `trend` runs lie before the one that is judged.

    A share `errored` of the records no measure can judge, each for itself. With a `spread` slices are not what they
    were from one run to the next: each value of each dimension shifts its records' rates by so much (a standard
    deviation), though nothing got worse.
    """

    rate: float
    samples: int
    drop: float = 0.0
    decline: float = 0.0
    only: str | None = None
    room: float = 0.0
    trend: int = 14
    errored: float = 0.0
    spread: float = 0.0
    gate: EvalGate = field(default_factory=EvalGate)

    @cached_property
    def judged_by(self) -> EvalGate:
        """The gate with floors so far below the rate that the records have; at it an error is likeliest."""
        floor = self.rate - self.room
        floors = Floors(schema_valid=floor, safe=floor, publish_proxy=floor)
        return self.gate.model_copy(update={"floors": floors, "trend_runs": self.trend})

    def night(self, rng: np.random.Generator) -> Judged:
        """Draw a baseline, the runs before and this one, and judge it by the gate's own function."""
        baseline = self._run(rng, 0, self._rates(0))
        past = [self._run(rng, number, self._rates(self.decline * number)) for number in range(1, self.trend)]
        last = self._rates(self.drop + self.decline * self.trend)
        now = self._run(rng, self.trend, last)
        return eval_decision.decide(
            now.tallies, self.judged_by, measure_version="0", baseline=baseline, past=past
        )

    def _rates(self, drop: float) -> NDArray[np.float64]:
        """Return the rate of the measure that gets worse in each cell."""
        hit = [self.only is None or self.only in cell for cell in CELLS]
        return np.where(hit, self.rate - drop, self.rate)

    def _shifted(self, rng: np.random.Generator, rates: NDArray[np.float64] | None) -> NDArray[np.float64]:
        """Return the rate in each cell of one run."""
        known = np.full(len(CELLS), self.rate) if rates is None else rates
        if not self.spread:
            return known
        return np.clip(known + VALUES @ rng.normal(0, self.spread, VALUES.shape[1]), 0.01, 0.9999)

    def _run(self, rng: np.random.Generator, number: int, worse: NDArray[np.float64]) -> PastRun:
        counts = rng.multinomial(self.samples, SHARES)
        failed = [rng.binomial(counts, self.errored) for _ in MEASURES]
        whole = [
            _drawn(rng, counts - bad, self._shifted(rng, worse if name == WORSE else None), name)
            for name, bad in zip(MEASURES, failed, strict=True)
        ]
        sizes = (MEMBERS @ counts).tolist()
        errored = [(MEMBERS @ bad).tolist() for bad in failed]
        sums = [
            map(Sums, (MEMBERS @ (counts - bad)).tolist(), *each)
            for bad, each in zip(failed, whole, strict=True)
        ]
        errors = [
            dict(zip(MEASURES, each, strict=True)) if self.errored else {}
            for each in zip(*errored, strict=True)
        ]
        tallies: Any = tuple(
            Drawn(where, size, error, dict(zip(MEASURES, each, strict=True)))
            for where, size, error, *each in zip(SLICES, sizes, errors, *sums, strict=True)
        )
        return PastRun.model_construct(
            run_id=number,
            run_key=str(number),
            run_type="nightly",
            schema_variant="sitecraft",
            window_end=NOON + timedelta(days=number),
            measure_version="0",
            tallies=tallies,
        )


def _drawn(
    rng: np.random.Generator, counts: NDArray[np.int64], rates: NDArray[np.float64], name: str
) -> tuple[list[int], list[int]]:
    """Draw how a measure came out in each cell, and sum it up by slice, in thousandths."""
    if name != "publish_proxy":
        good = MEMBERS @ rng.binomial(counts, rates)
        return (good * THOUSAND).tolist(), (good * THOUSAND * THOUSAND).tolist()
    # Of what is not published as it is, two thirds are edited, worth a half.
    bad = 1 - rates
    half = rng.binomial(counts, bad)
    none = rng.binomial(counts - half, np.minimum(1, bad / 2 / (1 - bad)))
    halves, full = MEMBERS @ half, MEMBERS @ (counts - half - none)
    return (halves * 500 + full * THOUSAND).tolist(), (halves * 250_000 + full * THOUSAND**2).tolist()


def _slices() -> list[Where]:
    pairs = [[(name, value) for value in values] for name, values in DIMENSIONS.items()]
    both = [two for one, other in itertools.combinations(pairs, 2) for two in itertools.product(one, other)]
    return [(), *((pair,) for pair in itertools.chain(*pairs)), *both]


def _members(slices: Sequence[Where], cells: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    return np.array([[int(all(value in cell for _, value in where)) for cell in cells] for where in slices])


CELLS = list(itertools.product(*DIMENSIONS.values()))
SHARES = np.array([np.prod(each) for each in itertools.product(*(d.values() for d in DIMENSIONS.values()))])
SLICES = _slices()
PAIRS_OF_SLICES = sum(len(where) == 2 for where in SLICES)
MEMBERS = _members(SLICES, CELLS)
# Which values of the dimensions each cell has.
VALUES = _members([where for where in SLICES if len(where) == 1], CELLS).T
