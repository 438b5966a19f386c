"""A run is ingested once, whole or not at all, whoever else is at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import psycopg
import pytest

from ops import database, errors, eval_ingest, eval_ingest_copy, eval_runs, eval_verify
from ops.eval_night import Night
from ops.evals import COLUMNS
from tests import fix_app
from tests.fix_eval_tables import sample
from tests.polling import wait_until

Nights = Callable[..., Night]

SAMPLES = [sample(number) for number in range(1, 31)]
CONTENTS = f"select {', '.join(COLUMNS)} from public.ai_eval_samples order by run_id, record_key"
WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
)
COUNTS = "select (select count(*) from public.ai_eval_runs), (select count(*) from public.ai_eval_samples)"


def test_a_run_is_ingested_once_and_a_re_score_is_another_version(nights: Nights, storefront: str):
    first = nights(SAMPLES)
    done = eval_ingest.ingest(first)
    assert (done.changed, done.version, first.ingested) == (True, 1, done)
    before = fix_app.ask(storefront, CONTENTS), fix_app.ask(storefront, "select * from public.ai_eval_runs")
    again = eval_ingest.ingest(nights(SAMPLES))
    assert (again.changed, again.run_id, again.idle) == (False, done.run_id, True)
    after = fix_app.ask(storefront, CONTENTS), fix_app.ask(storefront, "select * from public.ai_eval_runs")
    assert (after, len(after[0])) == (before, 30)

    other = [each | {"measure_version": "ffffffff", "safe": False} for each in SAMPLES]
    versions = [
        eval_ingest.ingest(nights(other)).version,
        eval_ingest.ingest(nights(SAMPLES, content="another")).version,
    ]
    assert (versions, fix_app.ask(storefront, COUNTS)) == ([2, 3], [(3, 90)])
    assert fix_app.ask(storefront, CONTENTS)[:30] == before[0]


def test_what_is_in_the_database_can_be_read_back(nights: Nights, storefront: str):
    one = nights(SAMPLES)
    run_id = eval_ingest.ingest(one).run_id
    assert run_id
    assert one.evaluation
    assert one.export
    found = eval_runs.find(one.connection, one.plan.project.eval, run_id)
    for kept, tally in zip(found.tallies, one.evaluation.tallies, strict=True):
        assert (kept.where, kept.samples, kept.measures) == (tally.where, tally.samples, tally.measures)
        for spread, whole in ((kept.latency, tally.latency), (kept.cost, tally.cost)):
            assert (spread.n, spread.total, spread.quantile(0.95)) == (
                whole.n,
                whole.total,
                whole.quantile(0.95),
            )
    assert found.window_end == one.export.window.end
    eval_runs.verdict(one.connection, one.plan.project.eval, run_id, "fail")
    told = "select verdict, finished_at >= started_at, records from public.ai_eval_runs"
    assert fix_app.ask(storefront, told) == [("fail", True, 30)]


def test_records_that_are_gone_are_samples_without_a_record(nights: Nights, storefront: str):
    fix_app.execute(storefront, "delete from public.ai_training_examples where id in (3, 5)")
    assert eval_ingest.ingest(nights(SAMPLES)).changed
    told = "select record_key from public.ai_eval_samples where example_id is null and record_key::int <= 12"
    assert sorted(fix_app.ask(storefront, told)) == [("3",), ("5",)]
    assert fix_app.ask(storefront, COUNTS) == [(1, 30)]


def test_odd_texts_come_in_as_they_are(nights: Nights, storefront: str):
    odd = [
        "tab\there",
        "line\nbreak\r\n",
        "back\\slash \\N \\.",
        "\\N",
        "",
        "ünï ✓ 𝄞",
        "it's; --",
        "\x0b\x08",
        "NULL",
    ]
    samples = [sample(20 + n, provider=text, record_key=f"{n}{text}") for n, text in enumerate(odd)]
    eval_ingest.ingest(nights(samples))
    told = "select provider from public.ai_eval_samples order by substr(record_key, 1, 1)"
    assert [provider for (provider,) in fix_app.ask(storefront, told)] == odd


@pytest.mark.parametrize("broken", ["a row twice", "a row lost"])
def test_samples_that_are_not_those_that_were_counted_are_not_ingested(
    nights: Nights, storefront: str, broken: str
):
    one = nights(SAMPLES)
    assert one.evaluation
    lines = one.evaluation.samples_path.read_bytes().splitlines(keepends=True)
    lines = [*lines[:-1], lines[0]] if broken == "a row twice" else lines[:-1]
    one.evaluation.samples_path.write_bytes(b"".join(lines))
    with pytest.raises(errors.CheckFailed, match="29 samples, and 30 were counted"):
        eval_ingest.ingest(one)
    assert fix_app.ask(storefront, COUNTS) == [(0, 0)]


def test_a_night_without_records_writes_no_run(nights: Nights, storefront: str):
    done = eval_ingest.ingest(nights([]))
    assert (done.idle, done.run_id, "There is no record from 2026-02-15 00:00" in done.summary) == (
        True,
        None,
        True,
    )
    assert fix_app.ask(storefront, COUNTS) == [(0, 0)]


def test_records_of_which_none_could_be_read_are_a_run_without_samples(nights: Nights, storefront: str):
    one = nights([])
    assert one.export
    assert one.evaluation
    one.export = one.export.model_copy(update={"records": 3})
    done = eval_ingest.ingest(one)
    assert (done.changed, fix_app.ask(storefront, COUNTS)) == (True, [(1, 0)])
    assert eval_verify.verify(one).ok

    one.evaluation.samples_path.unlink()
    with pytest.raises(errors.Refused, match=r"samples\.copy, which holds .* is gone"):
        eval_ingest.ingest(one)


def at_once(dsn: str, made: list[Night]) -> None:
    """Ingest several nights at once."""
    threads = [Thread(target=eval_ingest.ingest, args=(each,)) for each in made]
    with database.connect(dsn) as connection, connection.transaction():
        connection.execute("lock table public.ai_eval_runs in exclusive mode")
        for thread in threads:
            thread.start()
        # Nobody comes to an end before all have begun.
        wait_until(lambda: fix_app.ask(dsn, WAITING) == [(len(made),)])
    for thread in threads:
        thread.join()


def test_other_records_of_one_window_at_once_are_two_versions(nights: Nights, storefront: str):
    made = [nights(SAMPLES, content="one"), nights(SAMPLES, content="two")]
    at_once(storefront, made)
    assert sorted(each.ingested.version for each in made if each.ingested) == [1, 2]
    assert fix_app.ask(storefront, COUNTS) == [(2, 60)]


def test_two_at_once_ingest_it_once(nights: Nights, storefront: str):
    made = [nights(SAMPLES) for _ in range(3)]
    at_once(storefront, made)
    done = [each.ingested for each in made if each.ingested]
    assert sorted(each.changed for each in done) == [False, False, True]
    assert len({each.run_id for each in done}) == 1
    assert fix_app.ask(storefront, COUNTS) == [(1, 30)]


def test_another_clock_and_time_zone_make_no_other_run(nights: Nights, storefront: str):
    done = eval_ingest.ingest(nights(SAMPLES))
    name = fix_app.ask(storefront, "select current_database()")[0][0]
    fix_app.execute(storefront, f"alter database {name} set timezone = 'Asia/Kathmandu'")
    fix_app.execute(storefront, f"alter database {name} set datestyle = 'SQL, DMY'")
    again = eval_ingest.ingest(nights(SAMPLES))
    assert (again.changed, again.run_id) == (False, done.run_id)
    eval_ingest.ingest(nights(SAMPLES, content="another"))
    moments = "select count(distinct created_at), count(distinct (window_start, window_end)) from"
    told = f"{moments} public.ai_eval_samples join public.ai_eval_runs on id = run_id"
    assert fix_app.ask(storefront, told) == [(1, 1)]


def test_the_row_before_each_sample_is_put_there_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "samples.copy"
    path.write_bytes(b"a\tb\nc\\n\td\n\ne\n")
    for size in range(1, 16):
        monkeypatch.setattr(eval_ingest_copy, "_CHUNK", size)
        assert b"".join(eval_ingest_copy.rows(path, 7)) == b"7\ta\tb\n7\tc\\n\td\n7\t\n7\te\n"


def test_a_database_that_refuses_a_sample_has_nothing_of_the_run(nights: Nights, storefront: str):
    with pytest.raises(errors.CheckFailed, match="23514"):
        eval_ingest.ingest(nights([*SAMPLES, sample(31, latency_ms=-1)]))
    assert fix_app.ask(storefront, COUNTS) == [(0, 0)]
    with psycopg.connect(storefront, autocommit=True) as connection:
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (
            0,
        )
