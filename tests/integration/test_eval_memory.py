"""A night's memory is that of a page and not of the night: four times the records take about as much."""

from __future__ import annotations

import json
import tracemalloc
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops import eval_evaluate, eval_export, eval_ingest_copy, eval_night, eval_parts
from ops.eval_night import EvalChoices
from tests import eval_nights

DAY = datetime(2026, 2, 15, tzinfo=UTC)
CHOICES = EvalChoices(since=DAY, until=DAY + timedelta(days=1))
# Where each record of a file stands, when it was made, in which order it is read and the hash of its key are held as
# numbers; a record itself is five times as long.
NUMBERS = 64


def write(root: Path, count: int) -> None:
    providers = ("openai", "anthropic", "mistral")
    with (root / "records.jsonl").open("w", encoding="utf-8") as file:
        for n in range(count):
            at = DAY + timedelta(milliseconds=n)
            output = {"title": f"Lot {n}", "body": "A clean cup. " * 4}
            more = {"created_at": at.isoformat(), "selected_provider": providers[n % 3], "output": output}
            file.write(json.dumps(eval_nights.record(n, **more)) + "\n")


def peak(root: Path, count: int) -> int:
    """Return the most bytes that were held while so many records were exported, evaluated and made ready for COPY."""
    project = eval_nights.project(root)
    config = project / "runbooks.toml"
    config.write_text(f'{config.read_text()}files = ["records.jsonl"]\n')
    write(project, count)
    plan = eval_night.plan(str(project), "production", CHOICES)
    with eval_night.opened(plan, f"of-{count}") as night:
        tracemalloc.start()
        try:
            assert eval_export.export(night).records == count
            evaluation = eval_evaluate.evaluate(night)
            deque(eval_ingest_copy.rows(evaluation.samples_path, 1), maxlen=0)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert evaluation.samples == count
    return most


def test_four_times_the_records_take_the_same_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # In this process, where it is measured.
    monkeypatch.setattr(eval_parts, "PROCESSES", 1)
    few, many = 8_000, 32_000
    peak(tmp_path / "warm", 100)
    small, large = peak(tmp_path / "few", few), peak(tmp_path / "many", many)
    assert large <= 1.3 * small + NUMBERS * (many - few)
