"""Jobs paused and resumed through a real Prefect server, a real worker and the deployment."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded
from tests import fix_app, fix_switch
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

RUNBOOK = "pause-jobs/production"
CRON = "create extension pg_cron; select cron.schedule('nightly', '0 3 * * *', 'select 1')"
STATE = (
    "select (select active from cron.job), config_value -> 'autonomous_posting' from bot_config"
    " where config_key = 'feature_flags' and environment = 'production'"
)


def test_it_pauses_and_resumes_what_somebody_approves(desk: Desk, server: embedded.Server, tmp_path: Path):
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        fix_app.execute(dsn, fix_switch.BOT_CONFIG)
        project = fix_switch.write(tmp_path, dsn)
        cron = {"cron": True, "reason": "posts twice"}
        refused = fix_switch.start(desk, RUNBOOK, project, choices=cron)
        assert "has no pg_cron" in fix_switch.ended(refused)[1]
        fix_app.execute(dsn, CRON)
        started = fix_switch.start(desk, RUNBOOK, project, choices=cron)
        assert fix_switch.ended(fix_switch.decide(desk, started, "reject"))[0] == "Rejected"
        assert fix_app.ask(dsn, STATE) == [(True, True)]

        done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, choices=cron))
        assert fix_switch.ended(done)[0] == "Completed"
        assert fix_app.ask(dsn, STATE) == [(False, False)]
        again = fix_switch.start(desk, RUNBOOK, project, choices=cron)
        assert "nothing was changed" in fix_switch.result(project, again, "pause-jobs")["summary"]
        back = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, choices={"resume": True}))
        assert fix_switch.ended(back)[0] == "Completed"
        assert fix_app.ask(dsn, STATE) == [(True, True)]
