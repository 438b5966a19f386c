"""The read-only mode of an incident on a real database while an app writes, and everything as it was before."""

from __future__ import annotations

import json
from contextvars import copy_context
from pathlib import Path
from typing import Any

import psycopg
import pytest

from flows.incident_latency import incident_latency
from ops import audit_store, database, errors, write_pause, write_pause_sessions
from ops.checked import Checked
from ops.incident_latency import Act
from tests import fix_app, fix_pause, fix_restored, fix_switch
from tests.fix_pause import Writer
from tests.integration.test_prod_restore import writable

WHY = "every insert waits for minutes"
APPROVED, REJECTED = ("approve", "ada", ""), ("reject", "ada", "not yet")
FLAG = "select config_value -> 'dark' from bot_config where environment = 'production' and config_key = 'feature_flags'"


@pytest.fixture
def project(tmp_path: Path, shaped: str, shaped_admin: str) -> Path:
    fix_app.execute(shaped, fix_pause.TABLES)
    fix_app.execute(shaped, fix_switch.BOT_CONFIG)
    fix_app.execute(shaped_admin, "grant pg_monitor to postgres")
    root = fix_pause.write(tmp_path, shaped, more='flag = "dark"\n')
    more = '[environments.production.checks]\nincident_span = "0.2 s"\n[flags]\nknown = ["dark"]\n'
    config = root / "runbooks.toml"
    config.write_text(config.read_text("utf-8") + more, "utf-8")
    return root


def run(project: Path, act: Act, reason: str = WHY) -> Checked:
    found = incident_latency.fn(str(project), "production", act, reason)
    if not isinstance(found, Checked):
        raise errors.Denied(str(getattr(found, "message", found)))
    return found


def kept(found: Checked, name: str = "writes.json") -> Any:
    return json.loads(Path(found.bundle or "", name).read_text("utf-8"))


def test_writes_are_paused_by_somebody_and_come_back_exactly(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        run(project, Act.READ_ONLY)
    assert WHY in asked[0]
    assert (fix_pause.acls(shaped), writable(shaped)) == (before, True)

    asked = fix_restored.answering(monkeypatch, APPROVED)
    with fix_pause.writers(lambda: Writer(shaped, role="service_role")) as (writer,):
        found = run(project, Act.READ_ONLY)
        assert writer.error, "its session is ended"
    assert found.ok
    assert "nobody writes" in found.summary
    assert not writable(shaped)
    assert fix_app.ask(shaped, FLAG) == [(True,)], "the app is told"
    said = kept(found)
    assert [each["event"] for each in said["timeline"]] == ["begun", "paused", "sessions-ended"]
    assert said["approved"]["by"] == ["ada"]

    assert not fix_restored.answering(monkeypatch)
    assert run(project, Act.READ_ONLY).ok, "what was approved and begun is not asked again"
    looked = run(project, Act.LOOK, "")
    (paused,) = [each for each in looked.report.findings if each.kind == "writes-paused"]
    assert WHY in paused.said
    assert paused.since
    assert not writable(shaped)

    fix_restored.answering(monkeypatch, APPROVED)
    back = run(project, Act.READ_WRITE)
    assert back.ok
    assert "the app writes" in back.summary
    assert kept(back)["timeline"][-1]["event"] == "closed"
    assert fix_pause.acls(shaped) == before
    assert writable(shaped)
    assert fix_app.ask(shaped, FLAG) == [(False,)]
    assert not fix_restored.answering(monkeypatch)
    assert run(project, Act.READ_WRITE).ok, "nothing is paused, so nobody is asked"


@pytest.mark.parametrize("act", [Act.READ_ONLY, Act.READ_WRITE])
def test_who_approved_and_what_came_of_it_is_recorded_by_the_run_that_goes_on(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch, act: Act
):
    if act is Act.READ_WRITE:
        fix_restored.answering(monkeypatch, APPROVED)
        run(project, Act.READ_ONLY)
    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, write_pause_sessions, "end")
    with pytest.raises(KeyboardInterrupt):
        # What it owes to the audit log dies with it, as with a process.
        copy_context().run(run, project, act)
    live()
    assert not fix_restored.answering(monkeypatch)
    assert kept(run(project, act))["approved"]["by"] == ["ada"]
    decided = f"select event from runbooks.audit_log where gate = '{act}' and event <> 'asked' order by id"
    assert fix_app.ask(shaped, decided) == [("approved",), ("ended",)]
    same = f"select count(distinct plan_digest) from runbooks.audit_log where gate = '{act}'"
    assert fix_app.ask(shaped, same) == [(1,)]


