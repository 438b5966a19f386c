"""A whole night of evaluation, part by part, in docs/benchmarks-eval-night.md: is it linear, and does its memory stay?

python -m benchmarks.eval_night [--records 100000 1000000] [--kinds copy rest]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks import eval_export, report
from benchmarks.rehearsal import ROOT
from ops import embedded
from tests import fix_eval_export, fix_postgrest

_EVERY = 0.1
_STEPS = {
    "Export the records": "export",
    "Evaluate": "evaluate",
    "Ingest the run": "ingest",
    "Verify the summary": "verify",
    "Judge the run": "judge",
    "Write the report": "report",
}
_NIGHT = """
import sys
from tasks import runbook
runbook.without_prefect()
from flows.nightly_eval import nightly_eval
from ops.eval_night import EvalChoices
nightly_eval.fn(sys.argv[1], choices=EvalChoices(since=sys.argv[2], until=sys.argv[3]))
"""
_HEAD = """\
# Benchmark of a night of evaluation

Written by `python -m benchmarks.eval_night`. Generation records with outputs of 600 bytes are exported (by COPY, or by
pages of a real PostgREST), redacted, evaluated by three measures and tallied by slice, ingested with their watermark,
verified, judged and reported, once each, in a process of its own. Memory is the most that this process and those that
it starts had together (resident, so that what they share is counted twice); Postgres's and PostgREST's is not in it.

Machine: {machine}. {day}.

| records | by | seconds | export | evaluate | ingest | verify | judge | report | MiB |
|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def main() -> None:
    """Run a night of each size by each way, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--kinds", nargs="+", default=["copy", "rest"])
    options = parser.parse_args()
    lines: list[str] = []
    for count, kind in itertools.product(options.records, options.kinds):
        # A database for each: what was ingested by another way would not be ingested again.
        with (
            embedded.running() as server,
            fix_eval_export.tables(server) as name,
            fix_postgrest.postgrest(server, name) as rest,
        ):
            dsn = server.dsn(name)
            eval_export.fill(dsn, count)
            os.environ |= {"BENCH_DSN": dsn, "BENCH_URL": rest.url, "BENCH_KEY": rest.key}
            lines.append(_measured(count, kind))
            print(lines[-1], flush=True)
    head = _HEAD.format(machine=report.machine(), day=datetime.now(UTC).date().isoformat())
    (ROOT / "docs" / "benchmarks-eval-night.md").write_text(head + "\n".join(lines) + "\n", "utf-8")


def _measured(count: int, kind: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        root = eval_export.project(Path(folder), kind)
        window = eval_export.DAY
        assert window.since
        assert window.until
        words = [sys.executable, "-c", _NIGHT, str(root), window.since.isoformat(), window.until.isoformat()]
        began = time.perf_counter()
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
        watch = _Watch(process.pid)
        watch.start()
        if process.wait():
            raise RuntimeError(f"the night of {count:,} records by {kind} ended with {process.returncode}")
        whole = time.perf_counter() - began
        watch.join()
        parts = _parts(root)
    seconds = " | ".join(f"{parts.get(part, 0):.1f}" for part in _STEPS.values())
    return f"| {count:,} | {kind} | {whole:.1f} | {seconds} | {watch.most / 2**20:,.0f} |"


def _parts(root: Path) -> dict[str, float]:
    (log,) = root.glob("artifacts/ops/*/nightly-eval_*/mcp_attempt1.jsonl")
    found: dict[str, float] = {}
    for line in log.read_text("utf-8").splitlines():
        said = json.loads(line)
        for title, part in _STEPS.items():
            if said["event"] == "finished" and said["step"].startswith(title):
                found[part] = said["seconds"]
    return found


class _Watch(threading.Thread):
    """Sees, ten times a second, how much memory a process and its children have until it ends."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process(pid)
        self.most = 0

    def run(self) -> None:
        while True:
            try:
                family = [self._process, *self._process.children(recursive=True)]
                self.most = max(self.most, sum(each.memory_info().rss for each in family))
                if self._process.status() == psutil.STATUS_ZOMBIE:
                    return
            except psutil.Error:
                return
            time.sleep(_EVERY)


if __name__ == "__main__":
    main()
