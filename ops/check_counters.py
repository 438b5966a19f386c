"""What the server itself counts, from one look to the next: errors that no log is needed for, the cache, the disk.

Source: supabase-operations.md, "Daily".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from ops import queries, spoken
from ops.check_looks import check
from ops.check_memory import Counted
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


class _Counters(BaseModel):
    since: datetime | None
    deadlocks: int
    conflicts: int
    checksum_failures: int
    sessions_fatal: int
    sessions_killed: int
    commits: int
    rollbacks: int
    temp_files: int
    temp_bytes: int
    hits: int
    reads: int


@dataclass(frozen=True)
class Grown:
    """By how much the server's counters have grown, and since when."""

    since: datetime | None
    by: dict[str, int]
    first: bool

    @property
    def said(self) -> str:
        """Since when, in words."""
        return f"since {spoken.moment(self.since)}" if self.since else "since the server counts"


def grown(checking: Checking) -> Grown:
    """Ask the counters and return what came since the last look, or since they were reset; a first look sees it all.

    Raises:
        OpsError: as `Checking.ask` does.
    """
    (found,) = checking.ask(queries.load("checks/counters"), _Counters)
    now = {name: int(value) for name, value in found.model_dump(exclude={"since"}).items()}
    checking.counted = Counted(at=checking.now, since=found.since, numbers=now)
    before = checking.memory.counted
    if before is None or before.since != found.since or any(now[k] < v for k, v in before.numbers.items()):
        return Grown(found.since, now, first=before is None)
    return Grown(before.at, {name: now[name] - before.numbers.get(name, 0) for name in now}, first=False)


@check("errors that the server counts")
def check_counted_errors(checking: Checking) -> Evidence:
    """Look whether deadlocks, conflicts of a replica, damaged pages or sessions that broke off have become more."""
    growth = grown(checking)
    by = growth.by
    if growth.first:
        # What lies before the first look nobody can date.
        findings = list(_damaged(checking.counted))
        well = f"Counted from now on; {growth.said} there were {by['deadlocks']} deadlocks."
    else:
        findings = [*_damaged(checking.counted), *_counted(growth)]
        well = f"No deadlock, conflict or damaged page {growth.said}; {by['rollbacks']:,} rollbacks."
    return checking.found(
        findings, well, rows=[{"counter": name, growth.said: by[name]} for name in sorted(by)]
    )


@check("cache and temporary files")
def check_cache(checking: Checking) -> Evidence:
    """Look how much is read from memory, and how much is written to temporary files."""
    growth, wanted = grown(checking), checking.settings
    read = growth.by["hits"] + growth.by["reads"]
    share = growth.by["hits"] / read if read else 1.0
    findings: list[Finding] = []
    if growth.by["reads"] >= wanted.least_reads and share < wanted.cache_hit:
        findings.append(_cold(share, growth, wanted.cache_hit))
    if not growth.first and growth.by["temp_bytes"] > wanted.temporary:
        findings.append(_spilling(growth))
    files = f"{spoken.size(growth.by['temp_bytes'])} went to temporary files"
    return checking.found(
        findings, f"{share:.1%} of {read:,} blocks came from memory, {files}, {growth.said}."
    )


def _damaged(counted: Counted | None) -> Iterator[Finding]:
    # What is damaged stays so until somebody mends it, whether or not it was read since the last look.
    if counted and counted.numbers["checksum_failures"]:
        yield Finding(
            kind="checksum-failures",
            object="data pages",
            severity="failed",
            said=f"{counted.numbers['checksum_failures']} pages were read with a wrong checksum.",
            why="Rows are damaged on the disk, and the next backup takes the damage along.",
            todo="Stop changing things, find the relation in the server's log, and restore it (runbook prod-restore). "
            "Then have it counted anew: select pg_stat_reset().",
        )


def _counted(growth: Grown) -> Iterator[Finding]:
    what = {
        "deadlocks": (
            "deadlocks",
            "Each of them has cost somebody a transaction.",
            "Look in the server's log which two statements lock in another order, and let both lock in the same.",
        ),
        "conflicts": (
            "replica-conflicts",
            "Each of them is a query on this replica that was cancelled for replay.",
            "Let long queries run where nothing is replayed, or allow more: max_standby_streaming_delay.",
        ),
        "sessions_fatal": (
            "sessions-broken-off",
            "Each of them is a session that the server ended with an error.",
            "Look in the server's log for FATAL lines.",
        ),
    }
    for name, (kind, why, todo) in what.items():
        if growth.by[name]:
            count = growth.by[name]
            words = kind.replace("-", " ")
            yield Finding(
                kind=kind,
                object="this database",
                severity="attention",
                said=f"The server has counted {count} {words} {growth.said}.",
                why=why,
                todo=todo,
                since=growth.since,
            )


def _cold(share: float, growth: Grown, least: float) -> Finding:
    return Finding(
        kind="cache-misses",
        object="this database",
        severity="attention",
        said=f"Only {share:.1%} of the blocks came from memory {growth.said}, of at least {least:.0%}; "
        f"{growth.by['reads']:,} were read.",
        why="Queries wait for the disk: the data that is used does not fit into memory, or a query reads too much.",
        todo="Look in pg_stat_statements which query reads most (shared_blks_read); add its index, or memory.",
        since=growth.since,
    )


def _spilling(growth: Grown) -> Finding:
    return Finding(
        kind="temporary-files",
        object="this database",
        severity="attention",
        said=f"{growth.by['temp_files']} temporary files with {spoken.size(growth.by['temp_bytes'])} were written "
        f"{growth.said}.",
        why="Sorts and joins that do not fit into work_mem go to the disk, which they also may fill.",
        todo="Look in pg_stat_statements which query writes them (temp_blks_written); index it, or give it work_mem.",
        since=growth.since,
    )