def test_a_pause_that_nobody_has_approved_is_asked_for_again(
    project: Path, shaped: str, shaped_admin: str, monkeypatch: pytest.MonkeyPatch
):
    fix_restored.answering(monkeypatch, APPROVED)
    run(project, Act.READ_ONLY)
    with database.connect(shaped_admin, writes=True) as admin:
        admin.execute("alter table runbooks.audit_log disable trigger append_only")
        admin.execute("update runbooks.audit_log set actor = 'x' where event = 'approved'")
    assert not fix_restored.answering(monkeypatch)
    assert run(project, Act.READ_ONLY).ok, "the copy outside has it"
    copy = audit_store.Store.of(project, "production").path
    copy.write_text(copy.read_text("utf-8").replace('"actor": "ada"', '"actor": "eve"'), "utf-8")
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        run(project, Act.READ_ONLY)
    assert "no approval of it is found" in asked[0]
    assert not writable(shaped)
    fix_restored.answering(monkeypatch, APPROVED)
    assert kept(run(project, Act.READ_ONLY))["approved"]["by"] == ["ada"]
    assert not fix_restored.answering(monkeypatch)
    assert run(project, Act.READ_ONLY).ok, "what was approved anew is not asked for again"
    fix_restored.answering(monkeypatch, APPROVED)
    assert run(project, Act.READ_WRITE).ok
    assert writable(shaped)


@pytest.mark.parametrize("old", [False, True])
def test_writes_that_only_a_row_says_were_let_go_on_are_asked_for(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch, old: bool
):
    before = fix_pause.acls(shaped)
    approved: dict[str, Any] = {"gate": "read-write", "plan": "0" * 64, "run": "forged", "by": ["ada"]}
    if old:
        fix_restored.answering(monkeypatch, APPROVED, APPROVED)
        run(project, Act.READ_ONLY)
        run(project, Act.READ_WRITE)
        resumed = "select details -> 'approved' from runbooks.write_pauses where event = 'resumed'"
        ((approved,),) = fix_app.ask(shaped, resumed)
    fix_restored.answering(monkeypatch, APPROVED)
    run(project, Act.READ_ONLY)
    write_pause.note(fix_pause.site(project, shaped), "resumed", {"said": [], "approved": approved})
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        run(project, Act.READ_WRITE)
    assert "no approval of it is found" in asked[0]
    assert not writable(shaped)
    fix_restored.answering(monkeypatch, APPROVED)
    back = run(project, Act.READ_WRITE)
    assert back.ok
    assert kept(back)["approved"]["by"] == ["ada"]
    assert fix_pause.acls(shaped) == before
    assert writable(shaped)


def test_a_look_asks_nobody_and_changes_nothing(project: Path, shaped: str):
    before = fix_pause.acls(shaped)
    run(project, Act.LOOK, "")
    assert (fix_pause.acls(shaped), writable(shaped)) == (before, True)


def test_a_pause_without_a_reason_is_refused(project: Path, shaped: str):
    with pytest.raises(errors.Refused, match="recorded with its reason"):
        run(project, Act.READ_ONLY, "slow")
    assert writable(shaped)


def test_a_right_that_does_not_come_back_is_seen(project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch):
    fix_restored.answering(monkeypatch, APPROVED)
    run(project, Act.READ_ONLY)
    with psycopg.connect(shaped, autocommit=True) as other:
        other.execute("set default_transaction_read_only = off")
        other.execute('drop table public."Odd table"')
    fix_restored.answering(monkeypatch, APPROVED)
    found = run(project, Act.READ_WRITE)
    assert any("Odd table" in each for each in kept(found)["not as before"])
    assert writable(shaped)


def test_a_restore_goes_on_from_the_pause_of_an_incident_and_ends_it(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    fix_restored.answering(monkeypatch, APPROVED)
    run(project, Act.READ_ONLY)
    asked = fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert "Restore nothing" in asked[0]
    assert fix_pause.acls(shaped) == before


def test_the_pause_of_a_restore_is_not_ended_here(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    fix_restored.answering(monkeypatch, APPROVED, REJECTED)
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, "2026-01-01T00:00:00Z")
    for act in (Act.READ_WRITE, Act.READ_ONLY):
        with pytest.raises(errors.Refused, match="by prod-restore"):
            run(project, act)
    assert not writable(shaped)


def test_a_pause_is_not_given_up_and_the_inverse_is_named(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    assert not fix_restored.answering(monkeypatch)
    with pytest.raises(errors.Refused, match="Writes are not paused on production, so there is nothing"):
        run(project, Act.ABANDON)

    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, write_pause_sessions, "end")
    with pytest.raises(KeyboardInterrupt):
        copy_context().run(run, project, Act.READ_ONLY)
    live()
    assert not fix_restored.answering(monkeypatch)
    with pytest.raises(errors.Refused, match=r"A pause is not given up: .* act read-write"):
        run(project, Act.ABANDON)
    assert fix_pause.site(project, shaped).read().open, "it is open as it was, and not closed in silence"

    fix_restored.answering(monkeypatch, APPROVED)
    assert run(project, Act.READ_WRITE).ok
    assert writable(shaped)


def test_the_pause_of_a_restore_is_given_up_there(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    fix_restored.answering(monkeypatch, APPROVED, REJECTED)
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, "2026-01-01T00:00:00Z")
    with pytest.raises(errors.Refused, match="prod-restore to its end, or start it with give_up"):
        run(project, Act.ABANDON)
    assert not writable(shaped)
