"""The example's database with its tables of evaluation, and nights that have evaluated some samples."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import bundle, embedded
from ops.eval_night import EvalChoices, EvalPlan, Night
from ops.eval_settings import Eval, EvalSource
from ops.evals import COLUMNS, MEASURES, Evaluation, Export, Moments, Spread, Tally, Where, Window
from ops.project import Environment, Project
from tests.fix_postgres import fresh_database

EXAMPLE = Path(__file__).parents[1] / "examples" / "storefront"
WINDOW = Window(
    start=datetime(2026, 2, 15, tzinfo=UTC), end=datetime(2026, 2, 16, tzinfo=UTC), watermark=False
)
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
Sample = dict[str, Any]


@pytest.fixture(scope="session")
def storefront_template(server: embedded.Server) -> Generator[str]:
    """The name of a database in which the example's migrations are applied; nobody is connected to it."""
    with fresh_database(server) as name:
        migrate(server.dsn(name))
        yield name


def migrate(dsn: str) -> None:
    """Apply the example's migrations."""
    with psycopg.connect(dsn) as connection:
        for path in sorted((EXAMPLE / "supabase" / "migrations").glob("*.sql")):
            text = path.read_bytes()
            connection.commit()
            connection.autocommit = b"concurrently" in text
            connection.execute(text)


@pytest.fixture
def storefront(server: embedded.Server, storefront_template: str) -> Generator[str]:
    """The DSN of a fresh database with the example's tables, as `postgres`, who is not a superuser."""
    with fresh_database(server, template=storefront_template) as name:
        yield server.dsn(name)


@pytest.fixture
def nights(tmp_path: Path, storefront: str) -> Generator[Callable[..., Night]]:
    """Make nights on that database, each in a folder of its own; their logins end with the test."""
    made: list[Night] = []

    def make(samples: Sequence[Sample], dsn: str | None = storefront, **values: Any) -> Night:
        root = tmp_path / f"night-{len(made)}"
        root.mkdir()
        made.append(night(root, dsn, samples, **values))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sample(number: int, **values: Any) -> Sample:
    """Return a sample of the record `number`, of which the example's migration has 12."""
    made = {
        "record_key": str(number),
        "measure_version": "0a1b2c3d",
        "example_id": number if number <= 12 else None,
        "provider": ("openai", "anthropic", "mistral")[number % 3],
        "route_strategy": "default" if number % 2 else "weighted",
        "prompt_template_version": "v2",
        "environment": "prod",
        "schema_valid": number % 7 != 0,
        "safe": True,
        "publish_proxy": (1.0, 0.5, 0.0)[number % 3 if number % 4 else 0],
        "latency_ms": 100 + number * 37 % 901,
        "cost_usd": number * 0.000017,
        "errored": (),
        "created_at": "2026-02-15T10:00:00+00:00",
    }
    return made | values


def copied(sample: Sample) -> str:
    """Return a sample as a line of COPY's text format."""
    return "\t".join(map(_copied, (sample[name] for name in COLUMNS))) + "\n"


def _copied(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, tuple):
        value = "{" + ",".join(map(str, value)) + "}"
    return (f"{value:.6f}" if isinstance(value, float) else str(value)).translate(_ESCAPES)


def tallied(samples: Sequence[Sample], where: Where = ()) -> Tally:
    """Tally a slice in the plainest way."""
    held = [each for each in samples if all(each[dimension] == value for dimension, value in where)]
    costs = (round(each["cost_usd"] * 1_000_000) for each in held if each["cost_usd"] is not None)
    return Tally(
        where=where,
        samples=len(held),
        errored=dict(Counter(measure for each in held for measure in each["errored"])),
        measures={measure: _moments(held, measure) for measure in MEASURES},
        latency=Spread(counts=dict(Counter(e["latency_ms"] for e in held if e["latency_ms"] is not None))),
        cost=Spread(counts=dict(Counter(costs))),
    )


def _moments(samples: Sequence[Sample], measure: str) -> Moments:
    values = [round(1000 * each[measure]) for each in samples if each[measure] is not None]
    return Moments(n=len(values), total=sum(values), squares=sum(value * value for value in values))


def evaluated(path: Path, samples: Sequence[Sample]) -> Evaluation:
    """Write samples into a file as an evaluation leaves them, and tally them."""
    path.write_text("".join(map(copied, samples)), "utf-8", newline="")
    slices: set[Where] = {()}
    for dimension in Eval().slices:
        slices |= {((dimension, each[dimension]),) for each in samples if each[dimension] is not None}
    return Evaluation(
        ok=True,
        summary="",
        samples_path=path,
        samples=len(samples),
        unreadable=0,
        tallies=tuple(tallied(samples, where) for where in sorted(slices)),
        measure_version=samples[0]["measure_version"] if samples else "0a1b2c3d",
    )


def night(
    root: Path,
    dsn: str | None,
    samples: Sequence[Sample],
    *,
    window: Window = WINDOW,
    content: str = "",
    settings: Eval | None = None,
    **choices: Any,
) -> Night:
    """Return a night that has evaluated these samples; `content` stands for what else the records held."""
    project = Project(root=root, name="storefront", configured=True, eval=settings or Eval())
    (root / "dsn").write_text(dsn or "-", "utf-8")
    where = Environment(name="production", database=f"file:{root / 'dsn'}" if dsn else None)
    plan = EvalPlan(
        ok=True,
        summary="",
        project=project,
        environment=where,
        source=EvalSource(),
        choices=EvalChoices(**choices),
        run_type="canary",
        schema_variant="sitecraft",
        limit=5000,
        out=root,
    )
    made = Night(plan, "a run")
    made.bundle = bundle.open_bundle(root, kind="nightly-eval", started=made.started)
    made.evaluation = evaluated(root / "samples.copy", samples)
    digest = hashlib.sha256(content.encode() + made.evaluation.samples_path.read_bytes())
    made.export = Export(
        ok=True,
        summary="",
        path=root / "records.jsonl",
        window=window,
        source="copy",
        records=len(samples),
        content_digest=digest.hexdigest(),
    )
    return made
