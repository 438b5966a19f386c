"""The SQL for people who paste: it ingests the same run, once."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ops import embedded, eval_contract, eval_ingest, eval_ingest_sql, eval_verify
from ops.eval_night import Night
from ops.evals import COLUMNS
from tests import fix_app
from tests.fix_eval_tables import migrate, sample
from tests.fix_postgres import fresh_database

Nights = Callable[..., Night]
ODD = [
    "it's",
    "a\\b",
    "tab\t",
    "line\nbreak\r",
    "\\N",
    "\\.",
    "",
    "ünï ✓ 𝄞",
    "\x0b\x08",
    "$$; --",
    "\\u0041",
    "'; drop",
]
SAMPLES = [
    *(sample(number) for number in range(1, 40)),
    *(sample(100 + n, provider=text, record_key=f"{n} {text}") for n, text in enumerate(ODD)),
    sample(200, safe=None, errored=("safe", "schema_valid"), route_strategy=None, created_at=None),
]
SAME = (
    f"select {', '.join(COLUMNS)} from public.ai_eval_samples order by record_key",
    "select run_key, run_type, schema_variant, triggered_by, window_start, window_end, content_digest, "
    "measure_version, version, records, tallies from public.ai_eval_runs",
)


def contents(dsn: str) -> list[list[tuple[object, ...]]]:
    return [fix_app.ask(dsn, question) for question in SAME]


def of(night: Night, name: str = eval_ingest_sql.FILE) -> Path:
    assert night.bundle
    return night.bundle.path / name


def paste(dsn: str, path: Path) -> None:
    """Run a file as the SQL editor does: one text, one call."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(path.read_bytes())


def test_pasting_it_gives_the_rows_that_the_ingest_gives(nights: Nights, storefront: str):
    by_hand = nights(SAMPLES, None, triggered_by="o'hara\\")
    done = eval_ingest.ingest(by_hand)
    assert (
        done.idle,
        done.run_id,
        "eval_run_ingest.sql does the same in the SQL editor" in done.summary,
    ) == (
        True,
        None,
        True,
    )
    fix_app.execute(storefront, "delete from public.ai_training_examples where id = 3")
    for _ in range(2):
        paste(storefront, of(by_hand))
    pasted = contents(storefront)
    assert len(pasted[0]) == len(SAMPLES)

    again = eval_ingest.ingest(nights(SAMPLES, triggered_by="o'hara\\"))
    assert (again.changed, contents(storefront)) == (False, pasted)
    fix_app.execute(storefront, "truncate public.ai_eval_runs cascade")
    assert eval_ingest.ingest(nights(SAMPLES, triggered_by="o'hara\\")).changed
    assert contents(storefront) == pasted


def test_what_the_editor_does_not_take_is_written_for_psql_and_in_parts(
    nights: Nights, server: embedded.Server, storefront: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(eval_ingest_sql, "EDITOR_BYTES", 13_000)
    monkeypatch.setattr(eval_ingest_sql, "_PIECE", 1000)
    large = nights(SAMPLES)
    said = eval_ingest.ingest(large).summary
    ingested = contents(storefront)
    parts = sorted((of(large).parent / "eval_run_ingest").iterdir())
    assert f"for the SQL editor it is too large, and eval_run_ingest/ has it in {len(parts)} parts" in said
    assert len(parts) > 2
    assert all(part.stat().st_size <= 13_500 for part in parts)

    fix_app.execute(storefront, "truncate public.ai_eval_runs cascade")
    for part in [*reversed(parts), parts[0]]:
        paste(storefront, part)
    assert contents(storefront) == ingested

    fix_app.execute(storefront, "truncate public.ai_eval_runs cascade")
    for _ in range(2):
        by_psql = [server.bindir / "psql", storefront, "-X", "-q", "-f", of(large)]
        subprocess.run(by_psql, env={**os.environ, "PGCLIENTENCODING": "LATIN1"}, check=True)
        assert contents(storefront) == ingested

    monkeypatch.setattr(eval_ingest_sql, "MOST_PARTS", 1)
    assert eval_ingest.ingest(nights(SAMPLES)).summary.endswith("for the SQL editor it is too large.")


def test_every_escape_that_copy_knows_is_the_same_in_a_literal_of_the_oldest_version(
    nights: Nights, server15: embedded.Server
):
    escapes = rb"\\b\f\n\r\t\v\x41\x4\101\7\u0041\U0041\'\"\q"
    with fresh_database(server15) as name:
        dsn = server15.dsn(name)
        migrate(dsn)
        odd = nights(SAMPLES[:1], dsn)
        assert eval_contract.check(odd).ok
        assert odd.evaluation
        rows = odd.evaluation.samples_path.read_bytes().replace(b"anthropic", escapes)
        odd.evaluation.samples_path.write_bytes(rows)
        eval_ingest.ingest(odd)
        ingested = contents(dsn)
        assert "\v" in str(ingested[0][0][3])
        fix_app.execute(dsn, "truncate public.ai_eval_runs cascade")
        paste(dsn, of(odd))
        assert contents(dsn) == ingested

        plain = nights(SAMPLES[:39], dsn)
        eval_ingest.ingest(plain)
        assert eval_verify.verify(plain).ok
        odd.close()
        plain.close()


def test_a_transaction_that_fails_leaves_nothing(nights: Nights, storefront: str):
    wrong = nights([*SAMPLES, sample(300, latency_ms=-1)], None)
    eval_ingest.ingest(wrong)
    with pytest.raises(psycopg.errors.CheckViolation):
        paste(storefront, of(wrong))
    assert contents(storefront) == [[], []]
