"""How the storage of databases and buckets grows, and when it will be full.

Source: supabase-operations.md, "Weekly" (review storage usage growth; archive stale assets).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from ops import growth_plot, growth_samples, queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.growth_samples import Sample, Trend

PLOT = "growth.png"
# From here on there is no room for the next large change.
_FULL = 0.95
_URGENT = timedelta(days=7)
_TABLES = 50
_WEEK = 7


class _Whole(BaseModel):
    own: int
    whole: int


class _Listing(BaseModel):
    bytes: int | None


class _Named(BaseModel):
    name: str
    bytes: int


class _Bucket(_Named):
    files: int


@check("storage growth")
def check_growth(checking: Checking) -> Evidence:
    """Measure the largest tables and the files of each bucket, keep that, and say when the disk will be full."""
    wanted = checking.settings
    (size,) = checking.ask(queries.load("checks/database_size"), _Whole)
    tables = checking.ask(queries.load("checks/table_sizes"), _Named)
    buckets, estimated = _buckets(checking)
    largest = sorted(tables, key=lambda each: -each.bytes)[:_TABLES]
    sample = Sample(
        at=checking.now,
        whole=size.whole,
        tables={each.name: each.bytes for each in largest},
        buckets={each.name: each.bytes for each in buckets},
    )
    plan = checking.plan
    samples = growth_samples.keep(plan.out, plan.environment.name, sample)
    by_disk = growth_samples.trend([(each.at, each.whole) for each in samples], limit=wanted.storage)
    by_files = growth_samples.trend([(each.at, each.files) for each in samples], limit=wanted.buckets)
    if checking.bundle:
        title = f"Storage of {plan.project.name} on {plan.environment.name}"
        picture = growth_plot.draw(samples, limit=wanted.storage, buckets=wanted.buckets, title=title)
        checking.bundle.write_bytes(PLOT, picture)
    findings = [
        *_full(checking, "databases", sample.whole, wanted.storage, by_disk, samples, _DISK),
        *_full(checking, "buckets", sample.files, wanted.buckets, by_files, samples, _FILES),
    ]
    about = " (estimated from a part of storage.objects)" if estimated else ""
    said = f"The databases have {spoken.size(sample.whole)}{_grows(by_disk)}, the buckets {spoken.size(sample.files)}"
    return checking.found(findings, f"{said}{_grows(by_files)}{about}.", rows=_rows(samples))


_DISK = "Archive or delete what is not needed, drop unused indexes, or enlarge the disk."
_FILES = "Archive stale assets, set lifecycle rules, or enlarge the plan."


def _buckets(checking: Checking) -> tuple[list[_Bucket], bool]:
    """Return the sizes of buckets; of a list that is too large to be read whole by a part of its pages."""
    (listing,) = checking.ask(queries.load("checks/objects_size"), _Listing)
    if listing.bytes is None:
        return [], False
    percent = min(100.0, 100 * checking.settings.most_scan / max(1, listing.bytes))
    found = checking.ask(queries.load("checks/buckets"), _Bucket, {"percent": percent})
    if percent == 100:
        return found, False
    return [each.model_copy(update={"bytes": round(each.bytes * 100 / percent)}) for each in found], True


def _full(
    checking: Checking,
    what: str,
    size: int,
    limit: int | None,
    trend: Trend | None,
    samples: Sequence[Sample],
    todo: str,
) -> Iterator[Finding]:
    if limit is None:
        if size:
            yield _unlimited(checking, what)
        return
    on = trend.full_on if trend else None
    share = size / limit
    soon = on is not None and on - checking.now < checking.settings.full_within
    if share < _FULL and not soon:
        return
    urgent = share >= _FULL or (on is not None and on - checking.now < _URGENT)
    ahead = f", and will be full on {on:%Y-%m-%d}{_grows(trend)}" if on and size < limit else ""
    yield Finding(
        kind="storage-full-soon",
        object=what,
        severity="failed" if urgent else "attention",
        said=f"The {what} have {spoken.size(size)} of {spoken.size(limit)} ({share:.0%}){ahead}; "
        f"most has grown {_fastest(samples, what)}.",
        why="On a full disk the database stops writing, and hosted Supabase makes it read-only.",
        todo=todo,
    )


def _unlimited(checking: Checking, what: str) -> Finding:
    where, key = checking.plan.environment.name, "storage" if what == "databases" else "buckets"
    return Finding(
        kind="no-storage-limit",
        object=what,
        severity="note",
        said=f"How much the {what} may have is not configured, so nobody can say when they are full.",
        why="A disk that fills up stops the database without a warning.",
        todo=f'Name it: {key} = "8 GB" in [environments.{where}.checks].',
    )


def _grows(trend: Trend | None) -> str:
    if trend is None:
        return ""
    sign = "more" if trend.daily >= 0 else "less"
    return f", {spoken.size(round(abs(trend.daily) * _WEEK))} {sign} a week"


def _sizes(sample: Sample, what: str) -> dict[str, int]:
    return sample.tables if what == "databases" else sample.buckets


def _fastest(samples: Sequence[Sample], what: str) -> str:
    before, after = _sizes(samples[0], what), _sizes(samples[-1], what)
    grown = {name: size - before.get(name, 0) for name, size in after.items()}
    if not grown:
        return "what is not told apart"
    name = max(grown, key=lambda each: grown[each])
    return f"{name} ({spoken.size(grown[name])} since {_day(samples[0].at)})"


def _rows(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    first, last = samples[0], samples[-1]
    rows: list[dict[str, Any]] = []
    for kind, before, after in (
        ("table", first.tables, last.tables),
        ("bucket", first.buckets, last.buckets),
    ):
        rows += [
            {
                "kind": kind,
                "name": name,
                "size": spoken.size(size),
                f"since {_day(first.at)}": _change(before, name, size),
            }
            for name, size in sorted(after.items(), key=lambda each: -each[1])
        ]
    return rows


def _change(before: dict[str, int], name: str, size: int) -> str:
    return spoken.size(size - before[name]) if name in before else "new"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
