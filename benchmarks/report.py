"""docs/benchmarks.md: the machine, the medians and the ratios."""

from __future__ import annotations

import itertools
import os
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks.measure import Result

BASELINE = "psql, a process per file"
_HEAD = """\
# Benchmarks

Written by `make bench`. Every contestant runs the same generated project (tables with RLS, columns with data,
indexes, functions, views; each file with its rollback) on a fresh Supabase-shaped Postgres of its own, whose
start is counted for all of them; medians of {rounds} rounds, in which the contestants take turns. Memory is the most
that a contestant's processes had at one time (proportional share), its Postgres included, in a round of its own that
is not timed.

Up, down and up, except `supabase db push`, which can only apply. Only the rehearsal compares: after each rollback
with the state before, after each second apply with the first, schema and rows; it lints, takes the inventory twice,
checks RLS and writes a sealed bundle of evidence. All of that is in its time.

Machine: {machine}. {day}.
"""


def write(path: Path, results: list[Result], *, rounds: int) -> None:
    """Write the report."""
    head = _HEAD.format(rounds=rounds, machine=machine(), day=datetime.now(UTC).date().isoformat())
    sizes = sorted({result.files for result in results})
    parts = [head, *(_table(size, [r for r in results if r.files == size]) for size in sizes)]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*parts, _growth(results, sizes)]), encoding="utf-8")


def _table(size: int, results: Iterable[Result]) -> str:
    found = list(results)
    base = next(r.seconds for r in found if r.name == BASELINE)
    lines = [
        f"## {size} migrations",
        "",
        "| contestant | seconds | lowest to highest | per migration, ms "
        f"| times as fast as {BASELINE} | MiB |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for r in found:
        low, high = r.spread
        lines.append(
            f"| {r.name} | {r.seconds:.2f} | {low:.2f} to {high:.2f} | {r.seconds / size * 1000:.1f} "
            f"| {base / r.seconds:.1f} | {r.memory:.0f} |"
        )
    return "\n".join([*lines, ""])


def _growth(results: list[Result], sizes: list[int]) -> str:
    """Return how the cost per further migration changes with the size of the schema."""
    if len(sizes) < 3:
        return ""
    lines = [
        "## Cost of one more migration",
        "",
        "Milliseconds per migration between two sizes: a cost that grows with the schema makes the second one larger.",
        "",
        f"| contestant | {sizes[0]} to {sizes[1]} | {sizes[1]} to {sizes[2]} |",
        "|---|---:|---:|",
    ]
    for name in dict.fromkeys(r.name for r in results):
        at = {r.files: r.seconds for r in results if r.name == name}
        first, second = ((at[b] - at[a]) / (b - a) * 1000 for a, b in itertools.pairwise(sizes[:3]))
        lines.append(f"| {name} | {first:.1f} | {second:.1f} |")
    return "\n".join([*lines, ""])


def machine() -> str:
    """Say on what was measured."""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )
