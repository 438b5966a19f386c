"""`make bench`: the rehearsal beside what people use today, in one run, written to docs/benchmarks.md.

python -m benchmarks.rehearsal [--files 50 200 1000] [--rounds 5] [--no-deployment]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from benchmarks import measure, peers, project, report
from benchmarks.deployed import Deployed
from ops import embedded

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tests" / "peers" / "node_modules"
RUNBOOKS = Path(sys.executable).parent / "runbooks"
OURS = "rehearsal, no server"
DEPLOYED = "rehearsal, through a deployment"


def main() -> None:
    """Measure every contestant at every size and write the report."""
    options = _options()
    results: list[measure.Result] = []
    with ExitStack() as stack:
        deployed = stack.enter_context(Deployed.running(ROOT)) if options.deployment else None
        for files in options.files:
            results += _at(files, options.rounds, deployed)
            # What there is: a thousand files take their time.
            report.write(ROOT / "docs" / "benchmarks.md", results, rounds=options.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-deployment", dest="deployment", action="store_false")
    return parser.parse_args()


def _at(files: int, rounds: int, deployed: Deployed | None) -> list[measure.Result]:
    taken: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="runbooks-bench-") as name:
        folder = Path(name)
        made = project.pairs(files)
        project.write(folder / "project", made)
        project.write_for_dbmate(folder / "dbmate", made)
        contestants = _contestants(folder, made, deployed)
        most = {name: measure.memory(run) for name, run in contestants.items()}
        # The contestants take turns, so that a slow minute of the machine is shared by all.
        for _ in range(rounds):
            for name, run in contestants.items():
                taken.setdefault(name, []).append(measure.seconds(run))
                print(
                    f"{files:5} files  {name:34} {taken[name][-1]:8.2f} s {most[name]:7.0f} MiB", flush=True
                )
    return [measure.result(name, files, taken[name], most[name]) for name in contestants]


def _contestants(
    folder: Path, made: list[project.Pair], deployed: Deployed | None
) -> dict[str, Callable[[], object]]:
    where = folder / "project"

    def on_fresh(run: Callable[[Path, str], None]) -> Callable[[], None]:
        return lambda: _on_fresh_server(run)

    contestants: dict[str, Callable[[], object]] = {
        "psql, a process per file": on_fresh(lambda b, dsn: peers.psql_per_file(b, where, made, dsn)),
        "psql, many -f": on_fresh(lambda b, dsn: peers.psql_many_files(b, where, made, dsn)),
        "dbmate": on_fresh(
            lambda _, dsn: peers.dbmate(TOOLS / ".bin" / "dbmate", folder / "dbmate", made, dsn)
        ),
        "supabase db push, apply only": on_fresh(
            lambda _, dsn: peers.supabase_push(TOOLS / ".bin" / "supabase", where, dsn)
        ),
        "psycopg loop, no proof": on_fresh(lambda _, dsn: peers.psycopg_loop(where, made, dsn)),
        OURS: lambda: rehearse(where, folder / "evidence"),
    }
    if deployed:
        contestants[DEPLOYED] = lambda: deployed.rehearse(where, folder / "evidence")
    return contestants


def _on_fresh_server(run: Callable[[Path, str], None]) -> None:
    """Each contestant has a server of its own, as ours has: its start is counted for all."""
    with embedded.running(listen=True) as server:
        embedded.create_database(server, "benchmark")
        run(server.bindir, server.tcp_dsn("benchmark"))


def rehearse(where: Path, out: Path, *more: str) -> None:
    """Run the whole rehearsal as a user does, and make sure that it proved what it should."""
    done = subprocess.run(
        [RUNBOOKS, "rehearse", where, "--require-rollback", "--out", out, *more],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise RuntimeError(
            f"the rehearsal ended with {done.returncode}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        )


if __name__ == "__main__":
    main()
