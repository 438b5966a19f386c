"""Indexes that only cost: never used, or there twice. Source: weekly-checks of the operator's day."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


class _Since(BaseModel):
    since: datetime


class _Unused(BaseModel):
    name: str
    on_table: str
    bytes: int


class _Twice(BaseModel):
    on_table: str
    names: list[str]
    bytes: int


@check("unused indexes")
def check_unused(checking: Checking) -> Evidence:
    """Find large indexes that no query has used since the server counts; those of constraints have other uses."""
    (counting,) = checking.ask(queries.load("checks/counting_since"), _Since)
    if checking.now - counting.since < checking.settings.counted_for:
        return checking.idle(
            f"The server counts only since {spoken.moment(counting.since)}, so which index is unused is not known yet."
        )
    least = checking.settings.unused_index
    found = checking.ask(queries.load("checks/unused_indexes"), _Unused)
    large = [each for each in found if each.bytes >= least]
    return checking.found(
        [_unused(checking, each, counting.since) for each in large],
        f"No index of {spoken.size(least)} or more is unused since {spoken.moment(counting.since)}; "
        f"{len(found)} smaller ones are.",
        rows=[each.model_dump() for each in found],
    )


@check("duplicate indexes")
def check_duplicates(checking: Checking) -> Evidence:
    """Find indexes of one table that say the same."""
    found = checking.ask(queries.load("checks/duplicate_indexes"), _Twice)
    return checking.found(
        [_twice(each, name) for each in found for name in each.names[1:]], "No index is there twice."
    )


def _unused(checking: Checking, index: _Unused, since: datetime) -> Finding:
    said = f"The index {index.name} on {index.on_table} ({spoken.size(index.bytes)}) was not used since "
    finding = Finding(
        kind="unused-index",
        object=index.name,
        severity="note",
        said=f"{said}{spoken.moment(since)}.",
        why="Every write keeps it up, and it takes room in memory and in each backup.",
        todo=f"See that no replica and no rare report uses it, then migrate: DROP INDEX CONCURRENTLY {index.name}.",
    )
    # Whoever has just made one has not had the time to use it.
    known = {each.fingerprint: each.first for each in checking.memory.known}
    first = known.get(finding.fingerprint, checking.now)
    old = checking.now - first >= checking.settings.unused_for
    return finding.model_copy(update={"severity": "attention"}) if old else finding


def _twice(found: _Twice, name: str) -> Finding:
    return Finding(
        kind="duplicate-index",
        object=f"{found.on_table}: {name}",
        severity="attention",
        said=f"The index {name} on {found.on_table} says the same as {found.names[0]} ({spoken.size(found.bytes)}).",
        why="Every write keeps both up, and a query needs one.",
        todo=f"Write a migration that drops one: DROP INDEX CONCURRENTLY, or the constraint behind it; "
        f"{found.names[0]} may stay.",
    )
