"""A base backup through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect.client.schemas.objects import FlowRun

from deployments import runs
from ops import bundle, physical_holdings, physical_verify
from tests import fix_archiving, projects
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "base-backup/production"
CONFIG = """\
[environments.production]
database = "file:{secret}"

[environments.production.backups]
physical = {{ base = "{base}", wal = "{wal}" }}
"""


def run(desk: Desk, project: Path, **chosen: object) -> FlowRun:
    parameters = {"project": str(project), "environment": "production", **chosen}
    started = runs.trigger(desk.stack, RUNBOOK, parameters)
    *_, ended = runs.follow(desk.stack, started.id)
    assert isinstance(ended, FlowRun)
    assert ended.state
    return ended


def test_a_backup_is_made_twice_and_refused_where_the_login_may_not(desk: Desk, tmp_path: Path):
    with fix_archiving.archiving(archive_timeout="60") as archiving:
        archiving.fill(1)
        secret = tmp_path / "dsn"
        secret.write_text(archiving.server.dsn(user="authenticator"), "utf-8")
        where = {"base": archiving.settings.base, "wal": archiving.settings.wal}
        project = projects.write(
            tmp_path / "app", migrations={}, config=CONFIG.format(secret=secret, **where)
        )
        refused = run(desk, project)
        assert refused.state
        assert "may not replicate" in (refused.state.message or "")
        assert physical_holdings.holdings(archiving.settings).backups == ()

        secret.write_text(archiving.dsn, "utf-8")
        ended = [run(desk, project), run(desk, project, full=True)]
        assert [each.state.name if each.state else "" for each in ended] == ["Completed", "Completed"]
        backups = physical_holdings.holdings(archiving.settings).backups
        assert len(backups) == 2
        assert [physical_verify.problems(archiving.settings, each, lambda *_: None) for each in backups] == [
            (),
            (),
        ]
        kept = bundle.of_run(project, str(ended[1].id))
        assert kept
        written = json.loads((kept / "base-backup.json").read_text("utf-8"))
        assert (written["ok"], written["backup"]["id"]) == (True, backups[1].id)
