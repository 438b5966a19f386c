"""The tests behind the gate's verdicts, each for many questions at once; nothing in them is drawn at random.

Exact where counts decide (Fisher, binomial, McNemar); Welch where a measure has values between 0 and 1 and enough of
them. All are one-sided: a small p says that it is worse. Source: phase2-rollout-and-eval.md, section 5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ops.evals import THOUSAND, Moments

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# One-sided, for what a drop is at most; the intervals that people see are two-sided.
LIMIT = 0.95
_SHOWN = 1.959963984540054
# Below so many whole failures (or successes) a mean of values between 0 and 1 is judged like a count.
_MASS = 50.0


@dataclass(frozen=True)
class Counted:
    """Measures side by side: how many samples each has, their sum, and the sum of their squares, from 0 to 1."""

    n: Floats
    total: Floats
    squares: Floats

    @classmethod
    def of(cls, moments: Iterable[Moments]) -> Counted:
        """Return these as arrays."""
        import numpy as np

        found = np.array([(each.n, each.total, each.squares) for each in moments], float).reshape(-1, 3)
        return cls(found[:, 0], found[:, 1] / THOUSAND, found[:, 2] / THOUSAND**2)

    @property
    def rate(self) -> Floats:
        """The means; where there is no sample, nought."""
        import numpy as np

        return self.total / np.maximum(self.n, 1)

    @property
    def binary(self) -> NDArray[np.bool_]:
        """Where each sample is 0 or 1."""
        return abs(self.squares - self.total) < 1e-9 * (1 + self.total)

    @property
    def variance(self) -> Floats:
        """Sample variances."""
        import numpy as np

        spread = self.squares - self.total**2 / np.maximum(self.n, 1)
        return np.maximum(spread, 0) / np.maximum(self.n - 1, 1)

    @property
    def likely_variance(self) -> Floats:
        """Variances that are not nought for a handful of equal samples: with one success and one failure more."""
        rate = (self.total + 1) / (self.n + 2)
        return self.variance * self.massive + rate * (1 - rate) * ~self.massive

    @property
    def massive(self) -> NDArray[np.bool_]:
        """Where there are enough samples, and enough of both kinds, for a mean to be nearly normal."""
        return (self.total >= _MASS) & (self.n - self.total >= _MASS)

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.n + other.n, self.total + other.total, self.squares + other.squares)


def wilson(rate: Floats, n: Floats, *, z: float = _SHOWN) -> tuple[Floats, Floats]:
    """Return the ends of Wilson's interval, by default of 95 %; from 0 to 1 where there is no sample."""
    import numpy as np

    size = np.maximum(n, 1e-9)
    middle = (rate + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * np.sqrt(rate * (1 - rate) / size + (z / (2 * size)) ** 2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def below_floor(now: Counted, floor: Floats) -> Floats:
    """Return how likely such a rate or a lower one is where the true one is the floor (binomtest, one-sided)."""
    import numpy as np

    special = _scipy("special")
    # What is left of a sample that is neither 0 nor 1 speaks for it.
    exact: Floats = special.bdtr(np.ceil(now.total - 1e-9), now.n.astype(np.int64), floor)
    error = np.sqrt(np.maximum(now.variance, 1e-12) / np.maximum(now.n, 1))
    mean: Floats = special.stdtr(np.maximum(now.n - 1, 1), (now.rate - floor) / error)
    return np.where(now.binary | ~now.massive, exact, mean)


def worse(now: Counted, before: Counted) -> Floats:
    """Return how likely a difference like this, or a larger one, is between two runs that are equally good."""
    import numpy as np

    means = ~(now.binary & before.binary) & now.massive & before.massive
    p = np.ones(len(now.n))
    p[~means] = _fisher(now, before)[~means] if not means.all() else 0
    p[means] = welch(now, before)[means] if means.any() else 0
    return p


def welch(now: Counted, before: Counted) -> Floats:
    """Return p of Welch's test from sums; its error is at least that of the two runs taken together.

    Without that, thirty good samples with no variance at all would make any later failure certain.
    """
    import numpy as np

    own, theirs = now.variance / now.n, before.variance / before.n
    apart = own + theirs
    together = (now + before).variance * (1 / now.n + 1 / before.n)
    freedom = apart**2 / (own**2 / (now.n - 1) + theirs**2 / (before.n - 1) + 1e-300)
    error = np.sqrt(np.maximum(np.maximum(apart, together), 1e-300))
    return _scipy("special").stdtr(np.maximum(freedom, 1), (now.rate - before.rate) / error)


def mcnemar(lost: int, gained: int) -> float:
    """Return p of McNemar's exact test over the records that two runs share: how many were `lost`, how many gained."""
    if not lost + gained:
        return 1.0
    return float(_scipy("stats").binomtest(lost, lost + gained, 0.5, alternative="greater").pvalue)


def drop_limit(now: Counted, before: Counted) -> Floats:
    """Return what the drop is at most: Newcombe's interval of a difference, made of Wilson's, one-sided."""
    import numpy as np

    z = limit_errors()
    low, _ = wilson(now.rate, effective(now), z=z)
    _, high = wilson(before.rate, effective(before), z=z)
    return before.rate - now.rate + np.hypot(high - before.rate, now.rate - low)


def effective(now: Counted) -> Floats:
    """Return how many samples of 0 or 1 say as much: more, where values in between vary less."""
    import numpy as np

    full = now.rate * (1 - now.rate)
    gain = full / np.maximum(now.variance, 1e-12)
    return now.n * np.where(now.massive & ~now.binary, np.maximum(gain, 1), 1)


def holm(p: Floats, weights: Floats) -> Floats:
    """Return p after Holm's correction, weighted as in his paper of 1979: all of them together err as rarely as one."""
    import numpy as np

    weighted = p / weights
    order = np.argsort(weighted, kind="stable")
    left = np.cumsum(weights[order][::-1])[::-1]
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(weighted[order] * left))
    return adjusted


@cache
def limit_errors() -> float:
    """Return how many standard errors above the estimate what a drop is at most lies."""
    return float(quantile(LIMIT))


def quantile(share: float | Floats) -> Any:
    """Return where the normal distribution has this share below it."""
    return _scipy("special").ndtri(share)


def power(drop: float, *, error: float, critical: float) -> float:
    """Return the chance to find such a drop, where a difference has this standard error."""
    return float(_scipy("special").ndtr(drop / error - critical))


def _fisher(now: Counted, before: Counted) -> Floats:
    """Return p of Fisher's exact test; a sample that is neither 0 nor 1 is rounded towards no difference."""
    import numpy as np

    failures = np.floor(now.n - now.total + 1e-9)
    known = np.ceil(before.n - before.total - 1e-9)
    pairs: Sequence[Any] = (failures, now.n, known, before.n)
    found, back = np.unique(np.stack(pairs).astype(np.int64), axis=1, return_inverse=True)
    bad, n, earlier, size = found
    return _scipy("stats").hypergeom.sf(bad - 1, n + size, bad + earlier, n)[back.reshape(-1)]


@cache
def _scipy(name: str) -> Any:
    """Return a part of scipy, which takes a second to import and has no types."""
    import importlib

    return importlib.import_module(f"scipy.{name}")
