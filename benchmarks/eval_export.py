"""How fast records are exported: by REST pages as people write them, by ours, and by COPY; outputs have 600 bytes.

python -m benchmarks.eval_export 200000
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import rich

from benchmarks import measure
from benchmarks.rehearsal import ROOT
from ops import embedded, eval_export, eval_night
from ops.eval_night import EvalChoices
from tests import fix_eval_export, fix_postgrest

T0 = datetime(2026, 2, 15, tzinfo=UTC)
DAY = EvalChoices(since=T0, until=T0 + timedelta(days=1))
_TIMES, _PAGE = 3, 1000
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
    """Make the records, export them in each way, and print records per second."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
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
            "REST, keyset pages by httpx": lambda: _plain(rest, Path(folder) / "plain.jsonl"),
            "this tool, rest": lambda: _ours(Path(folder), "rest"),
            "this tool, copy": lambda: _ours(Path(folder), "copy"),
        }
        for way, run in ways.items():
            taken = [measure.seconds(lambda run=run: _verified(run, count)) for _ in range(_TIMES)]
            seconds = statistics.median(taken)
            rich.print(f"{way:28} {seconds:7.2f} s {count / seconds:9.0f} records/s")


def fill(dsn: str, count: int) -> None:
    """Make so many records, spread over a day."""
    every = timedelta(days=1) / (count + 1)
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
