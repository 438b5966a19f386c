"""The nightly evaluation through a real Prefect server, worker and deployment, a real PostgREST and Postgres."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun
from psycopg import conninfo

from deployments import runs
from ops import bundle, embedded
from tests import fix_eval_night, fix_postgrest
from tests.fix_eval_night import Plant
from tests.fix_stack import Desk
from tests.fix_webhook import webhook

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "nightly-eval/production"


def run(desk: Desk, plant: Plant, environment: str = "production", **choices: Any) -> FlowRun:
    parameters = {"project": str(plant.root), "environment": environment, "choices": choices}
    started = runs.trigger(desk.stack, RUNBOOK, parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    return ended


def result(plant: Plant, ended: FlowRun) -> dict[str, Any]:
    kept = bundle.of_run(plant.root, str(ended.id))
    assert kept, ended.state
    return json.loads((kept / "nightly-eval.json").read_text("utf-8"))


def test_a_night_is_ingested_once_the_next_goes_on_and_a_bad_one_fails_and_is_told(
    desk: Desk, server: embedded.Server, storefront: str, tmp_path: Path
):
    name = str(conninfo.conninfo_to_dict(storefront)["dbname"])
    with fix_postgrest.postgrest(server, name) as rest, webhook() as (manager, heard):
        plant = fix_eval_night.plant(
            tmp_path,
            dsn=storefront,
            admin=server.dsn(name, user=server.superuser),
            kind="rest",
            url=rest.url,
            key=rest.key,
            manager=manager,
        )
        tonight = datetime.now(UTC).replace(microsecond=0)
        plant.generate(1500, tonight - timedelta(hours=20))
        first = result(plant, run(desk, plant))
        assert (first["records"], first["run_id"]) == (1500, 1), first
        assert plant.totals() == (1, 1500, 1500)
        assert first["verdict"] == "pass", "above its floor, and nobody has pinned a baseline"

        again = result(plant, run(desk, plant))
        assert again["records"] == 0
        assert plant.totals() == (1, 1500, 1500)

        plant.generate(400, tonight - timedelta(minutes=30), wrong=2)
        failed = run(desk, plant)
        assert failed.state
        assert failed.state.is_failed()
        assert plant.totals() == (2, 1900, 1900)
        kept = bundle.of_run(plant.root, str(failed.id))
        assert kept
        report = (kept / "report.html").read_text("utf-8")
        assert "schema_valid" in report
        assert (kept / "eval_run_ingest.sql").is_file()
        (told,) = heard
        assert "schema_valid (floor) of" in told["text"]

        refused = run(desk, plant, "bare")
        assert refused.state
        assert "says nothing about evaluation" in (refused.state.message or "")

        (tmp_path / "key").write_text(rest.key[:-4] + "AAAA", "utf-8")
        locked_out = run(desk, plant)
        assert locked_out.state
        assert locked_out.state.is_failed()
        assert plant.totals() == (2, 1900, 1900)
