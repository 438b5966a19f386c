"""One check for a hundred databases on one Postgres, in docs/benchmarks-fleet.md: how long, and how many at once?

python -m benchmarks.fleet [--projects 100] [--at-once 4]
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from benchmarks import report
from benchmarks.rehearsal import ROOT
from deployments import stack
from deployments.stack import Stack
from ops import embedded

_HEAD = """\
# Benchmark of a fleet

Written by `python -m benchmarks.fleet`. So many databases on one Postgres, each of a project of its own, are looked at
by `runbooks run daily-checks --all`: a flow run of its own for each, in a process of its own, by one worker, on the
machine on which Prefect's server, its database and the operated Postgres run too. One database of them takes no
connections. Measured from the command's start to its end; the most at once is what Prefect recorded.

Machine: {machine}. {day}.

| projects | at once allowed | at once seen | seconds | per project | well | broken, and named |
|---:|---:|---:|---:|---:|---:|---|
"""


def main() -> None:
    """Check the fleet with each bound, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--projects", type=int, default=100)
    parser.add_argument("--at-once", type=int, nargs="+", default=[4])
    options = parser.parse_args()
    lines: list[str] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded.running() as server,
        stack.running(root=ROOT) as running,
    ):
        fleet = Path(folder)
        _projects(fleet, server, options.projects)
        for bound in options.at_once:
            lines.append(_measured(fleet, running, options.projects, bound))
            print(lines[-1], flush=True)
    head = _HEAD.format(machine=report.machine(), day=datetime.now(UTC).date().isoformat())
    (ROOT / "docs" / "benchmarks-fleet.md").write_text(head + "\n".join(lines) + "\n", "utf-8")


def _projects(fleet: Path, server: embedded.Server, count: int) -> None:
    for number in range(1, count + 1):
        name = f"shop_{number:03}"
        embedded.create_database(server, name, template=embedded.SHAPED)
        root = fleet / name.replace("_", "-")
        (root / "supabase" / "migrations").mkdir(parents=True)
        (root / "dsn").write_text(server.dsn(name, user=server.superuser))
        config = f'[environments.production]\ndatabase = "file:{root / "dsn"}"\n'
        (root / "runbooks.toml").write_text(config)
    with psycopg.connect(server.dsn("postgres", user=server.superuser), autocommit=True) as connection:
        closed = sql.SQL("alter database {} allow_connections false")
        connection.execute(closed.format(sql.Identifier(f"shop_{count // 2:03}")))


def _measured(fleet: Path, running: Stack, count: int, bound: int) -> str:
    (fleet / "fleet.toml").write_text(f'projects = ["shop-*"]\nat_once = {bound}\n')
    written = fleet / "report.json"
    words = ["run", "daily-checks", "--all", "--fleet", str(fleet / "fleet.toml"), "--json", str(written)]
    command = [sys.executable, "-c", "from cli.main import main; main()", *words]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=running.environment, stdout=subprocess.DEVNULL, check=False)
    seconds = time.perf_counter() - began
    rows = json.loads(written.read_text("utf-8"))["projects"]
    if done.returncode != 1 or len(rows) != count:
        raise RuntimeError(f"the fleet ended with {done.returncode} and {len(rows)} projects")
    broken = [Path(row["project"]).name for row in rows if row["exit_code"]]
    most = _most_at_once(running, [UUID(row["page"].rpartition("/")[2]) for row in rows])
    return (
        f"| {count} | {bound} | {most} | {seconds:.0f} | {seconds / count:.1f} | {count - len(broken)} "
        f"| {', '.join(broken)} |"
    )


def _most_at_once(running: Stack, ids: list[UUID]) -> int:
    with running.client() as client:
        runs = [client.read_flow_run(each) for each in ids]
    spans = [(run.created, run.end_time) for run in runs if run.created and run.end_time]
    moments = sorted([(began, 1) for began, _ in spans] + [(ended, -1) for _, ended in spans])
    return max(itertools.accumulate(step for _, step in moments))


if __name__ == "__main__":
    main()
