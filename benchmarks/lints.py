"""`make bench`: the security lints beside the Supabase CLI's `db advisors`, and the trial of the contract of RLS.

python -m benchmarks.lints [--tables 5000] [--rounds 5] [--tried 200 2000 5000]

Written to docs/benchmarks-lints.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psycopg

from benchmarks import measure, report
from benchmarks.rehearsal import ROOT, TOOLS
from ops import database, embedded, lints, rls_trial

FILE = ROOT / "docs" / "benchmarks-lints.md"
_BATCH = 200
# So that one transaction does not hold more locks than the server has room for.
_TABLES = """\
do $make$ begin for i in {first}..{last} loop
    execute format('create table public.t%s (id bigint generated always as identity primary key,'
        ' owner uuid references auth.users (id), note text)', i);
    execute format('create index on public.t%s (owner)', i);
    execute format('alter table public.t%s enable row level security', i);
    execute format('create policy seen on public.t%s for select to authenticated'
        ' using (owner = (select auth.uid()))', i);
    execute format('create policy changed on public.t%s for update to authenticated'
        ' using (owner = auth.uid()) with check (owner = (select auth.uid()))', i);
end loop; end $make$
"""
_HEAD = """\
# Benchmark of the security lints

Written by `python -m benchmarks.lints`: a Supabase-shaped database with {tables:,} tables, each with two
policies, of which one asks for the caller for every row; medians of {rounds} rounds, taken in turns.
The audit's lints are in this process, with a new login each time; `db advisors` is the Supabase CLI's, with its start.

Machine: {machine}. {day}.

| | seconds | lowest to highest |
|---|---:|---:|
"""
_TRIAL = """
## The trial of the contract of row level security

The same tables, each tried once as each role by `rls_trial`, in a transaction of its own that is rolled back; the locks
are those of that login in `pg_locks`, looked at ten times a second.

| tables | seconds | milliseconds a table | most locks at once |
|---:|---:|---:|---:|
"""
_LOOK_EVERY = 0.1


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tried", type=int, nargs="+", default=[200, 2_000, 5_000])
    options = parser.parse_args()
    with embedded.running(listen=True) as server, tempfile.TemporaryDirectory() as folder:
        embedded.create_database(server, "linted", template=embedded.SHAPED)
        dsn = server.tcp_dsn("linted")
        _fill(dsn, options.tables)
        ways: dict[str, Callable[[], object]] = {
            "the audit's lints": lambda: _lint(dsn, lints.AUDITED, options.tables),
            "all lints": lambda: _lint(dsn, lints.FILES, options.tables),
        }
        supabase = TOOLS / ".bin" / "supabase"
        if supabase.exists():
            _run([supabase, "init", "--workdir", folder, "--yes"])
            ways["`supabase db advisors`"] = lambda: _run(
                [
                    supabase,
                    "db",
                    "advisors",
                    f"--remote={dsn}?sslmode=disable",
                    "--type",
                    "security",
                    "--workdir",
                    folder,
                ]
            )
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                taken[name].append(measure.seconds(way))
        tried = {tables: _tried(server, tables) for tables in options.tried}
    _write(FILE, options, taken, tried)


def _fill(dsn: str, tables: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for first in range(0, tables, _BATCH):
            connection.execute(_TABLES.format(first=first, last=min(first + _BATCH, tables) - 1).encode())
        connection.execute("vacuum analyze")


def _lint(dsn: str, only: tuple[str, ...], tables: int) -> None:
    with database.connect(dsn, prepare_threshold=None) as connection:
        found = lints.check(connection, only=only).lints
    if sum(each.lint == "auth_rls_initplan" for each in found) != tables:
        raise RuntimeError("the lints do not name every table")


def _tried(server: embedded.Server, tables: int) -> tuple[float, int]:
    """Return how long the trial of so many tables takes, and the most locks that it held at once."""
    name = f"tried_{tables}"
    embedded.create_database(server, name, template=embedded.SHAPED)
    dsn = server.tcp_dsn(name)
    _fill(dsn, tables)
    admin = server.dsn(name, user=server.superuser)
    with (
        database.connect(dsn, prepare_threshold=None) as connection,
        _watched(admin, connection.info.backend_pid) as held,
    ):
        seconds = measure.seconds(lambda: _try(connection, tables))
    embedded.drop_database(server, name)
    return seconds, max(held)


def _try(connection: database.Connection, tables: int) -> None:
    found = rls_trial.run(connection, schemas=["public"], samples={}).contract.tables
    if sum(each.untried is None for each in found.values()) != tables:
        raise RuntimeError("not every table was tried")


@contextmanager
def _watched(dsn: str, pid: int) -> Generator[list[int]]:
    held, ended = [0], threading.Event()

    def watch() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not ended.wait(_LOOK_EVERY):
                query = "select count(*) from pg_locks where pid = %s"
                held.append((connection.execute(query, (pid,)).fetchone() or (0,))[0])

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield held
    finally:
        ended.set()
        watching.join()


def _run(command: list[str | Path]) -> None:
    environment = {**os.environ, "DO_NOT_TRACK": "1", "SUPABASE_TELEMETRY_DISABLED": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{command[1]} failed with {done.returncode}: {done.stderr or done.stdout}")


def _write(
    path: Path,
    options: argparse.Namespace,
    taken: dict[str, list[float]],
    tried: dict[int, tuple[float, int]],
) -> None:
    head = _HEAD.format(
        tables=options.tables,
        rounds=options.rounds,
        machine=report.machine(),
        day=datetime.now(UTC).date().isoformat(),
    )
    lines = [
        f"| {name} | {median(found):.2f} | {min(found):.2f} to {max(found):.2f} |"
        for name, found in taken.items()
    ]
    trials = [
        f"| {tables:,} | {seconds:.1f} | {1_000 * seconds / tables:.0f} | {held} |"
        for tables, (seconds, held) in tried.items()
    ]
    path.write_text(head + "\n".join([*lines, *_TRIAL.splitlines(), *trials]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
