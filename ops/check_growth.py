"""How the storage of databases and buckets grows, and when it will be full.

Source: supabase-operations.md, "Weekly" (review storage usage growth; archive stale assets).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from pydantic import BaseModel

from ops import errors, growth_plot, growth_rows, growth_samples, growth_trend, queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.growth_samples import Sample
from ops.growth_trend import Points

PLOT = "growth.png"
_LOCKED = "55P03"
# From here on there is no room for the next large change.
_FULL = 0.95
_URGENT = timedelta(days=7)
_TABLES = 50


class _Whole(BaseModel):
    own: int
    whole: int


class _Listing(BaseModel):
    bytes: int | None


class _Table(BaseModel):
    name: str
    bytes: int | None


class _Bucket(BaseModel):
    name: str
    bytes: int
    files: int


@check("storage growth")
def check_growth(checking: Checking) -> Evidence:
    """Measure the largest tables and the files of each bucket, keep that, and say when the disk will be full."""
    wanted, plan = checking.settings, checking.plan
    sample, left_out, estimated = _measured(checking)
    samples = growth_samples.keep(plan.out, plan.environment.name, sample)
    if checking.bundle:
        title = f"Storage of {plan.project.name} on {plan.environment.name}"
        picture = growth_plot.draw(samples, limit=wanted.storage, buckets=wanted.buckets, title=title)
        checking.bundle.write_bytes(PLOT, picture)
    databases, files = growth_samples.of_databases(samples), growth_samples.of_buckets(samples)
    findings = [
        *_whole(checking, "databases", databases, wanted.storage, samples),
        *_whole(checking, "buckets", files if sample.buckets is not None else [], wanted.buckets, samples),
        *_limited(checking, samples, left_out),
        *_left_out(left_out),
    ]
    said = ", the buckets ".join(
        f"{spoken.size(round(points[-1][1]))}{_grows(points)}" for points in (databases, files) if points
    )
    about = " (estimated from a part of storage.objects)" if estimated else ""
    rows = growth_rows.rows(
        samples,
        limits={"databases": wanted.storage, "buckets": wanted.buckets},
        tables=wanted.table_limits,
        buckets=wanted.bucket_limits,
    )
    found = checking.found(findings, f"The databases have {said}{about}.")
    # What grows is shown whether or not something is found: the findings have a table of their own.
    return found.model_copy(update={"rows": tuple(rows)})


def _measured(checking: Checking) -> tuple[Sample, list[str], bool]:
    """Return the sizes now, what nobody could look at since it is locked, and whether the buckets are estimated."""
    (size,) = checking.ask(queries.load("checks/database_size"), _Whole)
    tables = checking.ask(queries.load("checks/table_sizes"), _Table)
    left_out = [each.name for each in tables if each.bytes is None]
    sizes = sorted(((each.name, each.bytes or 0) for each in tables), key=lambda each: -each[1])
    kept = [each for each in sizes if each[0] not in left_out][:_TABLES]
    # A table with a limit of its own is followed however small it is.
    kept += [each for each in sizes[_TABLES:] if each[0] in checking.settings.table_limits]
    buckets: dict[str, int] | None = None
    estimated = False
    try:
        found, estimated = _buckets(checking)
        buckets = {each.name: each.bytes for each in found}
    except errors.Unavailable as error:
        if not str(error).startswith(_LOCKED):
            raise
        left_out.append("storage.objects")
    sample = Sample(at=checking.now, whole=size.whole, tables=dict(kept), buckets=buckets)
    return sample, list(dict.fromkeys(left_out)), estimated


_TODO = {
    "databases": "Archive or delete what is not needed, drop unused indexes, or enlarge the disk.",
    "buckets": "Archive stale assets, set lifecycle rules, or enlarge the plan.",
}


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


def _whole(
    checking: Checking, what: str, points: Points, limit: int | None, samples: Sequence[Sample]
) -> Iterator[Finding]:
    if limit is not None:
        yield from _full(checking, what, points, limit, _TODO[what], samples)
    elif points and points[-1][1]:
        yield _unlimited(checking, what)


def _limited(checking: Checking, samples: Sequence[Sample], left_out: Sequence[str]) -> Iterator[Finding]:
    """Yield which tables and buckets will be as large as their own limit allows."""
    wanted, last = checking.settings, samples[-1]
    for name, limit in wanted.table_limits.items():
        if name in last.tables:
            points = growth_samples.of_table(samples, name)
            yield from _full(checking, f"table {name}", points, limit, _TODO["databases"])
        elif name not in left_out:
            yield _limit_of_nothing(f"table {name}")
    for name, limit in wanted.bucket_limits.items():
        points = growth_samples.of_bucket(samples, name)
        if last.buckets is not None and points:
            yield from _full(checking, f"bucket {name}", points, limit, _TODO["buckets"])


def _full(
    checking: Checking, what: str, points: Points, limit: int, todo: str, samples: Sequence[Sample] = ()
) -> Iterator[Finding]:
    if not points:
        return
    size, trend = round(points[-1][1]), growth_trend.trend(points, limit=limit)
    on = trend.full_on if trend else None
    share = size / limit
    soon = on is not None and on - checking.now < checking.settings.full_within
    if share < _FULL and not soon:
        return
    urgent = share >= _FULL or (on is not None and on - checking.now < _URGENT)
    ahead = f", and will be full on {on:%Y-%m-%d}{_grows(points)}" if on and size < limit else ""
    fastest = f"; most has grown {growth_rows.fastest(samples, trend, what)}" if samples else ""
    has = f"The {what} have" if samples else f"The {what} has"
    yield Finding(
        kind="storage-full-soon",
        object=what,
        severity="failed" if urgent else "attention",
        said=f"{has} {spoken.size(size)} of {spoken.size(limit)} ({share:.0%}){ahead}{fastest}.",
        why="On a full disk the database stops writing, and hosted Supabase makes it read-only.",
        todo=todo,
    )


def _limit_of_nothing(what: str) -> Finding:
    return Finding(
        kind="limit-of-nothing",
        object=what,
        severity="note",
        said=f"The {what} has a limit and is not among the two hundred largest, if it is there at all.",
        why="A limit that is about nothing is never reached.",
        todo="Look how it is spelt (schema.name) in table_limits of the environment's checks.",
    )


def _left_out(names: Sequence[str]) -> Iterator[Finding]:
    for name in names:
        yield Finding(
            kind="size-not-seen",
            object=name,
            severity="attention",
            said=f"The size of {name} was not looked at, since somebody has locked it; all else was measured.",
            why="What nobody has looked at may have grown.",
            todo="Look what locks it for so long (blocked queries of daily-checks), and start the check again.",
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


def _grows(points: Points) -> str:
    said = growth_rows.weekly(growth_trend.trend(points, limit=None))
    return f", {said}" if said else ""
