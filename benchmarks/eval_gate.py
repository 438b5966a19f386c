"""How often the gate errs and what it finds, on drawn nights; written to docs/benchmarks-eval-gate.md.

python -m benchmarks.eval_gate [--nights 2000] [--seed 20260215]
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks import report
from benchmarks.eval_nights import SLICES, World
from ops.evals import Comparison, Judged

ROOT = Path(__file__).parent.parent
RATES, SIZES = (0.9, 0.99), (30, 100, 1000, 5000)
PROVIDER = "mistral"
_HEAD = """\
# Error rates of the gate of evaluations

Written by `python -m benchmarks.eval_gate`. Each night is drawn anew (seed {seed}): a pinned baseline, 13 runs before
and this one, all of the same number of samples, in 3 providers, 3 route strategies, 2 template versions and 2
environments; with their pairs {slices} slices. Three measures, `publish_proxy` with halves, each against a floor, the
baseline and the trend: {asked} questions, which the gate's own function answers. Its settings are the defaults: all
tests together may fail 2 % of the nights without a change, a drop under 2 points does not matter, below 30 samples
nothing fails.

The correction is Holm's with weights: eight tenths of the error belong to the comparisons with the baseline, one each
to floors and trend; of each, a tenth to all records, three quarters to single slices, the rest to pairs.

Machine: {machine}. {day}.
"""
_SAME = """
## Nothing changed

The floors lie at the very rate that the models have, where a false alarm is likeliest; no such night is right to
fail. A night in which the rate cannot be told from its floor is rightly undecided, so the last three columns are of a
tenth as many nights whose floors lie five points below. The interval is Clopper and Pearson's, of 95 %.

| rate | samples | nights | failed | interval | failed, floors 5 points below | inconclusive | passed |
|---:|---:|---:|---:|---:|---:|---:|---:|
"""
_UNLIKE = """
## Nothing changed, and records are not alike

With floors ten points below the rate. The gate takes the records of a night for independent of each other. Where a
slice is a little better or worse every night by itself (each provider, route, version and environment shifts its
records' rates by so many points, as a standard deviation), that shows as a change, and more than 2 % of the nights
fail: the more samples, the surer. Then let `minimum_effect` be as large as what such nights do by themselves.

| rate | samples | what is not alike | nights | failed | interval | inconclusive | passed |
|---:|---:|---|---:|---:|---:|---:|---:|
"""
_CHANGED = """
## Something got worse

In one measure, `schema_valid`; the floors lie ten points below the rate, so that they are no help but for a drop
beyond. "By it" counts the nights in which the very comparison fails that asks for what changed.

| rate | samples | what changed | nights | found | by it | inconclusive | passed unseen |
|---:|---:|---|---:|---:|---:|---:|---:|
"""
_TAIL = """
What is not found is mostly said to be inconclusive, with how many samples would decide. A drop in one provider of
three is judged by a third of the samples, at what the correction leaves of the error: that is as much as such a test
can give.
"""


@dataclass(frozen=True)
class Outcome:
    """What came of the nights of one world; `by_it` counts those in which the comparison that is meant failed."""

    nights: int
    verdicts: Counter[str]
    by_it: int

    def share(self, verdict: str) -> str:
        """Return how many of the nights had this verdict."""
        return f"{100 * self.verdicts[verdict] / self.nights:.1f} %"


def main() -> None:
    """Draw the nights, print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20260215)
    options = parser.parse_args()
    asked = len(World(0.9, 5000).night(np.random.default_rng(0)).comparisons)
    head = _HEAD.format(
        seed=options.seed,
        slices=len(SLICES),
        asked=asked,
        machine=report.machine(),
        day=datetime.now(UTC).date().isoformat(),
    )
    lines = _said([*head.splitlines(), *_SAME.splitlines()])
    for rate in RATES:
        lines += _said(_same(rate, size, options) for size in SIZES)
    lines += _said(_UNLIKE.splitlines())
    lines += _said(_unlike(options))
    lines += _said(_CHANGED.splitlines())
    for rate in RATES:
        lines += _said(_changed(rate, options))
    lines += _said(_TAIL.splitlines())
    (ROOT / "docs" / "benchmarks-eval-gate.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def drawn(
    world: World, nights: int, seed: int, *, meant: Callable[[Comparison], bool] = lambda _: False
) -> Outcome:
    """Draw and judge so many nights."""
    rng = np.random.default_rng(seed)
    verdicts: Counter[str] = Counter()
    by_it = 0
    for _ in range(nights):
        judged = world.night(rng)
        verdicts[judged.verdict] += 1
        by_it += _failed(judged, meant)
    return Outcome(nights, verdicts, by_it)


