"""An integrity check beside the naive ways, in one run, written to docs/benchmarks-integrity.md.

python -m benchmarks.integrity [--rows 10000000] [--rounds 3] [--out docs/benchmarks-integrity.md]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks import integrity_ways as ways
from benchmarks import report
from ops import embedded

ROOT = Path(__file__).resolve().parent.parent
LIMIT_MIB = 200
_TIMED_OUT = "57014"
_FILL = """\
create table logs (id bigint primary key, message text);
insert into logs select i, 'log ' || i from generate_series(1, {logs}) i;
create table chat_history (
    id bigint primary key, session_id bigint, turn int, role text, content text, log_id bigint,
    created_at timestamptz default now());
insert into chat_history
    select i, i / 40, i % 40, case i % 2 when 0 then 'user' else 'assistant' end,
           'what was said as number ' || i || ' ' || md5(i::text), case when i % 5 = 0 then null else 1 + i % {logs} end
    from generate_series(1, {rows}) i;
vacuum analyze logs;
vacuum analyze chat_history;
"""
_AGAIN = """\
insert into chat_history
    select {rows} + id, session_id, turn, role, content, -1, created_at from chat_history where id % 10000 = 1;
vacuum analyze chat_history;
"""
_HEAD = """\
# Benchmarks of the integrity check

Written by `python -m benchmarks.integrity`: {rows:,} messages and {logs:,} logs in one database of a Supabase-shaped
Postgres with its own settings; medians of {rounds} rounds, in which the ways take turns. Every way runs in a process of
its own, which connects, asks and has the answer; all ways of a question must give the same answer. Memory is the most
that this process had (Python and the driver are about 50 MiB of it); what the server does to answer is not in it.
The naive ways only count; this tool also finds its tables in the catalog, and where rows are wrong it names some.
Where a way of this tool takes more than {limit} MiB of the client, the benchmark fails.
What takes longer than {patience:.0f} s is stopped, and not run again.

