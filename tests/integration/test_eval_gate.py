"""Baselines that people pin, and nights that are judged by them, on a real database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import audit_proof, errors, eval_baseline, eval_gate, eval_ingest
from ops.audit import Log
from ops.eval_night import Night
from tests import fix_app
from tests.fix_eval_tables import WINDOW, Sample, sample

Nights = Callable[..., Night]
KIND = {"run_type": "canary", "schema_variant": "sitecraft"}
VERDICTS = "select verdict from public.ai_eval_runs order by id"
PINNED = "select run_id, pinned_by, why from runbooks.eval_baselines order by id"


def samples(count: int = 60, unsafe: int = 0, **values: Any) -> Sequence[Sample]:
    """Return samples of which the first so many are unsafe."""
    good = {"schema_valid": True, "publish_proxy": 1.0, **values}
    return [sample(number, safe=number > unsafe, **good) for number in range(1, count + 1)]


def judged(nights: Nights, found: Sequence[Sample], *, day: int = 0, **values: Any) -> Night:
    """Ingest and judge a night, so many days after the first."""
    later = timedelta(days=day)
    window = WINDOW.model_copy(update={"start": WINDOW.start + later, "end": WINDOW.end + later})
    night = nights(found, window=window, **values)
    eval_ingest.ingest(night)
    eval_gate.judge(night)
    eval_gate.conclude(night)
    return night


def run_of(night: Night) -> int:
    assert night.ingested
    assert night.ingested.run_id
    return night.ingested.run_id


def verdict(night: Night) -> str:
    assert night.judged
    return night.judged.verdict


def pin(night: Night, run_id: int | None = None, **values: Any) -> Any:
    plan = night.plan
    number = run_of(night) if run_id is None else run_id
    return eval_baseline.pin(
        night.connection, plan.project, plan.environment, **{"run_id": number, "by": "ada", **values}
    )


def test_a_night_is_judged_by_the_baseline_that_somebody_pinned(nights: Nights, storefront: str):
    first = judged(nights, samples())
    assert verdict(first) == "inconclusive"
    assert first.judged
    assert "Pin a run" in first.judged.summary
    assert eval_baseline.current(first.connection, **KIND) is None
    assert "pinned by ada" in pin(first).summary

    bad = judged(nights, samples(unsafe=30), day=1)
    assert verdict(bad) == "fail"
    assert bad.judged
    assert bad.judged.baseline
    assert (bad.judged.baseline.run_id, bad.judged.baseline_by) == (run_of(first), "ada")
    assert fix_app.ask(storefront, VERDICTS) == [("inconclusive",), ("fail",)]


def test_no_run_moves_the_baseline(nights: Nights, storefront: str):
    first = judged(nights, samples(400))
    pin(first, why="looked at by two people")
    for day in range(1, 4):
        judged(nights, samples(400, unsafe=2 * day), day=day)
    found = eval_baseline.current(first.connection, **KIND)
    assert found
    assert (found.run_id, found.by, found.why) == (run_of(first), "ada", "looked at by two people")
    assert fix_app.ask(storefront, PINNED) == [(run_of(first), "ada", "looked at by two people")]


def test_a_decline_over_the_runs_in_the_database_is_found(nights: Nights):
    first = judged(nights, samples(300))
    pin(first)
    last = [judged(nights, samples(300, unsafe=5 * day), day=day) for day in range(1, 8)][-1]
    assert last.judged
    assert [each.run_id for each in last.judged.trend] == list(range(run_of(first), run_of(last)))
    found = [each for each in last.judged.comparisons if each.against == "trend" and not each.where]
    assert {each.measure: each.verdict for each in found}["safe"] == "fail"


def test_the_same_records_scored_again_are_compared_in_pairs(nights: Nights):
    first = judged(nights, samples(100))
    pin(first)
    again = judged(nights, samples(100, unsafe=12), content="again")
    assert again.judged
    whole = [each for each in again.judged.comparisons if not each.where and each.measure == "safe"]
    assert [(each.method, each.verdict) for each in whole] == [("McNemar's exact test", "fail")]


def test_a_second_judgement_is_the_same(nights: Nights):
    first = judged(nights, samples(100))
    pin(first)
    night = judged(nights, samples(100, unsafe=3), day=1)
    assert eval_gate.judge(night) == night.judged
    assert verdict(judged(nights, samples(100, unsafe=3), day=1)) == verdict(night)


@pytest.mark.parametrize(
    ("found", "said"),
    [(samples(20), "has 20 samples, fewer than 30"), (samples(200, unsafe=100), "failed")],
    ids=["few", "failed"],
)
def test_a_run_that_is_no_measure_is_pinned_only_with_a_reason(
    nights: Nights, storefront: str, found: Sequence[Sample], said: str
):
    good = judged(nights, samples(200))
    pin(good)
    night = judged(nights, found, day=1)
    with pytest.raises(errors.Refused, match=said):
        pin(night)
    assert fix_app.ask(storefront, PINNED) == [(run_of(good), "ada", "")]
    done = pin(night, why="the rule was wrong before")
    assert f"instead of run {run_of(good)}" in done.summary
    assert len(fix_app.ask(storefront, PINNED)) == 2


def test_a_run_that_nobody_judged_is_not_pinned(nights: Nights):
    night = nights(samples())
    eval_ingest.ingest(night)
    with pytest.raises(errors.Refused, match="was never judged"):
        pin(night)


def test_a_baseline_is_pinned_by_somebody_and_once(nights: Nights, storefront: str):
    night = judged(nights, samples())
    with pytest.raises(errors.Refused, match="Nobody is named"):
        pin(night, by=" ")
    with pytest.raises(errors.Refused, match="has no run 99"):
        pin(night, run_id=99)
    assert not pin(night).idle
    assert pin(night, by="grace").idle
    assert fix_app.ask(storefront, PINNED) == [(run_of(night), "ada", "")]


@pytest.mark.parametrize(
    "change", ["update runbooks.eval_baselines set run_id = 2", "delete from runbooks.eval_baselines"]
)
def test_what_was_pinned_is_not_changed_and_not_taken_away(nights: Nights, storefront: str, change: str):
    pin(judged(nights, samples()))
    with pytest.raises(psycopg.Error, match="append-only"):
        fix_app.execute(storefront, change)


def test_a_baseline_whose_run_is_deleted_lets_nothing_pass(nights: Nights, storefront: str):
    first = judged(nights, samples())
    pin(first)
    fix_app.execute(storefront, "delete from public.ai_eval_runs")
    night = judged(nights, samples(), day=1)
    assert night.judged
    assert verdict(night) == "inconclusive"
    assert f"run {run_of(first)}, which is pinned as the baseline" in night.judged.summary


def test_the_audit_log_says_who_pinned_what(nights: Nights, tmp_path: Path):
    key = tmp_path / "key"
    key.write_text("k" * 32, "utf-8")
    night = judged(nights, samples())
    where = night.plan.environment.model_copy(update={"audit_key": f"file:{key}"})
    project = night.plan.project
    eval_baseline.pin(night.connection, project, where, run_id=run_of(night), by="ada", why="good week")
    log = Log.of(where, project.root, night.connection)
    (row,) = log.rows()
    assert (row.event, row.actor, row.note) == ("eval-baseline", "ada", "good week")
    assert (row.details["run_id"], row.details["before"]) == (run_of(night), None)
    assert audit_proof.verify(log).ok


def test_without_a_database_only_floors_are_left(nights: Nights):
    night = nights(samples(), dsn=None)
    found = eval_gate.judge(night)
    assert (found.verdict, found.comparisons) == ("inconclusive", ())
    assert "[eval.gate.floors]" in found.summary


def test_nothing_evaluated_is_not_judged(nights: Nights):
    night = nights(samples())
    night.evaluation = None
    with pytest.raises(errors.Refused, match="Nothing has been evaluated"):
        eval_gate.judge(night)
