"""The quarterly audit through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.states import Scheduled

from ops import database, drill_log, lints, rls_contract, rls_trial
from tests import fix_checks, fix_stack, projects
from tests.fix_checks import Checkup, report
from tests.fix_own_server import server  # noqa: F401  # a fixture is found by its name
from tests.fix_stack import PATIENCE, PAUSE, Desk
from tests.fix_webhook import webhook
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
RUNBOOK = "quarterly-audit/production"
CONFIG = """\
[project]
manager = "file:{manager}"

[environments.production]
database = "file:{secret}"

[environments.production.access.roles.member]
member_of = ["authenticated"]
"""
TABLE = """\
create role member; grant authenticated to member;
create table public.notes (id bigint generated always as identity primary key, owner_id uuid not null, said text);
alter table public.notes enable row level security;
create policy owners on public.notes for all to authenticated
using (owner_id = (select auth.uid())) with check (owner_id = (select auth.uid()));
"""


def run(desk: Desk, project: Path, **chosen: object) -> FlowRun:
    return fix_checks.run_deployed(desk, project, RUNBOOK, **chosen)


def test_a_good_database_passes_and_a_changed_policy_fails_and_is_told_once(
    desk: Desk, shaped_admin: str, tmp_path: Path
):
    with psycopg.connect(shaped_admin, autocommit=True) as admin, webhook() as (url, heard):
        admin.execute(TABLE.encode())
        try:
            for name, value in (("manager", url), ("secret", shaped_admin)):
                (tmp_path / name).write_text(value, "utf-8")
            config = CONFIG.format(manager=tmp_path / "manager", secret=tmp_path / "secret")
            project = projects.write(tmp_path / "app", migrations={}, config=config)
            with database.connect(shaped_admin) as connection:
                trial = rls_trial.run(connection, schemas=lints.DEFAULT_SERVED, samples={})
            (project / rls_contract.CONVENTION).write_text(rls_contract.text(trial.contract), "utf-8")
            drill_log.append(
                project, "production", {"run": "1", "verdict": "passed", "ended": "2126-01-01T00:00:00Z"}
            )

            well = run(desk, project)
            assert well.state
            assert well.state.is_completed(), well.state.message
            assert [each["said"] for each in report(project, well)["findings"] if each["counts"]] == []
            assert report(project, well)["verdict"] == "passed"
            assert heard == []

            admin.execute("alter policy owners on public.notes to public using (true)")
            failed, again = run(desk, project), run(desk, project)
            assert [report(project, each)["verdict"] for each in (failed, again)] == ["failed", "failed"]
            assert failed.state
            assert failed.state.is_failed()
            assert "Whoever has no account can read a row of the owner's in public.notes" in (
                failed.state.message or ""
            )
            assert len(heard) == 1
            assert {each["change"] for each in report(project, again)["findings"]} == {"still"}
            assert admin.execute("select count(*) from public.notes").fetchone() == (0,)

            refused = run(desk, project, environment="produktion")
            assert refused.state
            assert "Did you mean 'production'?" in (refused.state.message or "")
        finally:
            admin.execute("drop role member")


def test_nobody_audits_until_somebody_switches_it_on(desk: Desk):
    with desk.stack.client() as client:
        assert [each.active for each in client.read_deployment_by_name(RUNBOOK).schedules] == [False]


def test_the_drill_is_started_once_for_each_audit(desk: Desk, checkup: Checkup):
    checkup.configure(
        '[environments.production.backups]\nphysical = { base = "/nowhere/base", wal = "/nowhere/wal" }'
    )
    audited = run(desk, checkup.project)
    (said,) = [x for x in report(checkup.project, audited)["looks"] if x["about"] == "restore drill to come"]
    assert said["state"] == "well"
    (drill,) = drills(desk, checkup.project)
    assert str(drill.id) in said["said"]

    with desk.stack.client() as client:
        client.set_flow_run_state(audited.id, Scheduled(name="AwaitingRetry"), force=True)

    def is_over_again() -> bool:
        found = desk.read(audited.id)
        return found.run_count == 2 and bool(found.state and found.state.is_final())

    wait_until(is_over_again, seconds=PATIENCE, pause=PAUSE)
    assert [each.id for each in drills(desk, checkup.project)] == [drill.id]


def test_a_drill_that_is_not_deployed_is_named(desk: Desk, checkup: Checkup):
    backups = '[environments.live.backups]\nphysical = { base = "/nowhere/base", wal = "/nowhere/wal" }'
    secret = checkup.project.parent / "secret"
    checkup.configure(f'[environments.live]\ndatabase = "file:{secret}"\n{backups}')
    audited = run(desk, checkup.project, environment="live")
    (found,) = [
        x for x in report(checkup.project, audited)["findings"] if x["about"] == "restore drill to come"
    ]
    assert (found["kind"], found["object"]) == ("drill-not-deployed", "restore-drill/live")
    assert "prefect.yaml" in found["todo"]
    with fix_stack.deployed(desk, "restore-drill/production", "live"):
        again = run(desk, checkup.project, environment="live")
        kinds = {x["kind"] for x in report(checkup.project, again)["findings"]}
        assert "drill-not-deployed" not in kinds


def drills(desk: Desk, project: Path) -> list[FlowRun]:
    """Return the runs of the restore drill of this project."""
    with desk.stack.client() as client:
        deployed = client.read_deployment_by_name("restore-drill/production")
        found = client.read_flow_runs(limit=200)
    mine = [each for each in found if each.deployment_id == deployed.id]
    return [each for each in mine if each.parameters.get("project") == str(project)]
