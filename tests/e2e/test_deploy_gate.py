"""The deploy gate through a real Prefect server, a real worker and its deployment: before and after a deploy."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from deployments import runs
from deployments.runs import StepSeen
from deployments.stack import Stack
from ops import bundle, database, declaration, embedded, manifest
from tests import fix_app, fix_command, fix_gate
from tests.fix_gate import MakeGate
from tests.fix_postgres import fresh_database
from tests.fix_stack import PATIENCE, Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture
def app(server: embedded.Server, tmp_path: Path) -> Generator[tuple[Path, str]]:
    """An app that is committed and pushed, and the DSN of its database."""
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        fix_app.execute(dsn, fix_app.TABLES)
        project = fix_app.write(tmp_path, dsn, deploy="""tests = "python3 -c 'print(1)'"\n""")
        with database.connect(dsn) as connection:
            text = declaration.text(declaration.of_database(connection, ["public"]))
        (project / "supabase" / "schema.toml").write_text(text, "utf-8")
        fix_app.commit(project)
        yield project, dsn


class Gate:
    """A run of the gate as it was left."""

    def __init__(self, desk: Desk, project: Path, **chosen: Any) -> None:
        parameters = {"project": str(project), "environment": "production", "deploy": "d1", **chosen}
        run = runs.trigger(desk.stack, "deploy-gate/production", parameters)
        self.desk, self.id, self.project = desk, run.id, project
        self._follow()

    def answer(self, **said: str) -> None:
        """Fill in the form of the checklist, and follow the run to its end."""
        with self.desk.stack.client() as client:
            wait_until(
                lambda: client.resume_flow_run(self.id, run_input=said).status.value == "ACCEPT",
                seconds=PATIENCE,
            )
        self.desk.wait_for(self.id, "Completed", "Failed", "Rejected")
        self._follow()

    def _follow(self) -> None:
        *steps, ended = runs.follow(self.desk.stack, self.id)
        assert isinstance(ended, FlowRun)
        self.name = ended.name
        self.state = ended.state.name if ended.state else None
        self.message = ended.state.message or "" if ended.state else ""
        self.steps = {
            step.title: step for step in steps if isinstance(step, StepSeen) and step.ok is not None
        }
        self.kept = bundle.of_run(self.project, str(self.id))
        result = self.kept / "deploy-gate.json" if self.kept else None
        self.result: dict[str, Any] = json.loads(result.read_text()) if result and result.is_file() else {}


def test_a_checklist_that_is_not_done_has_not_passed(desk: Desk, app: tuple[Path, str]):
    project, dsn = app
    Gate(desk, project, phase="pre")
    fix_app.execute(dsn, fix_app.ROWS)
    after = Gate(desk, project, phase="post")
    after.answer(decision="reject", approver="ada", note="no message came back")
    assert after.state == "Failed"
    assert "manual checklist (rejected" in after.message
    assert "no message came back" in after.message


def test_before_and_after_are_two_runs_of_one_deploy(desk: Desk, app: tuple[Path, str]):
    project, dsn = app
    before = Gate(desk, project, phase="pre")
    assert before.name == "Gate d1 on production, pre-deploy"
    titles = list(before.steps)
    assert titles[0].startswith("Plan the pre-deploy gate of")
    assert titles[1:5] == [
        "Check login, rights and settings",
        "Find the deploy",
        "Check the commit",
        "Check the schema",
    ]
    assert titles[-1] == "Hand off the gate"
    held = {check["part"]: check["status"] for check in before.result["checks"]}
    parts = ("auth", "commit", "schema", "tests", "smoke")
    assert {part: held[part] for part in parts} == dict.fromkeys(parts, "passed"), before.message
    shown = {artifact.key for artifact in desk.artifacts(before.id)}
    assert shown >= {"auth", "commit", "schema-check", "tests", "smoke", "deploy-gate-verdict"}
    assert before.kept
    assert manifest.verify(before.kept).ok

    fix_app.execute(dsn, fix_app.ROWS)
    after = Gate(desk, project, phase="post", choices={"restarted_at": "2026-01-31T18:05:00Z"})
    assert after.state == "Suspended"
    after.answer(decision="approve", approver="ada", note="all but the kanban card")
    assert after.state == "Completed", after.message
    assert after.result["checklist"]["by"] == "ada"
    assert "all but the kanban card" in after.result["checklist"]["said"]
    assert {each["what"]: each["present"] for each in after.result["required"]}["manual checklist"] is True
    found = fix_app.ask(
        dsn,
        "select commit, pre ->> 'phase', post ->> 'phase', restarted_at = '2026-01-31T18:05:00Z' from runbooks.deploys",
    )
    assert found == [(fix_app.git(project, "rev-parse", "HEAD"), "pre", "post", True)]


def test_after_a_deploy_without_a_baseline_it_is_refused(desk: Desk, app: tuple[Path, str]):
    after = Gate(desk, app[0], phase="post")
    assert "There is no baseline of the deploy 'd1' on 'production'" in after.message
    assert after.steps["Find the deploy"].ok is False
    assert after.result["verdict"] == "refused"


def test_what_is_wrong_fails_its_step_and_the_others_run_on(desk: Desk, app: tuple[Path, str]):
    project, dsn = app
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("alter table public.logs rename body to bodies")
    found = Gate(desk, project, phase="pre")
    assert found.steps["Check the schema"].ok is False
    assert "column public.logs.body does not exist; the nearest that there is is bodies" in found.message
    assert found.steps["Run the project's tests"].ok
    assert any("Is a migration pending?" in step for step in found.result["next_steps"])


def test_one_part_alone_can_pass(desk: Desk, app: tuple[Path, str]):
    found = Gate(desk, app[0], phase="pre", deploy="", choices={"only": ["schema", "smoke"]})
    assert (found.result["verdict"], found.result["partial"]) == ("passed", True), found.message
    assert fix_app.ask(app[1], "select to_regclass('runbooks.deploys')") == [(None,)]


def test_what_the_schedule_asks_for_needs_no_deploy(desk: Desk, app: tuple[Path, str]):
    with desk.stack.client() as client:
        (schedule,) = client.read_deployment_by_name("deploy-gate/production").schedules
    assert not schedule.active, "nobody looks until somebody switches it on"
    gate = Gate(desk, app[0], deploy="", **(schedule.parameters or {}))
    assert gate.state == "Completed", gate.message


def test_in_the_terminal_its_checklist_is_confirmed_by_people_who_prove_their_names(
    people: fix_gate.Gate, tmp_path: Path
):
    project = guarded_app(people, tmp_path)
    assert "Completed: " in started(people, project, phase="pre")
    fix_app.execute(people.dsn, fix_app.ROWS)
    assert "The run waits for somebody" in started(people, project, phase="post")
    run = waiting(people)
    shown = said(people, "approvals")
    assert "Who asks for: checklist on production?" in shown
    assert "Create one stream log." in shown
    said(people, "request", run, "--as", "ada", "--code", "env:CODE", CODE=people.code("ada"))
    people.taken_up(run)
    note = ("--note", "all but the kanban card")
    said(people, "approve", run, "--as", "grace", *note, "--code", "env:CODE", CODE=people.code("grace"))
    assert people.ended(run) == "Completed", people.message(run)
    kept = bundle.of_run(project, str(run))
    assert kept
    result = json.loads((kept / "deploy-gate.json").read_text())
    assert (result["verdict"], result["partial"]) == ("passed", False)
    assert result["checklist"] == {"status": "confirmed", "said": "all but the kanban card", "by": "grace"}
    proven = [("asked", ""), ("requested", "ada"), ("asked", ""), ("approved", "grace"), ("ended", "")]
    assert people.events() == proven

    grown = started(people, project, phase="post", choices='{"only": ["growth"]}')
    assert "Completed: " in grown
    assert "Compare row counts with before the deploy" in grown
    assert people.events() == proven, "what ran alone asked nobody"


def test_in_the_terminal_the_checklist_alone_is_asked_and_a_rejection_has_not_passed(
    people: fix_gate.Gate, tmp_path: Path
):
    project = guarded_app(people, tmp_path)
    assert "waits for somebody" in started(people, project, phase="post", choices='{"only": ["checklist"]}')
    run = waiting(people)
    said(people, "request", run, "--as", "ada", "--code", "env:CODE", CODE=people.code("ada"))
    people.taken_up(run)
    note = ("--note", "no message came back")
    said(people, "reject", run, "--as", "grace", *note, "--code", "env:CODE", CODE=people.code("grace"))
    assert people.ended(run) == "Failed"
    assert "rejected by grace: no message came back" in people.message(run)
    assert fix_app.ask(people.dsn, "select to_regclass('runbooks.deploys')") == [(None,)]


@pytest.fixture
def people(stack: Stack, make_gate: MakeGate) -> fix_gate.Gate:
    return make_gate(stack)


def guarded_app(people: fix_gate.Gate, folder: Path) -> Path:
    """Write an app whose production is guarded, with the people who may decide there."""
    fix_app.execute(people.dsn, fix_app.TABLES)
    careful = f'''guarded = true
four_eyes = true
approvers = "{people.store}"
audit_key = "file:{people.secrets}/key"
'''
    project = fix_app.write(folder, people.dsn, environment=careful)
    with database.connect(people.dsn) as connection:
        text = declaration.text(declaration.of_database(connection, ["public"]))
    (project / "supabase" / "schema.toml").write_text(text, "utf-8")
    (project / ".gitignore").write_text("artifacts/\n")
    fix_app.commit(project)
    return project


def said(people: fix_gate.Gate, *words: object, **variables: str) -> str:
    done = fix_command.run(*map(str, words), PREFECT_API_URL=people.stack.api, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def started(people: fix_gate.Gate, project: Path, **settings: str) -> str:
    """Start the gate as an operator does, and return what the terminal shows until it ends or waits."""
    chosen = {"project": str(project), "environment": "production", "deploy": "d1", **settings}
    words = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
    return said(people, "run", "deploy-gate/production", *words)


def waiting(people: fix_gate.Gate) -> UUID:
    """Return the run of the gate that waits."""
    (run,) = [
        run.id
        for run in people.client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC)
        if run.state
        and run.state.is_paused()
        and (run.parameters or {}).get("project", "").startswith(str(people.root.parent))
    ]
    return people.waiting(run)
