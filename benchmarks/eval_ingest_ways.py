"""Ways to bring a run's samples into the database: what people use today, and this tool's."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import orjson
import psycopg

from ops import bundle, embedded, eval_ingest
from ops.eval_night import EvalChoices, EvalPlan, Night
from ops.eval_settings import Eval, EvalSource
from ops.evals import COLUMNS, Evaluation, Export, Moments, Spread, Tally, Window
from ops.project import Environment, Project
from tests.fix_postgrest import PostgRest

COPY = "psql `\\copy` of ready rows"
OURS = "`eval_ingest.ingest`"
FILED = "the same with its SQL file in the bundle"
GONE = "the same when a record is gone: by staging"
LARGE = (COPY, OURS, FILED, GONE)
_PAGE = 1000
_ALL = ", ".join(("run_id", *COLUMNS))
_TYPES = (
    "int8",
    "text",
    "text",
    "int8",
    "text",
    "text",
    "text",
    "text",
    "bool",
    "bool",
    "numeric",
    "int8",
    "numeric",
)
_END = datetime(2026, 2, 16, tzinfo=UTC)


@dataclass(frozen=True)
class Site:
    """A database with the example's tables, and a file of samples of records that are there."""

    server: embedded.Server
    dsn: str
    folder: Path
    count: int
    api: PostgRest | None = None

    @property
    def samples(self) -> Path:
        return self.folder / "samples.copy"

    @cached_property
    def rows(self) -> list[tuple[Any, ...]]:
        """The samples as values, for ways that begin with such."""
        return [_values(line) for line in self.samples.read_text("utf-8").splitlines()]

    def run(self) -> int:
        """Add the row of a run, as every way must."""
        values = "values ('manual', 'x', 'x') returning id"
        text = f"insert into ai_eval_runs (run_type, schema_variant, triggered_by) {values}"
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            ((number,),) = connection.execute(text).fetchall()
        return number


def fill(site: Site) -> None:
    """Make the records and the file of their samples."""
    with psycopg.connect(site.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into ai_training_examples (id, prompt, output, created_at) overriding system value "
            "select n, 'p', to_jsonb(repeat('x', 600)), timestamptz '2026-02-15' + n * interval '50 ms' "
            f"from generate_series(1001, {1000 + site.count}) n"
        )
        connection.execute("vacuum analyze ai_training_examples")
    with site.samples.open("w", encoding="utf-8") as file:
        file.writelines(map(_line, range(site.count)))


def _line(number: int) -> str:
    key, moment = 1001 + number, _END - timedelta(days=1) + timedelta(milliseconds=50 * number)
    provider = ("openai", "anthropic", "mistral")[number % 3]
    flags = "\t".join(("f" if number % 17 == 0 else "t", "f" if number % 101 == 0 else "t"))
    share, latency = ("1.000", "0.500", "0.000")[number % 7 % 3], 300 + number * 7919 % 4000
    return (
        f"{key}\t0a1b2c3d\t{key}\t{provider}\tdefault\tv{number % 4}\tprod\t{flags}\t{share}\t{latency}\t"
        f"0.{number % 9000:06}\t{{}}\t{moment.isoformat()}\n"
    )


def _values(line: str) -> tuple[Any, ...]:
    fields = line.split("\t")
    flags = (fields[7] == "t", fields[8] == "t")
    numbers = (Decimal(fields[9]), int(fields[10]), Decimal(fields[11]))
    moment = datetime.fromisoformat(fields[13])
    return (*fields[:2], int(fields[2]), *fields[3:7], *flags, *numbers, [], moment)


def ways(site: Site) -> dict[str, Callable[[], None]]:
    """Return every way by its name."""
    found: dict[str, Callable[[], None]] = {
        "generated SQL text by psql, as the runbook does": lambda: _by_text(site),
        "`executemany` of upserts": lambda: _by_executemany(site),
        "binary COPY to a temporary table, and insert": lambda: _by_binary(site),
        COPY: lambda: _by_psql(site),
        OURS: lambda: _ours(site, filed=False),
        FILED: lambda: _ours(site, filed=True),
        GONE: lambda: _ours(site, filed=False, gone=True),
    }
    api = site.api
    return {"upserts by PostgREST": lambda: _by_rest(site, api), **found} if api else found


def _by_rest(site: Site, api: PostgRest) -> None:
    run = site.run()
    headers = {
        "Authorization": f"Bearer {api.key}",
        "Content-Type": "application/json",
        "Prefer": "resolution=merge-duplicates,return=minimal",
    }
    url = f"{api.url}ai_eval_samples?on_conflict=run_id,record_key,measure_version"
    names = ("run_id", *COLUMNS)
    with httpx.Client(headers=headers, timeout=60) as client:
        for page in _pages(site.rows):
            body = orjson.dumps([dict(zip(names, (run, *row), strict=True)) for row in page], default=str)
            client.post(url, content=body).raise_for_status()


