"""A night of evaluation that is killed at every step: the sums are those of one clean run, and no code is run twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from psycopg import conninfo

from ops import embedded
from tests import fix_eval_night
from tests.fix_eval_night import Plant
from tests.fix_webhook import webhook

STEPS = (
    "eval_contract.check",
    "eval_export.export",
    "eval_evaluate.evaluate",
    "eval_ingest.ingest",
    "eval_verify.verify",
    "eval_gate.judge",
    "eval_report.write",
    "eval_end.hand_off",
)
# Runs the flow in a process of its own, which kills itself before or after one of the operations, if one is named.
NIGHT = """
import importlib, os, signal, sys
from tasks import runbook
runbook.without_prefect()
root, point, when = sys.argv[1:4]
def die(): os.kill(os.getpid(), signal.SIGKILL)
if point:
    module, name = point.split(".")
    module = importlib.import_module("ops." + module)
    operation = getattr(module, name)
    def struck(*given, **named):
        if when == "before": die()
        operation(*given, **named)
        die()
    struck.__wrapped__ = operation
    struck.__annotations__ = operation.__annotations__
    struck.__doc__, struck.__name__, struck.__module__ = operation.__doc__, name, operation.__module__
    setattr(module, name, struck)
from flows.nightly_eval import nightly_eval
nightly_eval.fn(root)
"""
SUMS = """
select run_id, provider, samples, schema_valid_rate, safety_rate, publish_proxy, latency_p95_ms, errored, cost_usd
from public.ai_eval_run_summary_v1 order by run_id, provider
"""


def night(plant: Plant, point: str = "", when: str = "", *, fails: bool = False) -> int:
    """Run a night in a process of its own; return how it ended."""
    done = subprocess.run(
        [sys.executable, "-c", NIGHT, str(plant.root), point, when],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode in (int(fails), -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode


@contextmanager
def planted(folder: Path, server: embedded.Server, storefront: str) -> Generator[Plant]:
    name = str(conninfo.conninfo_to_dict(storefront)["dbname"])
    yield fix_eval_night.plant(
        folder, dsn=storefront, admin=server.dsn(name, user=server.superuser), kind="copy"
    )


@pytest.mark.timeout(600)
def test_killed_before_and_after_every_step_it_ends_as_one_clean_run(
    tmp_path: Path, server: embedded.Server, storefront: str
):
    with planted(tmp_path, server, storefront) as plant:
        plant.generate(600, datetime.now(UTC) - timedelta(hours=3))
        # Each attempt is killed at the next place, and the next one goes on from what it has left.
        for point in STEPS:
            for when in ("before", "after"):
                assert night(plant, point, when) == -signal.SIGKILL, (point, when)
        assert night(plant) == 0
        assert plant.totals() == (1, 600, 600)
        struck = plant.ask(SUMS)

        plant.ask("truncate public.ai_eval_samples, public.ai_eval_runs restart identity")
        plant.ask("truncate runbooks.eval_watermarks")
        assert night(plant) == 0
        assert plant.ask(SUMS) == struck


@pytest.mark.parametrize(
    "point", ["eval_ingest.ingest", "eval_verify.verify", "eval_gate.judge", "eval_report.write"]
)
def test_a_bad_night_that_is_killed_once_it_is_ingested_is_judged_and_told_all_the_same(
    tmp_path: Path, server: embedded.Server, storefront: str, point: str
):
    with planted(tmp_path, server, storefront) as plant, webhook() as (manager, heard):
        (tmp_path / "manager").write_text(manager, "utf-8")
        plant.generate(600, datetime.now(UTC) - timedelta(hours=3), wrong=2)
        assert night(plant, point, "after") == -signal.SIGKILL
        assert (plant.totals(), heard) == ((1, 600, 600), [])
        assert night(plant, fails=True) == 1
        assert plant.ask("select verdict, finished_at is not null from public.ai_eval_runs") == [
            ("fail", True)
        ]
        assert plant.totals() == (1, 600, 600)
        (told,) = heard
        assert "schema_valid (floor)" in told["text"]
