"""`make bench`: a restore drill beside a restore by hand, pg_restore, pgBackRest and a plain copy.

python -m benchmarks.restore [--sizes 100 1000 3000] [--rounds 3], written to docs/benchmarks-restore.md.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import psutil
from prefect.client.schemas.objects import FlowRun
from pydantic import TypeAdapter

from benchmarks import report, restore_ways
from benchmarks.rehearsal import ROOT
from benchmarks.restore_ways import Site
from deployments import runs, stack
from deployments.stack import Stack
from ops import bundle, copying

COPY, HAND, DUMP, REPOSITORY = (
    "plain copy of the backup",
    "by hand: copy, start, replay, ask",
    "pg_restore -j 2 of a dump",
    "pgBackRest restore, lz4, PostgreSQL 15, without replay",
)
RTO, PROOFS, AWAY, OWN = (
    "restore-drill, RTO",
    "restore-drill, its proofs beside",
    "restore-drill, taking the cluster away",
    "restore-drill, the flow's own cost beside",
)
DEPLOYMENT = "restore-drill/production"
# What reads the restored database or the backup, and so takes longer where there is more of it.
_PROVING = (
    "Look at how production archives",
    "Find what the rows were",
    "Compare the rows",
    "Compare tables and policies",
    "Check keys and sequences",
    "Measure the loss",
    "Prove where it stopped",
    "List what a restore rewinds",
    "Look at Storage",
    "Verify the backup's files",
    "Look through the pages",
)
_RESTORING = ("Restore to",)
_TAKING_AWAY = ("Take the restored cluster away",)
_EVERY = 0.25
_HEAD = """\
# Benchmark of a restore

Written by `make bench`. A base backup and the WAL behind it are restored to the end of the WAL, each
way in turns, medians of {rounds} rounds on one disk with `fsync` on. By hand is `cp`, a configuration of three lines,
`pg_ctl` and the first query; it proves nothing. The drill runs through a real Prefect server, worker and deployment.
RTO is what it measures itself: until the first smoke query has passed. Its proofs compare rows and policies with their
reference, read the backup and its WAL whole, and look through every page with pg_amcheck. Stopping the cluster and
removing its files grows with them and is a line of its own; by hand has it too, after its seconds. What is left of the
flow run's time is its own cost: Prefect, the plan, the log, the evidence. Memory is the most that the flow's process
had; Postgres's own is not in it.

Machine: {machine}. {day}.
"""


@dataclass
class Drilled:
    """The seconds of one drill, and the most memory of its process in MiB."""

    rto: float
    proofs: float
    away: float
    own: float
    memory: float


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
    with stack.running(root=ROOT) as running:
        for size in options.sizes:
            with restore_ways.site(size) as site:
                parts.append(_table(site, size, *_measured(running, site, options.rounds)))
                print(parts[-1], flush=True)
    (ROOT / "docs" / "benchmarks-restore.md").write_text("\n".join(parts), "utf-8")


def _measured(running: Stack, site: Site, rounds: int) -> tuple[dict[str, list[float]], list[Drilled]]:
    ways: dict[str, Callable[[Site], float]] = {
        COPY: restore_ways.copied,
        HAND: restore_ways.by_hand,
        DUMP: restore_ways.from_dump,
    }
    if site.pgbackrest:
        ways[REPOSITORY] = restore_ways.by_pgbackrest
    taken: dict[str, list[float]] = {name: [] for name in ways}
    drills: list[Drilled] = []
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name].append(way(site))
            print(f"{name}: {taken[name][-1]:.2f} s", flush=True)
        drills.append(_drilled(running, site))
        print(drills[-1], flush=True)
    return taken | {
        RTO: [each.rto for each in drills],
        PROOFS: [each.proofs for each in drills],
        AWAY: [each.away for each in drills],
        OWN: [each.own for each in drills],
    }, drills


def _drilled(running: Stack, site: Site) -> Drilled:
    root = site.production.project
    run = runs.trigger(running, DEPLOYMENT, {"project": str(root), "environment": "production"})
    with running.client() as client, _Watch() as watch:
        while True:
            ended = client.read_flow_run(run.id)
            if ended.state and ended.state.is_final():
                break
            time.sleep(_EVERY)
    folder = bundle.of_run(root, str(run.id))
    if folder is None or not (ended.state and ended.state.is_completed()):
        raise RuntimeError(f"the drill did not pass: {ended.state}")
    drill = json.loads((folder / "drill.json").read_text("utf-8"))
    rto, away = drill["rto"], _spent(folder, _TAKING_AWAY)
    # On the way the recovery stops at the reference, whose rows are compared there.
    restoring = (_duration(drill["timings"][part]) for part in ("fetch", "restore", "replay"))
    looked = _spent(folder, _RESTORING) - sum(restoring)
    proofs = _spent(folder, _PROVING) + looked
    return Drilled(rto, proofs, away, _seconds(ended) - rto - proofs - away, watch.most / 2**20)


def _duration(said: str) -> float:
    return TypeAdapter(timedelta).validate_python(said).total_seconds()


def _seconds(run: FlowRun) -> float:
    return run.total_run_time.total_seconds()


def _spent(folder: Path, steps: tuple[str, ...]) -> float:
    """Add up the seconds of some steps, from the log of the attempt."""
    log = folder / "mcp_attempt1.jsonl"
    said = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    ended = [each for each in said if each["event"] == "finished" and each["step"].startswith(steps)]
    return sum(each["seconds"] for each in ended)


@dataclass
class _Watch:
    """Sees the most memory that the process of a flow run has; Postgres is not one of Prefect's."""

    most: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> _Watch:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY):
            for process in psutil.process_iter(["cmdline", "memory_info"]):
                words = " ".join(process.info["cmdline"] or ())
                if "prefect" in words and "engine" in words and process.info["memory_info"]:
                    self.most = max(self.most, process.info["memory_info"].rss)


def _table(site: Site, size: int, taken: dict[str, list[float]], drills: list[Drilled]) -> str:
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
    most = max(each.memory for each in drills)
    return "\n".join([*lines, "", f"The most memory of the drill's process: {most:,.0f} MiB.", ""])


if __name__ == "__main__":
    main()