def _by_text(site: Site) -> None:
    run, path = site.run(), site.folder / "ingest.sql"
    with path.open("w", encoding="utf-8") as file:
        file.write("begin;\n")
        for page in _pages(site.rows):
            values = ",\n".join(f"({run}, {', '.join(map(_literal, row))})" for row in page)
            file.write(f"insert into ai_eval_samples ({_ALL}) values\n{values}\non conflict do nothing;\n")
        file.write("commit;\n")
    _psql(site, "-f", str(path))


def _by_executemany(site: Site) -> None:
    run, marks = site.run(), ", ".join(["%s"] * (1 + len(COLUMNS)))
    text = f"insert into ai_eval_samples ({_ALL}) values ({marks}) on conflict do nothing"
    with psycopg.connect(site.dsn) as connection, connection.cursor() as cursor:
        cursor.executemany(text, [(run, *row) for row in site.rows])


def _by_binary(site: Site) -> None:
    run = site.run()
    with psycopg.connect(site.dsn) as connection, connection.cursor() as cursor:
        cursor.execute("create temporary table staged (like ai_eval_samples) on commit drop")
        with cursor.copy(f"copy staged ({_ALL}) from stdin (format binary)") as copy:
            copy.set_types([*_TYPES, "text[]", "timestamptz"])
            for row in site.rows:
                copy.write_row((run, *row))
        cursor.execute(
            f"insert into ai_eval_samples ({_ALL}) select {_ALL} from staged on conflict do nothing"
        )


def _by_psql(site: Site) -> None:
    """The rows are ready with the run's number in them, which is written before the clock runs."""
    _psql(site, "-c", f"\\copy ai_eval_samples ({_ALL}) from '{site.folder / 'ready.copy'}'")


def ready(site: Site) -> None:
    """Write the rows for `\\copy`, with the number of a new run."""
    run = f"{site.run()}\t".encode()
    with site.samples.open("rb") as file, (site.folder / "ready.copy").open("wb") as out:
        out.writelines(run + line for line in file)


def _ours(site: Site, *, filed: bool, gone: bool = False) -> None:
    one = night(site)
    if filed:
        one.bundle = bundle.open_bundle(site.folder, kind="nightly-eval", started=one.started)
    if gone:
        with psycopg.connect(site.dsn, autocommit=True) as connection:
            connection.execute("delete from ai_training_examples where id = 1001")
    try:
        eval_ingest.ingest(one)
    finally:
        one.close()


def night(site: Site) -> Night:
    """Return a night that has evaluated the samples, with as many slices as a night has."""
    (site.folder / "dsn").write_text(site.dsn, "utf-8")
    where = Environment(name="production", database=f"file:{site.folder / 'dsn'}")
    plan = EvalPlan(
        ok=True, summary="", project=Project(root=site.folder, name="benchmark", configured=True, eval=Eval()),
        environment=where, source=EvalSource(), choices=EvalChoices(), run_type="nightly",
        schema_variant="sitecraft", limit=site.count, out=site.folder,
    )  # fmt: skip
    made = Night(plan, "benchmark")
    spread = Spread(counts=dict.fromkeys(range(300, 4300), site.count // 4000))
    tally = Tally(
        samples=site.count, measures={"safe": Moments(n=site.count, total=0, squares=0)}, latency=spread
    )
    slices = [tally.model_copy(update={"where": (("provider", str(n)),)}) for n in range(40)]
    made.evaluation = Evaluation(
        ok=True, summary="", samples_path=site.samples, samples=site.count, unreadable=0,
        tallies=(tally, *slices), measure_version="0a1b2c3d",
    )  # fmt: skip
    made.export = Export(
        ok=True, summary="", path=site.folder / "records.jsonl", source="copy", records=site.count,
        window=Window(start=_END - timedelta(days=1), end=_END, watermark=False),
        content_digest=hashlib.sha256(str(datetime.now(UTC)).encode()).hexdigest(),
    )  # fmt: skip
    return made


def _pages(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(rows), _PAGE):
        yield rows[start : start + _PAGE]


def _literal(value: object) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'{}'" if value == [] else "'" + str(value).replace("'", "''") + "'"


def _psql(site: Site, *arguments: str) -> None:
    command = [site.server.bindir / "psql", site.dsn, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def with_api(site: Site, api: PostgRest) -> Site:
    """Return the same site behind PostgREST."""
    return replace(site, api=api)