Machine: {machine}. {day}.
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One run of one way; `seconds` is `None` where it was stopped."""

    seconds: float | None
    mebibytes: float
    answer: int | None


def main() -> None:
    """Measure every way and write the report; or, as a process of that, run one way."""
    options = _options()
    if options.way:
        print(json.dumps(_run(options.group, options.way, options.dsn, Path(options.bindir))))
        return
    parts = [
        _HEAD.format(
            rows=options.rows,
            logs=_logs(options.rows),
            rounds=options.rounds,
            limit=LIMIT_MIB,
            patience=ways.PATIENCE.total_seconds(),
            machine=report.machine(),
            day=datetime.now(UTC).date().isoformat(),
        )
    ]
    unfinished = options.out.with_suffix(".part")
    with embedded.running() as server:
        dsn = embedded.create_database(server, "benchmark")
        _execute(dsn, _FILL.format(rows=options.rows, logs=_logs(options.rows)))
        _execute(dsn, "".join(_small(number) for number in range(ways.TABLES)))
        for title, group, answer in _questions(options.rows):
            if group == "orphans":
                _execute(dsn, _AGAIN.format(rows=options.rows))
            taken = _measured(group, dsn, server.bindir, rounds=options.rounds)
            _agreed(title, taken, answer)
            parts.append(_table(title, taken))
            # A measurement that is stopped leaves the page as it was.
            unfinished.write_text("\n".join(parts), encoding="utf-8")
    unfinished.replace(options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks-integrity.md")
    for name in ("group", "way", "dsn", "bindir"):
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS)
    return parser.parse_args()


def _questions(rows: int) -> list[tuple[str, str, int]]:
    """The questions in the order in which they are asked, with their answers; before the orphans rows go wrong."""
    again = len(range(1, rows + 1, 10_000))
    # With duplicates and orphans in it, and a foreign key by habit only: a finding each.
    return [
        ("Duplicates by three columns, of which two are words; there are none", "duplicates by words", 0),
        ("Duplicates by two numbers; there are none", "duplicates by numbers", 0),
        (f"Orphans; there are {again:,}", "orphans", again),
        (f"Duplicates by three columns; there are {again:,}", "duplicates by words", again),
        (f"Duplicates by two numbers; there are {again:,}", "duplicates by numbers", again),
        (f"Row counts of {ways.TABLES} tables", "row counts", 5 * ways.TABLES),
        ("Everything that `integrity.check` looks at", "check", 1),
    ]


def _measured(group: str, dsn: str, bindir: Path, *, rounds: int) -> dict[str, list[Taken]]:
    taken: dict[str, list[Taken]] = {name: [] for name in ways.GROUPS[group]()}
    for _ in range(rounds):
        for name, before in taken.items():
            if any(each.seconds is None for each in before):
                continue
            before.append(_in_a_process(group, name, dsn, bindir))
            print(f"{group:24} {name:22} {before[-1]}", flush=True)
    return taken


def _in_a_process(group: str, name: str, dsn: str, bindir: Path) -> Taken:
    command = [sys.executable, "-m", "benchmarks.integrity", "--group", group, "--way", name, "--dsn", dsn]
    done = subprocess.run([*command, "--bindir", bindir], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{group}, {name} failed: {done.stderr[-3000:]}")
    return Taken(**json.loads(done.stdout))


def _run(group: str, name: str, dsn: str, bindir: Path) -> dict[str, float | int | None]:
    began = time.perf_counter()
    try:
        answer = ways.GROUPS[group]()[name](dsn, bindir)
    except psycopg.Error as error:
        if error.sqlstate != _TIMED_OUT:
            raise
        return {"seconds": None, "mebibytes": _most_memory(), "answer": None}
    return {"seconds": time.perf_counter() - began, "mebibytes": _most_memory(), "answer": answer}


def _most_memory() -> float:
    """Return the most memory that this process had, in MiB; what its parent had before is not in it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def _agreed(title: str, taken: dict[str, list[Taken]], answer: int) -> None:
    wrong = {
        name: each.answer
        for name, runs in taken.items()
        for each in runs
        if each.seconds is not None and each.answer != answer
    }
    if wrong:
        raise RuntimeError(f"{title}: the answer is {answer}, and not {wrong}")
    for name in (ways.OURS, ways.WHOLE):
        most = max((each.mebibytes for each in taken.get(name, [])), default=0)
        if most > LIMIT_MIB:
            raise RuntimeError(f"{title}: {name} took {most:.0f} MiB, more than {LIMIT_MIB}")


def _table(title: str, taken: dict[str, list[Taken]]) -> str:
    lines = [
        f"## {title}",
        "",
        "| way | seconds | lowest to highest | as long as ours | MiB of the client |",
        "|---|---:|---:|---:|---:|",
    ]
    ours = _median(taken.get(ways.OURS) or taken[ways.WHOLE])
    for name, runs in taken.items():
        seconds, most = _median(runs), max(each.mebibytes for each in runs)
        if seconds is None or ours is None:
            lines.append(f"| {name} | stopped | | | {most:.0f} |")
            continue
        low, high = (pick(each.seconds or 0 for each in runs) for pick in (min, max))
        lines.append(
            f"| {name} | {seconds:.2f} | {low:.2f} to {high:.2f} | {seconds / ours:.1f} times | {most:.0f} |"
        )
    return "\n".join([*lines, ""])


def _median(runs: Sequence[Taken]) -> float | None:
    seconds = [each.seconds for each in runs if each.seconds is not None]
    return statistics.median(seconds) if len(seconds) == len(runs) else None


def _logs(rows: int) -> int:
    return max(1, rows // 10)


def _small(number: int) -> str:
    return f"create table many_{number} as select generate_series(1, 5) as id;"


def _execute(dsn: str, text: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in text.split(";\n"):
            if statement.strip():
                connection.execute(statement.encode())


if __name__ == "__main__":
    main()
