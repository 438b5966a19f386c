"""A slow decline over the last runs that the test against the baseline does not show yet: Cochran and Armitage's test.

Conditional on how many samples failed in all, so that it needs no true rate: counted out where few failed, else by the
double saddlepoint approximation (Davison 1988), which holds in the far tail that a correction for many tests looks at.
Nothing is drawn at random. Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ops.eval_tests import Counted, limit_errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ops.eval_tests import Floats

# Up to so many failures all their ways over the runs are counted out.
_COUNTED_OUT = 20
# A larger p is never near a verdict, so that an approximation will do.
_NEAR = 0.1
# Runs that differ from each other more than chance explains: then a slope must stand out from that as well.
_RESTLESS = 0.05
_STEPS = 60


@dataclass(frozen=True)
class Trend:
    """What each row declined by over its runs in all, how likely that is without a decline, and what it is at most."""

    p: Floats
    drop: Floats
    error: Floats
    limit: Floats
    first: Floats


def find(runs: Counted) -> Trend:
    """Return the trend of each row over its columns, the runs from old to new; a run without samples is passed over."""
    import numpy as np

    n = runs.n
    line = _Line.through(runs)
    small = ~(runs.total.sum(1) >= _COUNTED_OUT) | ~((n - runs.total).sum(1) >= _COUNTED_OUT)
    binary = (abs(runs.squares - runs.total) < 1e-9 * (1 + runs.total)).all(1)
    p = line.plain.copy()
    near = np.flatnonzero((binary | small) & (p < 0.5))
    if len(near):
        # What is left of a sample that is neither 0 nor 1 speaks for no decline.
        failures = np.floor((n - runs.total)[near] + 1e-9)
        p[near] = _conditional(failures, n[near])
    p = np.where(line.restless & (line.drop > 0), np.maximum(p, line.of_runs), p)
    return Trend(p, line.drop, line.error, line.drop + limit_errors() * line.error, line.first)


@dataclass(frozen=True)
class _Line:
    """The straight line through each row, with the samples as weights."""

    drop: Floats
    error: Floats
    first: Floats
    plain: Floats
    restless: NDArray[np.bool_]
    of_runs: Floats

    @classmethod
    def through(cls, runs: Counted) -> _Line:
        import numpy as np

        special = importlib.import_module("scipy.special")
        n, rates = runs.n, runs.rate
        whole = np.maximum(n.sum(1), 1)
        x = np.arange(n.shape[1], dtype=float)
        centred = x - ((n * x).sum(1) / whole)[:, None]
        spread = np.maximum((n * centred**2).sum(1), 1e-12)
        mean = runs.total.sum(1) / whole
        slope = (n * centred * rates).sum(1) / spread
        variance = _variance(runs, whole)
        used = (n > 0).sum(1)
        left = np.maximum(used - 2, 1)
        off = (n * (rates - mean[:, None] - slope[:, None] * centred) ** 2).sum(1)
        span = (np.where(n > 0, x, -1).max(1) - np.where(n > 0, x, len(x)).min(1)).clip(0)
        earliest = np.where(n > 0, centred, np.inf).min(1)
        restless = special.chdtrc(left, off / variance) < _RESTLESS
        scale = np.where(restless, np.maximum(off / left / variance, 1), 1)
        return cls(
            drop=-slope * span,
            error=np.sqrt(scale * variance / spread) * span,
            first=np.clip(mean + slope * np.where(np.isfinite(earliest), earliest, 0), 0, 1),
            plain=special.ndtr(slope * np.sqrt(spread / variance)),
            restless=restless,
            of_runs=special.stdtr(left, slope / np.sqrt(np.maximum(off / left / spread, 1e-300))),
        )


def _variance(runs: Counted, whole: Floats) -> Floats:
    """Return the variance of one sample in each row, with two successes and two failures more."""
    rate = (runs.total.sum(1) + 2) / (whole + 4)
    own = (runs.squares.sum(1) + 2) / (whole + 4) - rate**2
    return own


def _conditional(failures: Floats, n: Floats) -> Floats:
    """Return how likely it is that so many failures lie as late as these, or later."""
    import numpy as np

    x = np.arange(n.shape[1], dtype=float)
    p = saddlepoint(failures, n)
    few = (failures.sum(1) <= _COUNTED_OUT) & (p < _NEAR)
    for row in np.flatnonzero(few):
        used = n[row] > 0
        sizes = tuple(int(each) for each in n[row][used])
        places = tuple(int(each) for each in x[used])
        late = int((failures[row] * x).sum())
        p[row] = counted_out(sizes, places, int(failures[row].sum()), late)
    return p


def saddlepoint(failures: Floats, n: Floats) -> Floats:
    """Return the conditional p by the double saddlepoint approximation, with the correction for whole numbers."""
    import numpy as np

    special = importlib.import_module("scipy.special")
    x = np.linspace(0, 1, n.shape[1])
    step = 1 / max(1, n.shape[1] - 1)
    whole, failed = n.sum(1), failures.sum(1)
    usual = np.clip(failed / np.maximum(whole, 1), 1e-12, 1 - 1e-12)
    late = (failures * x).sum(1) - step / 2
    a, b, likely = _fit(n, x, failed, late, usual)
    shift = np.log(usual / (1 - usual))
    total = failed * (a - shift) + late * b - (n * np.log((1 - usual)[:, None] * (1 + likely[0]))).sum(1)
    r = np.sign(b) * np.sqrt(np.maximum(2 * total, 0))
    u = 2 * np.sinh(b * step / 2) / step * np.sqrt(likely[1] / (whole * usual * (1 - usual)))
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = special.ndtr(-r) + np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi) * (1 / u - 1 / r)
    flat = (abs(r) < 1e-3) | ~np.isfinite(tail) | (failed == 0)
    return np.clip(np.where(flat, 0.5, tail), 1e-300, 1)


def _fit(n: Floats, x: Floats, failed: Floats, late: Floats, usual: Floats) -> tuple[Floats, Floats, Any]:
    """Fit a logistic curve to each row by Newton's method; also return its odds, and its curvature's determinant."""
    import numpy as np

    a, b = np.log(usual / (1 - usual)), np.zeros(len(usual))
    odds, determinant = np.ones_like(n), np.ones(len(usual))
    for _ in range(_STEPS):
        odds = np.exp(np.clip(a[:, None] + b[:, None] * x, -500, 500))
        share = odds / (1 + odds)
        weight = n * share * (1 - share)
        aa, ab, bb = weight.sum(1), (weight * x).sum(1), (weight * x * x).sum(1)
        determinant = np.maximum(aa * bb - ab**2, 1e-300)
        off_a, off_b = failed - (n * share).sum(1), late - (n * share * x).sum(1)
        step_a, step_b = (bb * off_a - ab * off_b) / determinant, (aa * off_b - ab * off_a) / determinant
        large = np.maximum(1, np.maximum(abs(step_a), abs(step_b)))
        a, b = a + step_a / large, b + step_b / large
        if max(abs(step_a).max(), abs(step_b).max()) < 1e-9:
            break
    return a, b, (odds, determinant)


@lru_cache(maxsize=100_000)
def counted_out(sizes: tuple[int, ...], places: tuple[int, ...], failed: int, late: int) -> float:
    """Return the share of all ways to lay failures over runs of these sizes whose places sum up to `late` or more."""
    import numpy as np

    stats: Any = importlib.import_module("scipy.stats")
    whole = sum(sizes)
    ways = np.zeros((failed + 1, failed * max(places) + 1))
    ways[0, 0] = 1
    for size, place in zip(sizes, places, strict=True):
        chances = stats.binom.pmf(np.arange(min(size, failed) + 1), size, failed / whole)
        more = np.zeros_like(ways)
        for count, chance in enumerate(chances):
            more[count:, count * place :] += (
                chance * ways[: failed + 1 - count, : ways.shape[1] - count * place]
            )
        ways = more
    return float(min(1.0, ways[failed, late:].sum() / ways[failed].sum()))
