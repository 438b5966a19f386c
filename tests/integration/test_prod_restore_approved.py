"""What a record of paused writes says was approved, and nobody finds: it is not believed, and asked again."""

from __future__ import annotations

from collections.abc import Generator
from contextvars import copy_context
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops import (
    audit_store,
    database,
    embedded,
    errors,
    prod_restore,
    prod_restore_end,
    write_pause_sessions,
)
from ops.prod_restore import RestoreChoices
from tests import fix_app, fix_pause, fix_restored, fix_switch
from tests.fix_restored import Past
from tests.integration.test_prod_restore import writable

APPROVED, REJECTED = ("approve", "ada", ""), ("reject", "ada", "not yet")
PRODUCTION = "[environments.production]\n"


@pytest.fixture
def project(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_pause.TABLES)
    root = fix_pause.write(tmp_path, shaped)
    (tmp_path / "key").write_text("a key of the log", "utf-8")
    config, key = root / "runbooks.toml", f'audit_key = "file:{tmp_path / "key"}"\n'
    config.write_text(config.read_text("utf-8").replace(PRODUCTION, PRODUCTION + key), "utf-8")
    return root


@pytest.fixture
def past(server: embedded.Server, shaped_name: str, project: Path) -> Generator[Past]:
    assert project.is_dir()
    found = Past(server, shaped_name)
    yield found
    found.forget()


def named(dsn: str, event: str) -> dict[str, Any]:
    """Return what the newest row of an event says."""
    asked = f"select details from runbooks.write_pauses where event = '{event}' order by number desc limit 1"
    return fix_app.ask(dsn, asked)[0][0]


