"""The daily checks through a real Prefect server, a real worker and their deployment."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import fix_http
from tests.fix_checks import looking_at, report, run_deployed
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "daily-checks/production"
WELL: dict[str, Any] = {"status": {"indicator": "none", "description": "All Systems Operational"}}


@contextmanager
def page(said: dict[str, Any]) -> Generator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with fix_http.serving(Page) as address:
        yield f"{address}/api/v2/summary.json"


def test_a_morning_is_well_then_an_outage_fails_it_and_is_told_once(
    desk: Desk, shaped_admin: str, tmp_path: Path
):
    said = dict(WELL)
    with page(said) as url, looking_at(shaped_admin, tmp_path) as checkup:
        checkup.configure(f'checks = {{ status_url = "{url}", idle = "0.1 s" }}')
        well = run_deployed(desk, checkup.project, RUNBOOK)
        assert report(checkup.project, well)["verdict"] == "passed", report(checkup.project, well)["summary"]
        assert checkup.heard == []

        with psycopg.connect(shaped_admin, application_name="forgetful") as forgetful:
            forgetful.execute("select 1")
            said["incidents"] = [{"id": "x", "name": "Outage", "status": "identified", "impact": "critical"}]
            first, second = (
                run_deployed(desk, checkup.project, RUNBOOK),
                run_deployed(desk, checkup.project, RUNBOOK),
            )
        found = report(checkup.project, first)
        assert [each["kind"] for each in found["findings"] if each["counts"]] == [
            "platform-incident",
            "idle-in-transaction",
        ]
        assert first.state
        assert first.state.is_failed()
        assert "Outage" in (first.state.message or "")
        assert {each["change"] for each in report(checkup.project, second)["findings"] if each["counts"]} == {
            "still"
        }
        assert len(checkup.heard) == 1

        (page_of_run,) = [each for each in desk.artifacts(first.id) if each.key == "checks-report"]
        assert "### failed: platform-incident at x (new)" in str(page_of_run.data)

        said.pop("incidents")
        assert report(checkup.project, run_deployed(desk, checkup.project, RUNBOOK))["verdict"] == "passed"
        assert "Not any more: platform-incident (x)" in checkup.heard[-1]["text"]


def test_an_environment_that_there_is_not_is_refused(desk: Desk, shaped_admin: str, tmp_path: Path):
    with looking_at(shaped_admin, tmp_path) as checkup:
        refused = run_deployed(desk, checkup.project, RUNBOOK, environment="produktion")
        assert refused.state
        assert refused.state.is_failed()
        assert "Did you mean 'production'?" in (refused.state.message or "")


def test_nobody_looks_until_somebody_switches_it_on(desk: Desk):
    with desk.stack.client() as client:
        for name in (RUNBOOK, "weekly-checks/production"):
            assert [each.active for each in client.read_deployment_by_name(name).schedules] == [False]
