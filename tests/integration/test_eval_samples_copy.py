"""The rows of an evaluation go into the example's own table of samples, and come out as they were meant."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from ops.evals import COLUMNS, Evaluation
from tests import eval_nights
from tests.eval_nights import evaluated, project, record

MIGRATIONS = Path(__file__).parents[2] / "examples" / "storefront" / "supabase" / "migrations"
ODD = "tab\there, \\N, \\., line\nfeed\r, quote \" ' {,} ü 👩‍🚀"


@pytest.fixture
def shop(shaped: str) -> str:
    """The DSN of a database with the example's migrations up to phase 2."""
    with psycopg.connect(shaped, autocommit=True) as connection:
        for path in sorted(MIGRATIONS.glob("*.sql")):
            if path.name < "20260216":
                text = path.read_text("utf-8")
                connection.execute(text if "concurrently if" in text else f"begin; {text}; commit")
    return shaped


def copied(dsn: str, evaluation: Evaluation) -> dict[str, dict[str, Any]]:
    """Copy the samples into the table of the example, and return what is there by key."""
    columns = ", ".join(COLUMNS)
    with psycopg.connect(dsn, autocommit=True) as connection:
        run = connection.execute(
            "insert into public.ai_eval_runs (run_type, schema_variant, triggered_by) "
            "values ('manual', 'sitecraft', 'test') returning id"
        ).fetchone()
        assert run
        connection.execute("create temporary table staging (like public.ai_eval_samples)")
        connection.execute("alter table staging drop column run_id")
        with connection.cursor() as cursor, cursor.copy(f"copy staging ({columns}) from stdin") as copy:
            copy.write(evaluation.samples_path.read_bytes())
        connection.execute(
            f"insert into public.ai_eval_samples (run_id, {columns}) select {run[0]}, {columns} from staging"
        )
        cursor = connection.cursor(row_factory=dict_row)
        return {row["record_key"]: row for row in cursor.execute("select * from public.ai_eval_samples")}


def test_the_rows_are_those_of_the_table(shop: str, tmp_path: Path):
    lines = [
        record(1, selected_provider=ODD, route_strategy="a\0b", environment=None),
        record(2, id=ODD, output={"title": "t"}, publish_state=0.3333, cost_usd=0.0000015),
        record(3, output=None, publish_state="archived", latency_ms=2**63 - 1, cost_usd=999999.999999),
        record(4, created_at="0001-01-01T00:00:00Z", publish_state=None, latency_ms=None, cost_usd=None),
        record(5, created_at="9999-12-31T23:59:59.999999Z", id="k" * 5000),
        b'{"id": "half \\ud83d of a pair", "selected_provider": "\\udc00"}',
        b"{}",
        record(6, selected_provider="p" * 100_000, prompt_template_version="v\u2028\x85\x1e"),
    ]
    found = evaluated(project(tmp_path), *lines)
    rows = copied(shop, found)
    assert len(rows) == found.samples == len(lines)

    assert (rows["1"]["provider"], rows["1"]["route_strategy"]) == (ODD, "a\ufffdb")
    assert (rows["1"]["environment"], rows["1"]["errored"]) == (None, [])
    assert (rows[ODD]["schema_valid"], rows[ODD]["safe"]) == (False, True)
    assert (rows[ODD]["publish_proxy"], rows[ODD]["cost_usd"]) == (Decimal("0.333"), Decimal("0.000002"))
    assert rows["3"]["errored"] == ["schema_valid", "safe", "publish_proxy"]
    assert (rows["3"]["schema_valid"], rows["3"]["safe"], rows["3"]["publish_proxy"]) == (None, None, None)
    assert (rows["3"]["latency_ms"], rows["3"]["cost_usd"]) == (2**63 - 1, Decimal("999999.999999"))
    assert (rows["4"]["created_at"].year, rows["4"]["latency_ms"], rows["4"]["cost_usd"]) == (1, None, None)
    assert rows["half \ufffd of a pair"]["provider"] == "\ufffd"
    assert rows["6"]["prompt_template_version"] == "v\u2028\x85\x1e"
    assert {row["measure_version"] for row in rows.values()} == {found.measure_version}


def test_the_numbers_of_the_view_are_those_of_the_tallies(shop: str, tmp_path: Path):
    lines = [
        record(
            number,
            selected_provider=("openai", "anthropic", None)[number % 3],
            output={"title": "t"} if number % 7 == 0 else eval_nights.GOOD["output"],
            publish_state=("published", "edited", "discarded", None)[number % 4],
            latency_ms=number * 13 % 400,
            cost_usd=number / 1000,
        )
        for number in range(200)
    ]
    found = evaluated(project(tmp_path), *lines)
    copied(shop, found)
    with psycopg.connect(shop) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        view = {row["provider"]: row for row in cursor.execute("select * from public.ai_eval_run_summary_v1")}
    tallies = {
        tally.where[0][1]: tally
        for tally in found.tallies
        if [dimension for dimension, _ in tally.where] == ["provider"]
    }
    assert set(view) == set(tallies) == {"openai", "anthropic", "unknown"}
    for provider, row in view.items():
        tally = tallies[provider]
        assert row["samples"] == tally.samples
        assert float(row["schema_valid_rate"]) == round(tally.measures["schema_valid"].rate or 0, 4)
        assert float(row["publish_proxy"]) == round(tally.measures["publish_proxy"].rate or 0, 4)
        assert row["latency_p95_ms"] == tally.latency.quantile(0.95)
        assert row["cost_usd"] * 1_000_000 == tally.cost.total
