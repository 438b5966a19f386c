"""The feature flag rollback through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded
from tests import fix_app, fix_switch
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "feature-flag-rollback/production"
FLAG = "select config_value -> 'new_search' from bot_config where config_key = 'feature_flags' order by environment"


def test_it_switches_a_known_flag_that_somebody_approves(desk: Desk, server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        fix_app.execute(dsn, fix_switch.BOT_CONFIG)
        project = fix_switch.write(tmp_path, dsn)
        refused = fix_switch.start(desk, RUNBOOK, project, flag="new_serch")
        assert "Did you mean 'new_search'?" in fix_switch.ended(refused)[1]
        started = fix_switch.start(desk, RUNBOOK, project, flag="new_search")
        assert fix_switch.ended(fix_switch.decide(desk, started, "reject"))[0] == "Rejected"
        assert fix_app.ask(dsn, FLAG) == [(True,), (True,)]

        done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, flag="new_search"))
        assert fix_switch.ended(done)[0] == "Completed"
        assert fix_app.ask(dsn, FLAG) == [(False,), (True,)]
        assert fix_switch.result(project, done, "feature-flag-rollback")["verdict"] == "passed"
        again = fix_switch.start(desk, RUNBOOK, project, flag="new_search")
        assert "nothing was changed" in fix_switch.result(project, again, "feature-flag-rollback")["summary"]
