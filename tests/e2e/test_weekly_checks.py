"""The weekly checks through a real Prefect server, a real worker and their deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import bundle
from tests import projects
from tests.fix_checks import looking_at, report, run_deployed
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "weekly-checks/production"


def test_what_is_pending_and_there_twice_is_said_and_a_sequence_at_its_end_fails(
    desk: Desk, shaped_admin: str, tmp_path: Path
):
    with looking_at(shaped_admin, tmp_path) as checkup:
        projects.write(checkup.project, migrations={projects.NOTES: projects.CREATE_NOTES})
        checkup.configure('checks = { storage = "10 TB" }')
        first = run_deployed(desk, checkup.project, RUNBOOK)
        found = report(checkup.project, first)
        assert (found["verdict"], [each["kind"] for each in found["findings"]]) == (
            "attention",
            ["pending-migrations"],
        )
        kept = bundle.of_run(checkup.project, str(first.id))
        assert kept
        assert (kept / "growth.png").read_bytes().startswith(b"\x89PNG")

        checkup.sql(
            "create table public.clicks (id serial); select setval('public.clicks_id_seq', 2147483000)"
        )
        failed, again = (run_deployed(desk, checkup.project, RUNBOOK) for _ in range(2))
        assert failed.state
        assert failed.state.is_failed()
        assert "647 numbers are left" in (failed.state.message or "")
        assert {each["change"] for each in report(checkup.project, again)["findings"]} == {"still"}
        assert len(checkup.heard) == 2

        checkup.sql("drop table public.clicks")
        gone = report(checkup.project, run_deployed(desk, checkup.project, RUNBOOK))["gone"]
        assert [each["kind"] for each in gone] == ["sequence-ending"]


def test_an_environment_that_there_is_not_is_refused(desk: Desk, shaped_admin: str, tmp_path: Path):
    with looking_at(shaped_admin, tmp_path) as checkup:
        refused = run_deployed(desk, checkup.project, RUNBOOK, environment="produktion")
        assert refused.state
        assert "Did you mean 'production'?" in (refused.state.message or "")