def paused(project: Path, past: Past, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have writes paused, and stop at the question for the restore."""
    fix_restored.answering(monkeypatch, APPROVED, REJECTED)
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, past.at)


def tamper(project: Path, old: str, new: str) -> None:
    """Change the copy of the audit log outside of the database."""
    path = audit_store.Store.of(project, "production").path
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize("gate", ["pause-writes", "read-only", ""])
def test_a_pause_that_only_a_row_says_was_approved_is_asked_for(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch, gate: str
):
    approved = {"gate": gate, "plan": "0" * 64, "run": "forged", "by": ["ada"]} if gate else {}
    fix_pause.forge(
        shaped, "begun", {"by": "prod-restore", "identity": {}, "expected": [], "approved": approved}
    )
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied, match="pause-writes"):
        fix_restored.run(project, past.at)
    assert "Pause all writes" in asked[0]
    assert "no approval of it is found" in asked[0]
    assert writable(shaped), "nothing was done"

    paused(project, past, monkeypatch)
    assert not writable(shaped)
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Have Supabase's support restore" in asked[0], "what was approved anew is not asked for again"
    fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert writable(shaped)


def test_a_row_that_nobody_approved_can_be_ended_without_a_pause(
    project: Path, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    fix_pause.forge(shaped, "begun", {"by": "prod-restore", "identity": {}, "expected": [], "approved": {}})
    asked = fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).ok
    assert "Restore nothing" in asked[0]
    assert fix_pause.acls(shaped) == before
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, datetime.now(UTC).replace(microsecond=0))
    assert "no approval of it is found" not in asked[0]


@pytest.mark.parametrize("incident", ["another", "the same"])
def test_an_approval_of_an_incident_that_is_over_lets_nothing_through(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch, incident: str
):
    paused(project, past, monkeypatch)
    fix_restored.answering(monkeypatch, APPROVED)
    fix_restored.run(project, "", give_up=True)
    fix_pause.forge(shaped, "begun", named(shaped, "begun"), "another" if incident == "another" else "")
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Pause all writes" in asked[0]
    assert writable(shaped)


def test_a_row_that_opens_an_incident_again_that_is_over_can_be_ended(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    paused(project, past, monkeypatch)
    fix_restored.answering(monkeypatch, APPROVED)
    fix_restored.run(project, "", give_up=True)
    fix_pause.forge(shaped, "baseline", {})
    paused(project, past, monkeypatch)
    assert not writable(shaped)
    fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert fix_pause.acls(shaped) == before


def test_a_row_of_an_environment_that_is_none_does_not_stop_everybody(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    fix_pause.forge(shaped, "begun", {"approved": {}})
    with database.connect(shaped, writes=True) as connection:
        connection.execute("update runbooks.write_pauses set environment = 'nowhere'")
    paused(project, past, monkeypatch)
    fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"


def test_a_restore_that_only_a_row_says_was_approved_is_asked_for(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    paused(project, past, monkeypatch)
    begun, target = named(shaped, "begun")["approved"], f"time {past.at.isoformat()}"
    for said in ({}, {**begun}, {**begun, "gate": "restore"}, {"gate": "restore", "plan": "0" * 64}):
        fix_pause.forge(shaped, "restore-confirmed", {**said, "target": target, "ticket": {}})
        asked = fix_restored.answering(monkeypatch, REJECTED)
        with pytest.raises(errors.Denied, match="Writes are still paused"):
            fix_restored.run(project, past.at)
        assert "Have Supabase's support restore" in asked[0]


def test_an_approval_of_one_target_does_not_let_another_through(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    fix_restored.answering(monkeypatch, APPROVED, ("approve", "ada", fix_restored.note()))
    with pytest.raises(errors.CheckFailed, match="was not restored to before it"):
        fix_restored.run(project, past.at)
    fix_restored.answering(monkeypatch)
    with pytest.raises(errors.CheckFailed, match="was not restored to before it"):
        fix_restored.run(project, past.at)
    earlier = "2026-01-01T00:00:00+00:00"
    fix_pause.forge(
        shaped, "restore-confirmed", {**named(shaped, "restore-confirmed"), "target": f"time {earlier}"}
    )
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, earlier)
    assert f"to time {earlier}" in asked[0]


def test_writes_that_only_a_row_says_were_re_enabled_are_asked_for(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    paused(project, past, monkeypatch)
    fix_pause.forge(shaped, "given-up", {"gate": "enable-writes", "plan": "0" * 64, "by": ["ada"]})
    fix_pause.forge(shaped, "resumed", {"said": []})
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Pause all writes" in asked[0]
    asked = fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert "Restore nothing" in asked[0]
    assert writable(shaped)
    assert fix_pause.acls(shaped) == before


def test_a_restore_goes_on_after_writes_were_not_re_enabled_and_a_row_said_so(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    paused(project, past, monkeypatch)
    fix_pause.forge(shaped, "resumed", {"said": []})
    said = ("approve", "ada", fix_restored.note())
    fix_restored.answering(monkeypatch, APPROVED, said)
    with pytest.raises(errors.CheckFailed, match="was not restored to before it"):
        fix_restored.run(project, past.at)
    past.come_back()
    fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, past.at).state == "enabled"
    assert writable(shaped)


def test_a_restored_database_is_paused_again_unasked_by_the_copy_of_the_log(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    paused(project, past, monkeypatch)
    past.come_back()
    assert fix_app.ask(shaped, "select to_regclass('runbooks.audit_log')::text") == [(None,)]
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Have Supabase's support restore" in asked[0]
    assert not writable(shaped)


@pytest.mark.parametrize("how", ["a row is another one", "no copy", "no key fits"])
def test_a_restored_database_is_not_paused_by_a_copy_that_does_not_hold(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch, how: str
):
    paused(project, past, monkeypatch)
    past.come_back()
    if how == "no copy":
        audit_store.Store.of(project, "production").path.unlink()
    elif how == "no key fits":
        (project.parent / "key").write_text("another key", "utf-8")
    else:
        tamper(project, '"actor": "ada"', '"actor": "eve"')
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Pause all writes" in asked[0]
    assert writable(shaped), "nothing was done"

    said = ("approve", "grace", fix_restored.note())
    asked = fix_restored.answering(monkeypatch, APPROVED, said, APPROVED)
    found = fix_restored.run(project, past.at)
    assert (found.state, found.verdict) == ("enabled", "passed")
    assert "Everything that was looked at holds" in asked[-3]
    assert found.loss
    assert bool(found.loss.audit_rows) == (how != "no copy")
    assert writable(shaped)


def test_a_pause_that_was_killed_goes_on_without_a_second_question(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, write_pause_sessions, "end")
    with pytest.raises(KeyboardInterrupt):
        copy_context().run(fix_restored.run, project, past.at)
    live()
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "Have Supabase's support restore" in asked[0]


def test_an_end_that_was_killed_goes_on_without_a_second_question(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    paused(project, past, monkeypatch)
    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, write_pause_sessions, "end")
    with pytest.raises(KeyboardInterrupt):
        copy_context().run(fix_restored.run, project, "", give_up=True)
    live()
    assert not fix_restored.answering(monkeypatch)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert [each.event for each in fix_pause.site(project, shaped).read().events].count("resumed") == 1


def test_a_database_that_was_restored_after_its_end_was_killed_is_asked_about_and_ended(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    paused(project, past, monkeypatch)
    fix_restored.answering(monkeypatch, APPROVED)
    live = fix_switch.dying(monkeypatch, write_pause_sessions, "end")
    with pytest.raises(KeyboardInterrupt):
        copy_context().run(fix_restored.run, project, "", give_up=True)
    live()
    past.come_back()
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert "the database was restored since" in asked[0]
    fix_restored.answering(monkeypatch, APPROVED)
    assert fix_restored.run(project, "", give_up=True).state == "enabled"
    assert writable(shaped)


@pytest.mark.parametrize("event", ["verified", "given-up"])
def test_writes_are_not_re_enabled_by_a_row_that_says_so(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch, event: str
):
    paused(project, past, monkeypatch)
    gate = {"verified": "verified-read-only", "given-up": "enable-writes"}[event]
    fix_pause.forge(shaped, event, {**named(shaped, "begun")["approved"], "gate": gate})
    chosen = RestoreChoices(give_up=True)
    plan = prod_restore.plan(str(project), "production", "", fix_restored.REASON, chosen)
    with pytest.raises(errors.Refused, match="Nobody has said"):
        prod_restore_end.enable_writes(prod_restore.opened(plan, "run"))
    assert not writable(shaped)
