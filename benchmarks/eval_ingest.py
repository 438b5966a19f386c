"""Ingesting a run of evaluation beside what people use today, in docs/benchmarks-eval-ingest.md.

python -m benchmarks.eval_ingest [--rows 200000] [--large 1000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psycopg

from benchmarks import eval_ingest_ways as ways
from benchmarks import measure, report
from benchmarks.rehearsal import ROOT
from ops import embedded
from tests import fix_postgrest
from tests.fix_eval_tables import migrate

_HEAD = """\
# Benchmark of the ingest of a run

Written by `python -m benchmarks.eval_ingest`. The samples of one run go into the example's table with its primary key,
its index and both foreign keys, whose records are all there; medians of {rounds} rounds, in which the ways take turns
on one embedded Postgres; before each the table is emptied and a checkpoint made. `\\copy` gets rows that are ready,
the run's number in them. The others begin with their values in memory, this tool with the file that the evaluation
leaves; only this tool also writes the run's row with its tallies, and all of it in one transaction.

Machine: {machine}. {day}.
"""


def main() -> None:
    """Measure all ways at one size, the quick ones at a larger one, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=1_000_000, help="rows for the quick ways; 0: none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks-eval-ingest.md")
    options = parser.parse_args()
    parts = [
        _HEAD.format(
            rounds=options.rounds, machine=report.machine(), day=datetime.now(UTC).date().isoformat()
        )
    ]
    for count, names in ((options.rows, None), (options.large, ways.LARGE)):
        if count:
            with _site(count, api=names is None) as site:
                parts.append(_table(count, _measured(site, options.rounds, names)))
                options.out.write_text("\n".join(parts), "utf-8")
                print(parts[-1], flush=True)


@contextmanager
def _site(count: int, *, api: bool) -> Generator[ways.Site]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runbooks-benchmark-")))
        server = stack.enter_context(embedded.running())
        dsn = embedded.create_database(server, "benchmark")
        migrate(dsn)
        site = ways.Site(server, dsn, folder, count)
        ways.fill(site)
        if api:
            site = ways.with_api(site, stack.enter_context(fix_postgrest.postgrest(server, "benchmark")))
        yield site


def _measured(site: ways.Site, rounds: int, names: Sequence[str] | None) -> dict[str, list[float]]:
    found = {name: way for name, way in ways.ways(site).items() if names is None or name in names}
    taken: dict[str, list[float]] = {name: [] for name in found}
    if names is None:
        assert len(site.rows) == site.count
    for _ in range(rounds):
        for name, way in found.items():
            _empty(site)
            if name == ways.COPY:
                ways.ready(site)
            taken[name].append(measure.seconds(way))
            _verify(site, name)
            print(f"{site.count} {name}: {taken[name][-1]:.2f} s", flush=True)
    return taken


def _empty(site: ways.Site) -> None:
    with psycopg.connect(
        site.server.dsn("benchmark", user=site.server.superuser), autocommit=True
    ) as connection:
        connection.execute("truncate ai_eval_runs cascade")
        # What a way before has deleted, and what it has locked in the records.
        connection.execute(
            "insert into ai_training_examples (id, prompt, output) overriding system value "
            "values (1001, 'p', '{}') on conflict do nothing"
        )
        connection.execute("vacuum ai_training_examples")
        connection.execute("checkpoint")


def _verify(site: ways.Site, name: str) -> None:
    with psycopg.connect(site.dsn) as connection:
        text = "select count(*), count(distinct record_key) from ai_eval_samples"
        found = connection.execute(text).fetchone()
    if found != (site.count, site.count):
        raise RuntimeError(f"{name} ingested {found}, not {site.count}")


def _table(count: int, taken: dict[str, list[float]]) -> str:
    base = median(taken[ways.COPY])
    lines = [
        f"## {count:,} samples",
        "",
        "| way | seconds | lowest to highest | samples per second | as long as `\\copy` |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, seconds in sorted(taken.items(), key=lambda item: -median(item[1])):
        middle = median(seconds)
        spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
        lines.append(
            f"| {name} | {middle:.2f} | {spread} | {count / middle:,.0f} | {middle / base:.2f} times |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
