"""The latency incident through a real Prefect server, a real worker, its deployment and its gate."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import embedded
from tests import fix_app, fix_checks, fix_indexes, fix_pause, fix_schema_rollback, fix_switch
from tests.fix_checks import Checkup
from tests.fix_indexes import VALID, WHY
from tests.fix_postgres import fresh_database
from tests.fix_stack import PATIENCE, Desk
from tests.polling import wait_until

__all__ = ["orders"]
orders = fix_indexes.orders

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "incident-latency/production"
SHORT = '[environments.production.checks]\nincident_span = "0.2 s"\n'


def test_it_ends_in_a_record_twice_and_is_refused_where_nothing_is_known(desk: Desk, checkup: Checkup):
    checkup.configure('[environments.production.checks]\nincident_span = "1 s"\n')
    for _ in range(2):
        ended = fix_checks.run_deployed(desk, checkup.project, RUNBOOK)
        assert ended.state
        assert ended.state.is_completed(), ended.state.message
        said = fix_checks.report(checkup.project, ended)
        assert {"statements", "blocked queries", "recent migrations"} <= {
            each["about"] for each in said["looks"]
        }
    refused = fix_checks.run_deployed(desk, checkup.project, RUNBOOK, environment="nowhere")
    assert refused.state
    assert "nowhere" in (refused.state.message or "")


def test_somebody_approves_that_writes_are_paused_and_that_they_go_on(
    desk: Desk, shaped: str, shaped_admin: str, tmp_path: Path
):
    fix_app.execute(shaped, fix_pause.TABLES)
    fix_app.execute(shaped_admin, "grant pg_monitor to postgres")
    project = fix_pause.write(tmp_path, shaped)
    config = project / "runbooks.toml"
    config.write_text(config.read_text("utf-8") + SHORT, "utf-8")
    before = fix_pause.acls(shaped)
    chosen = {"act": "read-only", "reason": "every insert waits for minutes"}
    rejected = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, **chosen), "reject")
    assert fix_switch.ended(rejected)[0] == "Rejected"
    assert fix_pause.acls(shaped) == before

    done = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, **chosen))
    assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)
    assert fix_pause.prove(fix_pause.site(project, shaped)).ok
    said = fix_switch.result(project, done, "writes")
    assert (said["act"], said["approved"]["by"]) == ("read-only", ["ada"])
    back = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, act="read-write"))
    assert fix_switch.ended(back)[0] == "Completed", fix_switch.ended(back)
    assert fix_pause.acls(shaped) == before


def test_an_index_is_built_once_somebody_approves_it_and_is_removed_again(desk: Desk, orders: Checkup):
    project, chosen = orders.project, {"act": "index", "reason": WHY}
    bare = fix_switch.start(desk, RUNBOOK, project, act="index")
    assert "is recorded with its reason" in fix_switch.ended(bare)[1]
    with fix_indexes.traffic(orders.admin):
        waiting = [fix_switch.start(desk, RUNBOOK, project, **chosen) for _ in range(2)]
    assert [fix_switch.ended(each)[0] for each in waiting] == ["Suspended", "Suspended"]
    rejected = fix_switch.decide(desk, waiting[0], "reject")
    assert fix_switch.ended(rejected)[0] == "Rejected"
    assert orders.sql(VALID) == []

    done = fix_switch.decide(desk, waiting[1])
    assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)
    assert orders.sql(VALID) == [(True,)]
    said = fix_switch.result(project, done, "indexes")
    assert (said["approved"]["gate"], said["approved"]["by"]) == ("index", ["ada"])
    assert [each["state"] for each in said["indexes"]] == ["built"]
    shown = " ".join(each.description or "" for each in desk.artifacts(done.id))
    assert "the statement's plan uses it" in shown

    back = fix_switch.decide(desk, fix_switch.start(desk, RUNBOOK, project, act="drop-index"))
    assert fix_switch.ended(back)[0] == "Completed", fix_switch.ended(back)
    assert orders.sql(VALID) == []
    events = orders.sql("select gate, event from runbooks.audit_log where event <> 'asked' order by id")
    once = [("index", "approved"), ("index", "ended"), ("drop-index", "approved"), ("drop-index", "ended")]
    assert events == [("index", "rejected"), *once]


def test_a_suspect_is_rolled_back_by_a_run_of_its_own_at_its_own_gate(
    desk: Desk, server: embedded.Server, tmp_path: Path
):
    history = "select version from supabase_migrations.schema_migrations order by version"
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        more = SHORT.replace("[environments", "\n[environments", 1)
        project = fix_schema_rollback.write(tmp_path, dsn, more=more)
        fix_schema_rollback.apply_all(project, dsn)
        fix_schema_rollback.rehearse(project)
        chosen = {"act": "rollback", "reason": WHY}
        unknown = fix_switch.start(desk, RUNBOOK, project, suspect="20990101000000", **chosen)
        assert "is not among what this tool has applied" in fix_switch.ended(unknown)[1]

        started = fix_switch.start(desk, RUNBOOK, project, suspect="20260102000000", **chosen)
        assert fix_switch.ended(started)[0] == "Completed", fix_switch.ended(started)
        said = fix_switch.result(project, started, "rollback")
        rolling = desk.read(said["run"])
        wait_until(lambda: fix_switch.ended(desk.read(rolling.id))[0] == "Suspended", seconds=PATIENCE)
        assert fix_app.ask(dsn, history) == [("20260101000000",), ("20260102000000",), ("20260103000000",)]
        done = fix_switch.decide(desk, rolling)
        assert fix_switch.ended(done)[0] == "Completed", fix_switch.ended(done)
        assert fix_app.ask(dsn, history) == [("20260101000000",)]
