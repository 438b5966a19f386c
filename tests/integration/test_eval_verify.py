"""The summary of a run is what was computed, and each digit that is not is named."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import database, eval_ingest, eval_verify
from ops.eval_night import Night
from ops.evals import COLUMNS, Evaluation, Moments, Spread
from ops.evidence import Evidence
from tests import fix_app
from tests.fix_eval_tables import sample, tallied

Nights = Callable[..., Night]
SAMPLES = [
    *(sample(number) for number in range(1, 38)),
    sample(38, safe=None, errored=("safe",)),
    sample(39, safe=None, schema_valid=None, errored=("safe", "schema_valid")),
    sample(40, provider="quiet", latency_ms=None, cost_usd=None, publish_proxy=None, schema_valid=None),
    sample(41, environment=None, route_strategy=""),
]


def ingested(nights: Nights, samples: list[dict[str, object]] = SAMPLES) -> Night:
    one = nights(samples)
    pairs = [
        (("provider", each["provider"]), ("route_strategy", "default"))
        for each in samples
        if each["provider"]
    ]
    one.evaluation = labelled(one.evaluation, samples, {pair for pair in pairs if pair[0][1] != "quiet"})
    eval_ingest.ingest(one)
    return one


def labelled(evaluation: Evaluation | None, samples: list, pairs: set) -> Evaluation:
    """Tally as an evaluation does: what is empty is called unknown."""
    assert evaluation
    known = [
        {
            name: value if value not in ("", None) else "unknown"
            for name, value in each.items()
            if name in DIMENSIONS
        }
        for each in samples
    ]
    whole = [each | labels for each, labels in zip(samples, known, strict=True)]
    singles = {((name, each[name]),) for each in known for name in each}
    tallies = [tallied(whole), *(tallied(whole, where) for where in sorted(singles | pairs))]
    return evaluation.model_copy(update={"tallies": tuple(tallies)})


DIMENSIONS = COLUMNS[3:7]


def test_what_was_computed_is_there_to_the_digit(nights: Nights):
    one = ingested(nights)
    found = eval_verify.verify(one)
    assert (found.ok, found.idle) == (True, False), found.summary
    assert [row["provider"] for row in found.rows] == ["anthropic", "mistral", "openai", "quiet"]
    assert {row["latency_p95_ms"] for row in found.rows} >= {None}
    assert found.summary.startswith(
        "public.ai_eval_run_summary_v1 has run 1 as it was computed, to the digit"
    )


CHANGES = {
    "schema_valid_rate": "schema_valid = not schema_valid where record_key = '4'",
    "safety_rate": "safe = false where record_key = '4'",
    "publish_proxy": "publish_proxy = 0.499 where record_key = '4'",
    "latency_p95_ms": "latency_ms = latency_ms + 1 where record_key = (select record_key from "
    "public.ai_eval_samples where provider = 'anthropic' order by latency_ms desc limit 1)",
    "cost_usd": "cost_usd = cost_usd + 0.000001 where record_key = '4'",
    "errored": "errored = '{safe}' where record_key = '4'",
    "samples": "provider = 'mistral' where record_key = '4'",
}
# The summary counts what the samples say; that these say something else is seen in the sums.
NAMED = {"errored": "safe errored"}


@pytest.mark.parametrize("number", CHANGES)
def test_one_digit_that_differs_is_named(nights: Nights, storefront: str, number: str):
    one = ingested(nights)
    fix_app.execute(storefront, f"update public.ai_eval_samples set {CHANGES[number]}")
    found = eval_verify.verify(one)
    assert not found.ok
    assert NAMED.get(number, number) in named(found, "provider anthropic")
    assert named(found, "provider openai") == set()


@pytest.mark.parametrize(
    ("number", "how"),
    [
        ("schema_valid_rate", "avg(s.schema_valid::int)::numeric(5, 4) + 0.0001"),
        ("safety_rate", "trunc(avg(s.safe::int), 4)::numeric(5, 4) - 0.0001"),
        ("publish_proxy", "avg(s.publish_proxy)::numeric(5, 4) + 0.0001"),
        ("latency_p95_ms", "(percentile_disc(0.95) within group (order by s.latency_ms))::float8 + 0.5"),
        ("errored", "count(*) filter (where 'schema_valid' = any(s.errored)) + 1"),
        ("cost_usd", "sum(s.cost_usd) + 0.000001"),
        ("samples", "count(*) + 1"),
    ],
)
def test_a_view_that_counts_otherwise_is_named(nights: Nights, storefront: str, number: str, how: str):
    one = ingested(nights)
    replaced(storefront, f"s.provider, {how} as {number}")
    found = eval_verify.verify(one)
    assert (found.ok, named(found, "provider anthropic")) == (False, {number})
    assert "which was computed" not in found.summary
    assert f"provider anthropic: {number} is" in found.summary


def test_columns_that_an_older_view_lacks_are_said(nights: Nights, storefront: str):
    one = ingested(nights)
    replaced(storefront, "s.provider, count(*) as samples, avg(s.safe::int) as safety_rate")
    found = eval_verify.verify(one)
    assert found.ok, found.summary
    assert "it has no schema_valid_rate and no publish_proxy and no latency_p95_ms" in found.summary


def test_samples_and_rows_that_are_gone_are_named(nights: Nights, storefront: str):
    one = ingested(nights)
    fix_app.execute(storefront, "delete from public.ai_eval_samples where provider = 'quiet'")
    found = eval_verify.verify(one)
    assert {"samples", "its row"} <= named(found, "provider quiet")
    assert "samples" in named(found, "all records") & named(found, "all providers")


def test_one_provider_alone_and_what_is_not_told_apart(nights: Nights, storefront: str):
    alone = nights([sample(number, provider="openai") for number in range(1, 10)])
    assert alone.evaluation
    eval_ingest.ingest(alone)
    alone.evaluation = alone.evaluation.model_copy(update={"tallies": alone.evaluation.tallies[:1]})
    assert eval_verify.verify(alone).ok
    fix_app.execute(storefront, "update public.ai_eval_samples set safe = false where record_key = '3'")
    assert "safety_rate" in named(eval_verify.verify(alone), "all records")

    many = nights([sample(number, provider=f"p{number % 3}") for number in range(1, 10)])
    assert many.evaluation
    whole, *rest = many.evaluation.tallies
    other = rest[-1].model_copy(update={"where": (("provider", "other"),)})
    kept = [tally for tally in rest if tally.where in ((("provider", "p0"),),)]
    many.evaluation = many.evaluation.model_copy(update={"tallies": (whole, *kept, other)})
    eval_ingest.ingest(many)
    assert eval_verify.verify(many).ok, eval_verify.verify(many).summary


def test_a_night_without_a_run_has_nothing_to_verify(nights: Nights):
    assert eval_verify.verify(nights([])).idle


def named(found: Evidence, where: str) -> set[str]:
    return {row["number"] for row in found.rows if row.get("slice") == where}


def replaced(dsn: str, columns: str) -> None:
    text = (
        f"drop view public.ai_eval_run_summary_v1; create view public.ai_eval_run_summary_v1 as select r.id as run_id, "
        f"{columns} from public.ai_eval_runs as r join public.ai_eval_samples as s on s.run_id = r.id "
        "group by r.id, s.provider"
    )
    fix_app.execute(dsn, text)


@pytest.fixture(scope="module")
def asked(server):
    with database.connect(server.dsn(user=server.superuser)) as connection:
        yield connection


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=200))
def test_a_quantile_is_what_postgres_says(asked: psycopg.Connection, numbers: list[int]):
    counts = {number: numbers.count(number) for number in numbers}
    text = (
        "select array(select percentile_cont(share) within group (order by n)"
        " from unnest(%s::bigint[]) n, unnest(%s) share group by share order by share)"
    )
    shares = [0.05, 0.25, 0.5, 0.75, 0.95]
    said = asked.execute(text, (numbers, shares)).fetchone()
    assert said == ([Spread(counts=counts).quantile(share) for share in shares],)
    assert [Spread(counts=counts).small.quantile(share) for share in shares] == said[0]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=200))
def test_a_rate_is_rounded_as_postgres_rounds(asked: psycopg.Connection, thousandths: list[int]):
    from ops import eval_verify_digits

    moments = Moments(n=len(thousandths), total=sum(thousandths), squares=0)
    tally = tallied([]).model_copy(update={"measures": {"publish_proxy": moments}})
    text = "select avg(n / 1000.0)::numeric(5, 4), avg(n / 1000.0) from unnest(%s::int[]) n"
    for found in asked.execute(text, (thousandths,)).fetchone() or ():
        assert eval_verify_digits.same(found, eval_verify_digits.expected(tally, {})["publish_proxy"]), found
