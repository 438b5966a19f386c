"""What grows by how much a week, and its share of the whole's growth: a line for all, each table and each bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ops import growth_samples, growth_trend, spoken
from ops.growth_samples import Sample
from ops.growth_trend import Points, Trend

_WEEK = 7


def rows(
    samples: Sequence[Sample],
    *,
    limits: Mapping[str, int | None],
    tables: Mapping[str, int],
    buckets: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Return the table of a look; `limits` are those of all databases and all buckets, the others of one each."""
    last = samples[-1]
    kinds = (
        ("table", "databases", last.tables, tables, growth_samples.of_databases, growth_samples.of_table),
        (
            "bucket",
            "buckets",
            last.buckets or {},
            buckets,
            growth_samples.of_buckets,
            growth_samples.of_bucket,
        ),
    )
    found: list[dict[str, Any]] = []
    for kind, whole, sizes, own, of_whole, of_one in kinds:
        found += _part(samples, (kind, whole), sizes, limits[whole], own, of_whole, of_one)
    return found


def weekly(trend: Trend | None) -> str:
    """Say how much is added a week, and by which samples."""
    if trend is None:
        return ""
    sign = "more" if trend.daily >= 0 else "less"
    return f"{spoken.size(round(abs(trend.daily) * _WEEK))} {sign} a week since {trend.since:%Y-%m-%d}"


def fastest(samples: Sequence[Sample], trend: Trend | None, what: str) -> str:
    """Name what has grown most since the time by whose samples the trend is told."""
    since = [each for each in samples if trend is None or each.at >= trend.since]
    sized = [(each.at, each.tables if what == "databases" else each.buckets) for each in since]
    seen = [(at, sizes) for at, sizes in sized if sizes is not None]
    grown: dict[str, int] = {}
    if seen:
        (_, before), (_, after) = seen[0], seen[-1]
        grown = {name: size - before.get(name, 0) for name, size in after.items()}
    if not grown:
        return "what is not told apart"
    name = max(grown, key=lambda each: grown[each])
    return f"{name} ({spoken.size(grown[name])} since {seen[0][0]:%Y-%m-%d})"


def _part(
    samples: Sequence[Sample],
    names: tuple[str, str],
    sizes: Mapping[str, int],
    limit: int | None,
    limits: Mapping[str, int],
    of_whole: Callable[[Sequence[Sample]], Points],
    of_one: Callable[[Sequence[Sample], str], Points],
) -> Iterator[dict[str, Any]]:
    kind, whole = names
    points = of_whole(samples)
    if not points:
        return
    trend = growth_trend.trend(points, limit=limit)
    yield _row("all", whole, points[-1][1], trend, trend)
    for name, size in sorted(sizes.items(), key=lambda each: -each[1]):
        own = growth_trend.trend(of_one(samples, name), limit=limits.get(name))
        yield _row(kind, name, size, own, trend)


def _row(kind: str, name: str, size: float, trend: Trend | None, whole: Trend | None) -> dict[str, Any]:
    share = trend.daily / whole.daily if trend and whole and whole.daily > 0 else None
    return {
        "kind": kind,
        "name": name,
        "size": spoken.size(round(size)),
        "a week": spoken.size(round(trend.daily * _WEEK)) if trend else "too few samples",
        "since": f"{trend.since:%Y-%m-%d}" if trend else "",
        "share of growth": f"{share:.0%}" if share is not None else "",
        "full on": f"{trend.full_on:%Y-%m-%d}" if trend and trend.full_on else "",
    }
