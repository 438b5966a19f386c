"""The picture of latency and cost: how often each was there, for each provider, and below what 95 % stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ops import eval_plot_style as style
from ops.evals import Spread, Tally

_MOST_BINS = 48
_MOST = len(style.SERIES)
_LONGEST = 24
_WHAT = (("latency", "Latency, milliseconds", 1.0), ("cost", "Cost of one record, dollars", 1e6))


def has(tallies: Sequence[Tally]) -> bool:
    """Whether any record has a latency or a cost."""
    return any(each.latency.counts or each.cost.counts for each in tallies)


def draw(pyplot: Any, tallies: Sequence[Tally]) -> Any:
    """Return the figure; a logarithm of nothing is none, so what costs nothing stands at the left end."""
    figure, axes = pyplot.subplots(2, 1, figsize=(8, 5.4), dpi=110, layout="constrained")
    series = _series(tallies)
    for axis, (name, label, scale) in zip(axes, _WHAT, strict=True):
        _spreads(axis, {each: getattr(tally, name) for each, tally in series.items()}, scale, name)
        axis.set_xlabel(label, color=style.INK)
        axis.set_ylabel("share of records", color=style.INK)
        axis.set_yticks([])
        style.plain(axis)
    return figure


def _series(tallies: Sequence[Tally]) -> dict[str, Tally]:
    """The largest providers; all records where they are not told apart."""
    providers = [each for each in tallies if len(each.where) == 1 and each.where[0][0] == "provider"]
    providers.sort(key=lambda each: (-each.samples, each.name))
    if not providers:
        return {"all records": tallies[0]}
    return {each.where[0][1]: each for each in providers[:_MOST]}


def _spreads(axis: Any, spreads: dict[str, Spread], scale: float, name: str) -> None:
    import numpy as np

    known = {label: each for label, each in spreads.items() if each.counts}
    if not known:
        axis.text(0.5, 0.5, f"no record has a {name}", ha="center", color=style.INK, transform=axis.transAxes)
        axis.set_xticks([])
        return
    lowest = max(1, min(value for each in known.values() for value in each.counts))
    highest = max(max(value for each in known.values() for value in each.counts), 2 * lowest)
    records = max(each.n for each in known.values())
    # As many as the records fill: twice the cube root of their number, which is Rice's rule.
    edges = min(_MOST_BINS, max(8, round(2 * records ** (1 / 3)))) + 1
    bins = np.geomspace(lowest / 1.1, highest * 1.1, edges) / scale
    colours = dict(zip(spreads, style.SERIES, strict=False))
    for label, each in known.items():
        values = np.maximum(np.fromiter(each.counts.keys(), float), lowest) / scale
        times = np.fromiter(each.counts.values(), float) / each.n
        p95 = (each.quantile(0.95) or 0) / scale
        colour, told = colours[label], f" {style.shown(label, _LONGEST)}, 95 % ≤ {p95:,.4g}"
        axis.hist(values, bins=bins, weights=times, histtype="step", color=colour, linewidth=1.4, label=told)
        axis.axvline(max(p95, lowest / scale), color=colour, linestyle=":", linewidth=1)
    axis.set_xscale("log")
    _decimals(axis)
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _decimals(axis: Any) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(_number)
    axis.xaxis.set_minor_formatter(NullFormatter())


def _number(value: float, _place: int) -> str:
    return f"{value:,.4g}"
