"""`make bench`: a promotion through its deployment beside `supabase db push`, written to docs/benchmarks-promotion.md.

python -m benchmarks.promotion [--files 50] [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TypeVar

from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from benchmarks import measure, peers, project, report
from benchmarks.rehearsal import ROOT, TOOLS, rehearse
from deployments import runs, stack, waiting
from deployments.stack import Stack
from ops import bundle, confirmation, embedded, errors, incidents

DEPLOYMENT = "prod-promotion/production"
FIRST, LAST = "Take hold of the database", "Settle what was applied"
BEGIN, END = "Check the confirmation", "Hand off the promotion"
# How many times as long as `supabase db push` the act stanza may take.
MOST = 1.3
_TAKEN_WITHIN = 60.0
_POLL = 1.0
T = TypeVar("T")
_CONFIG = """\
[project]
contract = []

[environments.production]
database = "file:{secret}"

[environments.production.promotion]
require_merged = false
require_gate = false

[release]
checklist = []
"""
_HEAD = """\
# Benchmark of a promotion

Written by `make bench`. {files} pending migrations (tables with RLS, columns with data, indexes, functions, views) are
promoted by `prod-promotion` through a real Prefect server, worker and deployment, and applied by `supabase db push`,
each to a fresh Supabase-shaped database; medians of {rounds} rounds in which both take turns. The act stanza is from
taking the lock to the last file: the plan looked at once more, frozen, and each file with its history and journal rows,
in task runs of about a second. The rest of the flow's last pass (checks, proofs, note, schema page, evidence) is its
fixed cost; starting the process is not in it.

Machine: {machine}. {day}.

| | seconds | lowest to highest | times `supabase db push` |
|---|---:|---:|---:|
"""


@dataclass(frozen=True)
class Taken:
    """The seconds of one promotion: of its act stanza, and of the rest of its last pass."""

    act: float
    rest: float


def main() -> None:
    """Measure both in turns and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    pushed: list[float] = []
    promoted: list[Taken] = []
    with tempfile.TemporaryDirectory(prefix="runbooks-bench-") as name, stack.running(root=ROOT) as running:
        where, secret = Path(name, "project"), Path(name, "dsn")
        project.write(where, project.pairs(options.files))
        (where / "runbooks.toml").write_text(_CONFIG.format(secret=secret), "utf-8")
        rehearse(where, where, "--overlay", "production")
        for _ in range(options.rounds):
            pushed.append(_on_fresh(lambda dsn: measure.seconds(lambda: _push(where, dsn))))
            promoted.append(_on_fresh(lambda dsn: _promote(running, where, secret, dsn)))
            print(
                f"db push {pushed[-1]:.2f} s   act {promoted[-1].act:.2f} s   rest {promoted[-1].rest:.2f} s",
                flush=True,
            )
    _write(ROOT / "docs" / "benchmarks-promotion.md", options, pushed, promoted)


def _on_fresh(run: Callable[[str], T]) -> T:
    with embedded.running(listen=True) as server:
        embedded.create_database(server, "benchmark")
        return run(server.tcp_dsn("benchmark"))


def _push(where: Path, dsn: str) -> None:
    peers.supabase_push(TOOLS / ".bin" / "supabase", where, dsn)


def _promote(running: Stack, where: Path, secret: Path, dsn: str) -> Taken:
    secret.write_text(dsn, "utf-8")
    parameters = {
        "project": str(where),
        "environment": "production",
        "confirmation": confirmation.WORDS,
        "choices": {"no_incident": incidents.WORD},
    }
    run = runs.trigger(running, DEPLOYMENT, parameters)
    _ended(running, run)
    with temporary_settings({PREFECT_API_URL: running.api}):
        _approve(str(run.id))
    ended = _ended(running, run)
    folder = bundle.of_run(where, str(run.id))
    if folder is None or not (ended.state and ended.state.is_completed()):
        raise RuntimeError(f"the promotion did not complete: {ended.state}")
    return _read(folder)


def _ended(running: Stack, run: FlowRun) -> FlowRun:
    """Return the run when it has ended or waits; who follows it step by step keeps the server busy."""
    with running.client() as client:
        while True:
            found = client.read_flow_run(run.id)
            if found.state and (found.state.is_final() or found.state.is_paused()):
                return found
            time.sleep(_POLL)


def _approve(run: str) -> None:
    deadline = time.monotonic() + _TAKEN_WITHIN
    while True:
        try:
            waiting.answer(waiting.of(run), {"decision": "approve", "approver": "bench", "note": ""})
            return
        except errors.Refused:
            # The form is stored a moment after the run is suspended.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _read(folder: Path) -> Taken:
    """Read the seconds off the attempt log: what was logged last is the pass that acted."""
    at: dict[tuple[str, str], datetime] = {}
    for line in (folder / "mcp_attempt1.jsonl").read_text("utf-8").splitlines():
        said = json.loads(line)
        for title in (FIRST, LAST, BEGIN, END):
            if said["step"].startswith(title):
                at[said["event"], title] = datetime.fromisoformat(said["at"])
    act = (at["finished", LAST] - at["started", FIRST]).total_seconds()
    whole = (at["finished", END] - at["started", BEGIN]).total_seconds()
    return Taken(act, whole - act)


def _write(path: Path, options: argparse.Namespace, pushed: list[float], promoted: list[Taken]) -> None:
    head = _HEAD.format(
        files=options.files,
        rounds=options.rounds,
        machine=report.machine(),
        day=datetime.now(UTC).date().isoformat(),
    )
    base = median(pushed)
    rows = {
        "`supabase db push`": pushed,
        "prod-promotion, act stanza": [each.act for each in promoted],
        "prod-promotion, the rest of the flow": [each.rest for each in promoted],
    }
    lines = [
        f"| {name} | {median(found):.2f} | {min(found):.2f} to {max(found):.2f} | {median(found) / base:.2f} |"
        for name, found in rows.items()
    ]
    said = verdict(base, median(each.act for each in promoted), median(each.rest for each in promoted))
    path.write_text(head + "\n".join(lines) + f"\n\n{said}\n", encoding="utf-8")


def verdict(pushed: float, act: float, rest: float) -> str:
    """Say whether the act stanza takes no longer than is allowed, and what the rest of the flow costs."""
    ratio = act / pushed
    holds = "**this holds**" if ratio <= MOST else "**this does not hold**"
    return (
        f"The act stanza may take at most {MOST} times as long as `supabase db push`. It takes {ratio:.2f} times: "
        f"{holds}.\nThe fixed cost of the flow is {rest:.2f} s, in the pass after the answer; the pass that asks, "
        "which does the same\nchecks, is not measured."
    )


if __name__ == "__main__":
    main()
