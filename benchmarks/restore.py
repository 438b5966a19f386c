"""`make bench`: a restore drill beside a restore by hand, pg_restore and a plain copy, in docs/benchmarks-restore.md.

python -m benchmarks.restore [--sizes 100 1000 3000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks import measure, report
from benchmarks.rehearsal import ROOT
from cli import demo_production
from cli.demo_production import Production
from flows.restore_drill import restore_drill
from ops import copying, embedded, homes, os_user, reference, scratch
from ops.drill import DrillChoices

COPY, HAND, DUMP = (
    "plain copy of the backup",
    "by hand: copy, start, replay, ask",
    "pg_restore -j 2 of a dump",
)
RTO, WHOLE = "restore-drill, RTO", "restore-drill, all proofs and evidence"
_ROW = 1000
_HEAD = """\
# Benchmark of a restore

Written by `make bench`. A base backup and the WAL behind it (a third as much) are restored to the end of the WAL, each
way in turns, medians of {rounds} rounds on one disk with `fsync` on. By hand is `cp`, a configuration of three lines,
`pg_ctl` and the first query; it proves nothing. RTO is what the drill measures itself: until the first smoke query has
passed. The whole drill also compares rows and policies with their reference, reads the backup and its WAL whole, looks
through every page with pg_amcheck, and writes its evidence.

Machine: {machine}. {day}.
"""


@dataclass(frozen=True)
class Site:
    """A production of some size, with its backup, its archive and its dump."""

    production: Production
    backup: Path
    dump: Path
    room: Path

    @property
    def wal(self) -> Path:
        return self.production.folder / "wal"


def main() -> None:
    """Measure all of them in turns, at each size, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 3000], help="MiB of rows")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    parts = [
        _HEAD.format(
            rounds=options.rounds, machine=report.machine(), day=datetime.now(UTC).date().isoformat()
        )
    ]
    for size in options.sizes:
        with _site(size) as site:
            parts.append(_table(site, size, _measured(site, options.rounds)))
            print(parts[-1], flush=True)
    (ROOT / "docs" / "benchmarks-restore.md").write_text("\n".join(parts), "utf-8")


@contextmanager
def _site(size: int) -> Generator[Site]:
    with demo_production.running() as production, tempfile.TemporaryDirectory(dir=homes.on_disk()[0]) as room:
        # Else the server's user could not enter it.
        Path(room).chmod(0o755)
        _fill(production, "filler", size)
        backup = production.back_up()
        reference.keep(production.project, "production", reference.take(production.dsn))
        _fill(production, "later", size // 3)
        production.archive()
        dump = Path(room, "dump")
        command = [production.server.bindir / "pg_dump", "-Fd", "-j", "2", "-f", dump, "-d", production.dsn]
        subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
        yield Site(production, backup, dump, Path(room))


def _fill(production: Production, table: str, size: int) -> None:
    rows = size * 2**20 // _ROW
    production.ask(
        f"create table public.{table} (id bigint primary key, body text);"
        f"insert into public.{table} select i, repeat(md5(i::text), 30) from generate_series(1, {rows}) i"
    )


def _measured(site: Site, rounds: int) -> dict[str, list[float]]:
    ways: dict[str, Callable[[], float]] = {
        COPY: lambda: _copied(site),
        HAND: lambda: _by_hand(site),
        DUMP: lambda: _from_dump(site),
    }
    taken: dict[str, list[float]] = {name: [] for name in (*ways, RTO, WHOLE)}
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(way())
        rto, whole = _drilled(site)
        taken[RTO].append(rto)
        taken[WHOLE].append(whole)
    return taken


def _copied(site: Site) -> float:
    target = site.room / "copy"
    try:
        return measure.seconds(lambda: subprocess.run(["cp", "-a", site.backup, target], check=True))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _by_hand(site: Site) -> float:
    data, user, bindir = site.room / "data", os_user.find(), site.production.server.bindir
    began = time.perf_counter()
    subprocess.run(["cp", "-a", site.backup, data], check=True)
    (data / "postgresql.auto.conf").write_text(
        f"restore_command = 'cp {scratch.shell(site.wal)}/%f %p'\narchive_mode = off\nlisten_addresses = ''\n"
        f"unix_socket_directories = '{site.room}'\nport = 5499\n"
    )
    (data / "recovery.signal").touch()
    user.own(site.room)
    try:
        user.run(bindir / "pg_ctl", "-D", data, "-w", "-t", "600", "-l", site.room / "log", "start")
        dsn = f"host={site.room} port=5499 user={site.production.server.superuser} dbname=postgres"
        done = "select not pg_is_in_recovery() and count(*) > 0 from public.later"
        while user.run(bindir / "psql", "-XAtc", done, dsn).stdout.strip() != "t":
            time.sleep(0.02)
        return time.perf_counter() - began
    finally:
        user.run(bindir / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)


def _from_dump(site: Site) -> float:
    with embedded.running(settings={"fsync": "on"}) as server:
        dsn = server.dsn("postgres", user=server.superuser)
        command = [
            server.bindir / "pg_restore",
            "--no-owner",
            "-j",
            "2",
            "--schema=public",
            "-d",
            dsn,
            site.dump,
        ]
        words = [str(word) for word in command]
        return measure.seconds(lambda: subprocess.run(words, check=False, capture_output=True))


def _drilled(site: Site) -> tuple[float, float]:
    began = time.perf_counter()
    found = restore_drill.fn(str(site.production.project), "production", DrillChoices())
    if found.rto is None:
        raise RuntimeError(found.summary)
    return found.rto, time.perf_counter() - began


def _table(site: Site, size: int, taken: dict[str, list[float]]) -> str:
    base = median(taken[HAND])
    held = copying.size(site.backup) / 2**20
    wal = sum(path.stat().st_size for path in site.wal.iterdir()) / 2**20
    lines = [
        f"## {size} MiB of rows: a backup of {held:,.0f} MiB, {wal:,.0f} MiB of WAL",
        "",
        "| way | seconds | lowest to highest | as long as by hand |",
        "|---|---:|---:|---:|",
    ]
    for name, seconds in taken.items():
        low, high = min(seconds), max(seconds)
        middle = median(seconds)
        lines.append(f"| {name} | {middle:.2f} | {low:.2f} to {high:.2f} | {middle / base:.2f} times |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
