"""The schema rollback through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded
from tests import fix_app, fix_schema_rollback, fix_switch
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "schema-rollback/production"
HISTORY = "select version from supabase_migrations.schema_migrations order by version"


def test_it_rolls_proven_migrations_back_that_somebody_approves(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        project = fix_schema_rollback.write(tmp_path, dsn)
        fix_schema_rollback.apply_all(project, dsn)
        refused = fix_switch.start(desk, RUNBOOK, project)
        assert "No sealed rehearsal that passed" in fix_switch.ended(refused)[1]
        fix_schema_rollback.rehearse(project)
        rejected = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project), "reject")
        assert fix_switch.ended(rejected)[0] == "Rejected"
        assert len(fix_app.ask(dsn, HISTORY)) == 3

        chosen = {"last": 2, "reason": "tags are wrong"}
        done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, choices=chosen))
        assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)[1]
        found = fix_switch.result(project, done, "schema-rollback")
        assert (found["verdict"], found["rolled_back"]) == ("passed", ["20260103000000", "20260102000000"])
        assert fix_app.ask(dsn, HISTORY) == [("20260101000000",)]
        again = fix_switch.start(desk, RUNBOOK, project, choices=chosen)
        assert "fewer than asked for" in fix_switch.ended(again)[1]
        decided = "select event from runbooks.audit_log where event in ('approved', 'rejected', 'ended') order by id"
        assert [event for (event,) in fix_app.ask(dsn, decided)] == ["rejected", "approved", "ended"]
