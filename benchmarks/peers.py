"""What people use today, each doing the same files on a fresh database of the same server."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psycopg

from benchmarks.project import Pair


def psql_per_file(bindir: Path, folder: Path, made: Sequence[Pair], dsn: str) -> None:
    """The runbook's way: one psql process per file, up, down and up."""
    for pair in made:
        up, down = _files(folder, pair)
        for file in (up, down, up):
            _psql(bindir, dsn, "--single-transaction", "-f", file)


def psql_many_files(bindir: Path, folder: Path, made: Sequence[Pair], dsn: str) -> None:
    """Three psql processes with all files each: up, down in reverse, and up."""
    ups = [_files(folder, pair)[0] for pair in made]
    downs = [_files(folder, pair)[1] for pair in reversed(made)]
    for files in (ups, downs, ups):
        _psql(bindir, dsn, *(argument for file in files for argument in ("-f", file)))


def dbmate(program: Path, folder: Path, made: Sequence[Pair], dsn: str) -> None:
    """Dbmate: up, a rollback per migration (it has no other), and up."""
    command = [program, "--url", f"{dsn}?sslmode=disable", "--migrations-dir", folder, "--no-dump-schema"]
    _run([*command, "migrate"])
    for _ in made:
        _run([*command, "rollback"])
    _run([*command, "migrate"])


def supabase_push(program: Path, folder: Path, dsn: str) -> None:
    """The Supabase CLI: apply only, since it has no rollback."""
    _run([program, "db", "push", "--db-url", f"{dsn}?sslmode=disable", "--workdir", folder, "--yes"])


def psycopg_loop(folder: Path, made: Sequence[Pair], dsn: str) -> None:
    """The floor: one connection, no history, no proof; up, down and up."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for pair in made:
            up, down = _files(folder, pair)
            for file in (up, down, up):
                with connection.transaction():
                    connection.execute(file.read_bytes(), prepare=False)


def _files(folder: Path, pair: Pair) -> tuple[Path, Path]:
    supabase = folder / "supabase"
    return supabase / "migrations" / f"{pair.name}.sql", supabase / "rollbacks" / f"{pair.name}.sql"


def _psql(bindir: Path, dsn: str, *arguments: str | Path) -> None:
    _run([bindir / "psql", dsn, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments])


def _run(command: Sequence[str | Path]) -> None:
    environment = {**os.environ, "DO_NOT_TRACK": "1", "SUPABASE_TELEMETRY_DISABLED": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed with {done.returncode}: {done.stderr or done.stdout}")