def _failed(judged: Judged, meant: Callable[[Comparison], bool]) -> bool:
    return any(each.verdict == "fail" and meant(each) for each in judged.comparisons)


def _same(rate: float, samples: int, options: argparse.Namespace) -> str:
    at = drawn(World(rate, samples), options.nights, options.seed)
    below = drawn(World(rate, samples, room=0.05), options.nights // 10, options.seed + 1)
    low, high = stats.binomtest(at.verdicts["fail"], at.nights).proportion_ci()
    return (
        f"| {rate} | {samples:,} | {at.nights:,} | {at.share('fail')} | {100 * low:.1f} to {100 * high:.1f} % "
        f"| {below.share('fail')} | {below.share('inconclusive')} | {below.share('pass')} |"
    )


def _unlike(options: argparse.Namespace) -> Iterator[str]:
    """Yield the rows of nights of which some records are errored, or whose slices are more unlike than by chance."""
    worlds = (
        ("5 % of the records errored", World(0.9, 1000, errored=0.05, room=0.1)),
        ("5 % of the records errored", World(0.9, 5000, errored=0.05, room=0.1)),
        ("0.2 points a value", World(0.9, 1000, spread=0.002, room=0.1)),
        ("0.2 points a value", World(0.9, 5000, spread=0.002, room=0.1)),
    )
    for what, world in worlds:
        found = drawn(world, max(1, options.nights // 10), options.seed + 3)
        low, high = stats.binomtest(found.verdicts["fail"], found.nights).proportion_ci()
        yield (
            f"| {world.rate} | {world.samples:,} | {what} | {found.nights:,} | {found.share('fail')} "
            f"| {100 * low:.1f} to {100 * high:.1f} % | {found.share('inconclusive')} | {found.share('pass')} |"
        )


def _changed(rate: float, options: argparse.Namespace) -> Iterator[str]:
    """Yield the rows of what the gate has to find at this rate."""
    some, many = options.nights // 4, options.nights // 2
    worlds = (
        ("5 points in all records", World(rate, 5000, drop=0.05, room=0.1), some, _whole("baseline")),
        ("10 points in all records", World(rate, 1000, drop=0.1, room=0.1), some, _whole("baseline")),
        (
            "5 points in one provider of three",
            World(rate, 5000, drop=0.05, only=PROVIDER, room=0.1),
            many,
            _of_provider,
        ),
        (
            "10 points in one provider of three",
            World(rate, 1000, drop=0.1, only=PROVIDER, room=0.1),
            some,
            _of_provider,
        ),
        (
            "0.5 points a night, over 14 nights",
            World(rate, 5000, decline=0.005, room=0.1),
            some,
            _whole("trend"),
        ),
        (
            "0.5 points a night, over 14 nights",
            World(rate, 1000, decline=0.005, room=0.1),
            some,
            _whole("trend"),
        ),
    )
    for what, world, nights, meant in worlds:
        found = drawn(world, nights, options.seed + 2, meant=meant)
        yield (
            f"| {rate} | {world.samples:,} | {what} | {nights:,} | {found.share('fail')} "
            f"| {100 * found.by_it / nights:.1f} % | {found.share('inconclusive')} | {found.share('pass')} |"
        )


def _whole(against: str) -> Callable[[Comparison], bool]:
    return lambda each: not each.where and each.against == against


def _of_provider(each: Comparison) -> bool:
    return each.where == (("provider", PROVIDER),) and each.against == "baseline"


def _said(lines: Iterable[str]) -> list[str]:
    """Print lines as they come, since a whole table takes minutes, and return them."""
    said: list[str] = []
    for line in lines:
        print(line, flush=True)
        said.append(line)
    return said


if __name__ == "__main__":
    main()
