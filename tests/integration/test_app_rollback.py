"""The guided rollback of an app: seen to work or not, and recorded either way."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from flows.app_rollback import app_rollback
from ops import errors, manifest
from ops.app_rollback import AppRollback, RollingBack
from ops.app_rollback_choices import AppRollbackChoices
from ops.deploy_verdict import Checklist
from ops.evidence import Evidence
from tasks import app_rollback as step
from tasks import approval, checklist
from tests import fix_app, fix_command, fix_http

BACK = AppRollbackChoices(to="d0", app_version="1.0.0")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody does what they are told."""

    def ask(rolling: RollingBack) -> Evidence:
        rolling.guided = Checklist(status="confirmed", by="ada", said="restarted")
        return step.record_guidance(rolling)

    monkeypatch.setattr(checklist, "ask_rollback", ask)


@contextmanager
def answering(status: int) -> Generator[str]:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with fix_http.serving(Health) as address:
        yield f"{address}/health"


def roll(project: Path, reason: str = "writes are missing", at: str = "") -> AppRollback:
    try:
        return app_rollback.fn(str(project), "production", "d1", reason, AppRollbackChoices(at=at))
    except errors.CheckFailed as error:
        if isinstance(error.evidence, AppRollback):
            return error.evidence
        raise


@pytest.mark.parametrize(("status", "works"), [(200, True), (503, False)])
def test_the_health_url_says_whether_it_works(
    done: None, shaped: str, tmp_path: Path, status: int, works: bool
):
    with answering(status) as url:
        found = roll(fix_app.write(tmp_path, shaped, environment=f'health_url = "{url}"'))
    assert (found.ok, found.verified) == (works, "passed" if works else "failed")
    assert str(status) in found.summary
    assert found.recorded
    recorded = fix_app.ask(
        shaped, "select rollback ->> 'reason', rolled_back_at is not null from runbooks.deploys"
    )
    assert recorded == [("writes are missing", True)]


@pytest.mark.parametrize(("command", "works"), [("true", True), ("false", False)])
def test_the_command_says_whether_it_works(
    done: None, shaped: str, tmp_path: Path, command: str, works: bool
):
    project = fix_app.write(tmp_path, shaped, environment=f'app_command = "{command}"')
    assert roll(project, at="2026-01-31T18:00:00Z").ok is works
    assert fix_app.ask(shaped, "select rolled_back_at::text from runbooks.deploys") == [
        ("2026-01-31 18:00:00+00",)
    ]


def test_what_nobody_looked_at_is_no_success(done: None, shaped: str, tmp_path: Path):
    found = roll(fix_app.write(tmp_path, shaped))
    assert (found.ok, found.verified) == (False, "not checked")


def test_a_command_that_is_not_there_says_nothing_and_the_rollback_is_recorded(
    done: None, shaped: str, tmp_path: Path
):
    found = roll(fix_app.write(tmp_path, shaped, environment='app_command = "no-such-command"'))
    assert (found.ok, found.verified, found.recorded) == (False, "not checked", True)
    assert "'no-such-command' of app_command" in found.summary


def test_what_nobody_was_asked_is_no_success(shaped: str, tmp_path: Path):
    found = roll(fix_app.write(tmp_path, shaped, environment='app_command = "true"'))
    assert (found.ok, found.verified, found.guided.status) == (False, "passed", "not asked")


def test_what_nobody_was_asked_or_the_gate_refused_is_not_recorded_as_rolled_back(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    project = fix_app.write(tmp_path, shaped, environment='app_command = "true"\nguarded = true')
    for asked in (False, True):
        monkeypatch.setattr(approval, "can_ask", lambda _, asked=asked: asked)
        found = roll(project)
        assert (found.ok, found.recorded, found.rolled_back_at) == (False, False, None)
        assert "is not recorded, since its steps are not asked" in found.summary
    assert "is guarded" in found.summary
    assert fix_app.ask(shaped, "select to_regclass('runbooks.deploys')") == [(None,)]


def test_without_the_database_the_evidence_is_the_record(done: None, tmp_path: Path):
    dsn = "postgresql://postgres@127.0.0.1:9/postgres?sslmode=disable"
    found = roll(fix_app.write(tmp_path, dsn, environment='app_command = "true"'))
    assert (found.ok, found.recorded) == (True, False)
    assert "recorded in the evidence alone" in found.findings[0]
    assert found.bundle
    assert (
        json.loads((Path(found.bundle) / "app-rollback.json").read_text())["reason"] == "writes are missing"
    )


def test_a_rollback_that_breaks_off_leaves_its_evidence_and_records_none(
    shaped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def ask(rolling: RollingBack) -> Evidence:
        rolling.guided = Checklist(status="rejected", said="it works again")
        return step.record_guidance(rolling)

    monkeypatch.setattr(checklist, "ask_rollback", ask)
    found = roll(fix_app.write(tmp_path, shaped, environment='app_command = "true"'))
    assert (found.ok, found.recorded, found.verified) == (False, False, "not checked")
    assert "broke off" in found.summary
    assert found.error == "The steps of the rollback are rejected: it works again."
    assert found.bundle
    kept = Path(found.bundle)
    assert manifest.verify(kept).ok
    left = json.loads((kept / "app-rollback.json").read_text())
    assert (left["reason"], left["rolled_back_at"], left["guided"]["said"]) == (
        "writes are missing",
        None,
        "it works again",
    )
    assert fix_app.ask(shaped, "select to_regclass('runbooks.deploys')") == [(None,)]


def test_without_a_reason_it_is_refused(shaped: str, tmp_path: Path):
    project = fix_app.write(tmp_path, shaped)
    said = fix_command.run(
        "app-rollback", project, "--environment", "production", "--deploy", "d1", "--reason", " "
    )
    assert said.returncode == 2
    assert "Say why with --reason" in said.stderr


def test_the_command_prints_the_steps_and_the_record(shaped: str, tmp_path: Path):
    project = fix_app.write(tmp_path, shaped, environment='app_command = "true"')
    said = fix_command.run(
        "app-rollback",
        project,
        "--environment",
        "production",
        "--deploy",
        "d1",
        "--reason",
        "slow",
        "--json",
        "-",
    )
    assert said.returncode == 1
    assert json.loads(said.stdout)["guided"]["status"] == "not asked"


def test_an_app_goes_back_to_its_previous_deployment_with_its_schema_version(
    shaped: str, tmp_path: Path, done: None
):
    project = fix_app.write(tmp_path, shaped, environment='app_command = "true"')
    found = app_rollback.fn(str(project), "production", "d1", "orders cannot be paid", BACK)
    assert found.ok
    ((recorded,),) = fix_app.ask(shaped, "select rollback from runbooks.deploys")
    assert (recorded["to"], recorded["app_version"]) == ("d0", "1.0.0")
    plan = step.plan_rollback(str(project), "production", "d1", "why", BACK)
    assert any("deployment d0" in each for each in plan.steps)
    assert any("APP_SCHEMA_VERSION=1.0.0" in each for each in plan.steps)
