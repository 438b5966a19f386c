"""The P0 rollback through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded
from tests import fix_app, fix_switch
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "p0-rollback/production"
TABLE = "public.ai_provider_configs"


def test_it_resets_and_puts_back_what_somebody_approves(desk: Desk, server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        project = fix_switch.write(tmp_path, dsn)
        refused = fix_switch.start(desk, RUNBOOK, project)
        assert "There is no table public.ai_provider_configs" in fix_switch.ended(refused)[1]
        fix_app.execute(dsn, fix_switch.PROVIDERS)
        before = fix_switch.rows(dsn, TABLE)

        rejected = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project), "reject", "not yet")
        assert fix_switch.ended(rejected)[0] == "Rejected"
        assert fix_switch.rows(dsn, TABLE) == before
        assert fix_switch.result(project, rejected, "p0-rollback")["verdict"] == "refused"

        chosen = {"reason": "unsafe answers"}
        done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, choices=chosen))
        assert fix_switch.ended(done)[0] == "Completed"
        found = fix_switch.result(project, done, "p0-rollback")
        assert (found["verdict"], found["rehearsal"], len(found["items"])) == ("passed", False, 4)
        again = fix_switch.start(desk, RUNBOOK, project)
        assert "nothing was changed" in fix_switch.result(project, again, "p0-rollback")["summary"]

        back = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, choices={"put_back": True}))
        assert fix_switch.ended(back)[0] == "Completed"
        assert fix_switch.rows(dsn, TABLE) == before
        gates = (
            "select gate, event from runbooks.audit_log where event in ('approved', 'rejected') order by id"
        )
        assert fix_app.ask(dsn, gates) == [
            ("p0-rollback", "rejected"),
            ("p0-rollback", "approved"),
            ("p0-rollback-put-back", "approved"),
        ]
