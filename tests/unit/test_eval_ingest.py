"""By what a run is known again."""

from __future__ import annotations

from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import orjson

from ops import eval_ingest_run, eval_ingest_tallies
from ops.eval_ingest_run import Run
from ops.evals import Spread, Tally, Window
from tests.fix_eval_tables import WINDOW, night, sample

KATHMANDU = timezone(timedelta(hours=5, minutes=45))


def run(root: Path, **changes: Any) -> Run:
    made = night(root, None, [sample(1)], window=changes.pop("window", WINDOW), **changes.pop("choices", {}))
    assert made.export
    assert made.evaluation
    for name in ("run_type", "schema_variant"):
        made.plan = made.plan.model_copy(update={name: changes.pop(name, getattr(made.plan, name))})
    digest = {"content_digest": changes.pop("content_digest", "0")}
    made.export = made.export.model_copy(update=digest)
    made.evaluation = made.evaluation.model_copy(update=changes)
    return eval_ingest_run.of(made)


def test_a_run_is_known_by_window_kind_content_and_measures(tmp_path: Path):
    shifted = WINDOW.model_copy(update={"start": WINDOW.start + timedelta(microseconds=1)})
    others: list[dict[str, Any]] = [
        {},
        {"window": shifted},
        {"window": WINDOW.model_copy(update={"end": WINDOW.end + timedelta(microseconds=1)})},
        {"run_type": "nightly"},
        {"schema_variant": "other"},
        {"content_digest": "1"},
        {"measure_version": "ffffffff"},
    ]
    assert len({run(tmp_path, **changes).run_key for changes in others}) == len(others)


def test_neither_who_asked_nor_clock_nor_time_zone_makes_another_run(tmp_path: Path):
    there = Window(
        start=WINDOW.start.astimezone(KATHMANDU), end=WINDOW.end.astimezone(KATHMANDU), watermark=True
    )
    one, other = (
        run(tmp_path),
        run(tmp_path, window=there, choices={"triggered_by": "somebody\0 \ud800 else"}),
    )
    assert (one.run_key, one.window, one.told) == (other.run_key, other.window, other.told)
    assert other.triggered_by == "somebody\ufffd \ufffd else"


def test_tallies_are_kept_without_each_number_and_can_be_stored():
    whole = Tally(samples=3, latency=Spread(counts={10: 1, 20: 2}), where=(("provider", "a\0\udfff"),))
    text = eval_ingest_tallies.packed([whole])
    (kept,) = eval_ingest_tallies.unpacked(orjson.loads(text))
    assert (kept.where, kept.samples) == ((("provider", "a\ufffd\ufffd"),), 3)
    assert (kept.latency.counts, kept.latency.n, kept.latency.total) == ({}, 3, 50)
    assert [kept.latency.quantile(share) for share in (0.25, 0.5, 0.95)] == [15.0, 20.0, 20.0]
    assert kept.latency.quantile(0.33) is None
    assert (kept.cost.n, kept.cost.quantile(0.5)) == (0, None)
