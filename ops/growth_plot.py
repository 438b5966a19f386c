"""The growth of an environment's storage as a picture: all of it against its limit, the largest tables, the buckets."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ops import growth_samples, growth_trend
from ops.growth_samples import Sample
from ops.growth_trend import Points

_INK, _LIMIT = "#334155", "#b91c1c"
_LINES = ("#0f766e", "#b45309", "#1d4ed8", "#7c3aed", "#be185d")
_AHEAD = timedelta(days=60)
_GIB = 1024**3
_MIB = 1024**2


def draw(samples: Sequence[Sample], *, limit: int | None, buckets: int | None, title: str) -> bytes:
    """Return a PNG of these samples, from old to new; limits are bytes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    drawn: tuple[Any, Any] = pyplot.subplots(3, 1, figsize=(8, 8), sharex=True, dpi=110, layout="constrained")
    figure, axes = drawn
    try:
        figure.suptitle(title, color=_INK, fontsize=11)
        times = [each.at for each in samples]
        databases = growth_samples.of_databases(samples)
        _axis(axes[0], times, {"all databases": [size for _, size in databases]}, limit, "databases")
        _ahead(axes[0], databases, limit)
        largest = _largest([each.tables for each in samples], len(_LINES))
        _axis(axes[1], times, largest, None, "largest tables")
        seen = [(each.at, each.buckets) for each in samples if each.buckets is not None]
        of_files = growth_samples.of_buckets(samples)
        files = {"all buckets": [size for _, size in of_files]} | _largest([sizes for _, sizes in seen], 3)
        _axis(axes[2], [at for at, _ in seen], files, buckets, "buckets")
        _ahead(axes[2], of_files, buckets)
        axes[-1].tick_params(axis="x", rotation=30, labelsize=8)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()
    finally:
        pyplot.close(figure)


def _largest(sizes: Sequence[Mapping[str, int]], most: int) -> dict[str, list[int]]:
    last: Mapping[str, int] = sizes[-1] if sizes else {}
    names = sorted(last, key=lambda name: -last[name])[:most]
    return {name: [each.get(name, 0) for each in sizes] for name in names}


def _axis(
    axis: Any, times: Sequence[Any], lines: Mapping[str, Sequence[float]], limit: int | None, what: str
) -> None:
    most = max([limit or 0, *(max(values, default=0) for values in lines.values())], default=0)
    unit, name = (_GIB, "GB") if most >= _GIB else (_MIB, "MB")
    for (label, values), colour in zip(lines.items(), _LINES, strict=False):
        # A name that begins with an underscore is one that matplotlib leaves out, and a dollar begins mathematics.
        shown = f"\u200b{label}".replace("$", r"\$")
        axis.plot(
            times, [value / unit for value in values], marker="o", markersize=3, color=colour, label=shown
        )
    if limit:
        axis.axhline(limit / unit, color=_LIMIT, linestyle="--", linewidth=1, label="limit")
    axis.set_ylabel(f"{what}, {name}", color=_INK, fontsize=9)
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    if lines or limit:
        axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))


def _ahead(axis: Any, points: Points, limit: int | None) -> None:
    """Draw the line that is said: from where it is told, up to the limit, or as far ahead as it looks back."""
    trend = growth_trend.trend(points, limit=limit)
    if trend is None:
        return
    least, most = axis.get_ylim()
    unit = _GIB if axis.get_ylabel().endswith("GB") else _MIB
    end = trend.at + max(trend.at - points[0][0], _AHEAD)
    if trend.full_on is not None:
        end = min(end, max(trend.full_on, trend.at))
    ends = [trend.since, end]
    sizes = [max(0.0, trend.reaches(at)) / unit for at in ends]
    axis.plot(
        ends, sizes, color=_LINES[0], linestyle=":", linewidth=1.5, label=f"rate since {trend.since:%Y-%m-%d}"
    )
    axis.set_ylim(least, max(most, *sizes))
    axis.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
