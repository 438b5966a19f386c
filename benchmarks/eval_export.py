"""How fast records are exported: by REST pages as people write them, by ours, and by COPY; outputs have 600 bytes.

python -m benchmarks.eval_export [--records 200000 1000000] [--rounds 3], written to docs/benchmarks-eval-export.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from benchmarks import measure, report
from benchmarks.rehearsal import ROOT
from ops import embedded, eval_export, eval_night
from ops.eval_night import EvalChoices
from tests import fix_eval_export, fix_postgrest

T0 = datetime(2026, 2, 15, tzinfo=UTC)
DAY = EvalChoices(since=T0, until=T0 + timedelta(days=1))
_PAGE = 1000
PLAIN, REST, COPY = (
    "good keyset pages by httpx, one after the other",
    "this tool, `rest`",
    "this tool, `copy`",
)
_HEAD = """\
# Benchmark of the export of records

Written by `python -m benchmarks.eval_export`. Records with outputs of 600 bytes are exported from a real Postgres, by
pages of a real PostgREST or by COPY; medians of {rounds} rounds, in which the ways take turns. The keyset pages are as
one writes them who knows how (a lower bound beside the `or=`, pages of 1,000), and rows are only written as lines. This
tool also redacts, keeps each record once, and leaves files with digests and a manifest.

Machine: {machine}. {day}.
"""
_CONFIG = """\
[environments.production]
database = "env:BENCH_DSN"
[environments.production.eval]
kind = "{kind}"
url = "env:BENCH_URL"
key = "env:BENCH_KEY"
"""
_ROWS = """\
insert into public.ai_training_examples (prompt, output, created_at, selected_provider, route_strategy, latency_ms)
select 'Describe a coffee from lot ' || n,
       jsonb_build_object('title', 'Lot ' || n, 'body', (
           select string_agg(translate(substr(md5(n::text || w), 1, 3 + w %% 7), '0123456789', 'ghiklmnopr'), ' ')
           from generate_series(1, 82) as w)),
       %(start)s + n * %(every)s, 'openai', 'default', 800
from generate_series(1, %(count)s) as n
"""


def main() -> None:
    """Make the records, export them in each way in turns, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs="+", default=[200_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    parts = [
        _HEAD.format(
            rounds=options.rounds, machine=report.machine(), day=datetime.now(UTC).date().isoformat()
        )
    ]
    for count in options.records:
        parts.append(_table(count, _measured(count, options.rounds)))
        print(parts[-1], flush=True)
    (ROOT / "docs" / "benchmarks-eval-export.md").write_text("\n".join(parts), "utf-8")


def _measured(count: int, rounds: int) -> dict[str, list[float]]:
    with (
        embedded.running() as server,
        fix_eval_export.tables(server) as name,
        fix_postgrest.postgrest(server, name) as rest,
        tempfile.TemporaryDirectory() as folder,
    ):
        dsn = server.dsn(name)
        fill(dsn, count)
        os.environ |= {"BENCH_DSN": dsn, "BENCH_URL": rest.url, "BENCH_KEY": rest.key}
        ways: dict[str, Callable[[], int]] = {
            PLAIN: lambda: _plain(rest, Path(folder) / "plain.jsonl"),
            REST: lambda: _ours(Path(folder), "rest"),
            COPY: lambda: _ours(Path(folder), "copy"),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, run in ways.items():
                taken[way].append(measure.seconds(lambda run=run: _verified(run, count)))
                print(f"{way}: {taken[way][-1]:.1f} s", flush=True)
        return taken


def _table(count: int, taken: dict[str, list[float]]) -> str:
    base = statistics.median(taken[PLAIN])
    lines = [
        f"## {count:,} records",
        "",
        "| way | seconds | lowest to highest | records per second | as long as the keyset pages |",
        "|---|---:|---:|---:|---:|",
    ]
    for way, seconds in taken.items():
        middle = statistics.median(seconds)
        lines.append(
            f"| {way} | {middle:.1f} | {min(seconds):.1f} to {max(seconds):.1f} | {count / middle:,.0f} |"
            f" {middle / base:.2f} times |"
        )
    return "\n".join([*lines, ""])


def fill(dsn: str, count: int) -> None:
    """Make so many records, spread over a day."""
    # Rounded down: the last one is within the day, too.
    every = timedelta(microseconds=timedelta(days=1) // timedelta(microseconds=1) // (count + 1))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("truncate public.ai_training_examples cascade")
        connection.execute(_ROWS, {"count": count, "start": T0, "every": every})
        connection.execute("vacuum (analyze) public.ai_training_examples")


def _verified(run: Callable[[], int], count: int) -> None:
    found = run()
    if found != count:
        raise RuntimeError(f"{found} records of {count} were exported")


def _plain(rest: fix_postgrest.PostgRest, path: Path) -> int:
    """Good keyset pages, one after the other, parsed and written as they come: nothing is redacted or kept once."""
    headers = {"Authorization": f"Bearer {rest.key}", "apikey": rest.key}
    asked = {"select": "*", "order": "created_at,id", "limit": str(_PAGE)}
    asked["created_at"] = f"gte.{T0.isoformat()}"
    count = 0
    with httpx.Client(base_url=rest.url, headers=headers) as client, path.open("w") as file:
        while rows := client.get("/ai_training_examples", params=asked).json():
            file.writelines(json.dumps(row) + "\n" for row in rows)
            count += len(rows)
            at, key = rows[-1]["created_at"], rows[-1]["id"]
            asked["created_at"] = f"gte.{at}"
            asked["or"] = f'(created_at.gt."{at}",and(created_at.eq."{at}",id.gt.{key}))'
    return count


def project(folder: Path, kind: str) -> Path:
    """Write a project that evaluates by the example's schemas and rules."""
    root = folder / f"{kind}-{os.urandom(4).hex()}"
    shutil.copytree(ROOT / "examples" / "storefront" / "evals", root / "evals")
    (root / "runbooks.toml").write_text(_CONFIG.format(kind=kind))
    return root


def _ours(folder: Path, kind: str) -> int:
    root = project(folder, kind)
    with eval_night.opened(eval_night.plan(str(root), "production", DAY), "bench") as night:
        return eval_export.export(night).records


if __name__ == "__main__":
    main()
