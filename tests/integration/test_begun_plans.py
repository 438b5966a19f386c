"""Which approvals let a plan that was begun through, by the audit log of a real database and by its copy outside."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ops import begun_plans, database, queries
from ops.audit import Event, Log
from ops.audit_store import Store
from ops.begun_plans import LASTS, Found
from ops.project import Environment

KEY = "a-fake-key-for-tests"
WHERE = Environment(name="production")


@pytest.fixture
def log(shaped: str, tmp_path: Path) -> Generator[Log]:
    with database.connect(shaped, writes=True) as connection:
        made = Log(connection, KEY, Store(tmp_path / "audit" / "production.jsonl"))
        made.prepare()
        yield made


def say(log: Log, event: str, actor: str = "ada", **more: Any) -> None:
    said = {"environment": "production", "run": "run", "gate": "restore", "plan_digest": "d", **more}
    log.append(Event(event, actor=actor, **said))


def look(log: Log, where: Environment = WHERE, **more: Any) -> Found:
    return begun_plans.look(log, where, "restore", "d", **more)


def ask(log: Log, approvals: int, **more: Any) -> None:
    say(log, "asked", "", details={"rules": {"approvals": approvals}}, **more)


def approve(log: Log, *names: str, **more: Any) -> None:
    for name in names:
        say(log, "approved", name, **more)


def old(log: Log, by: timedelta) -> None:
    """Add an approval that was given so long ago."""
    row = replace(log.append(Event("other", "production")), id=9, at=log.now() - by, event="approved")
    row = replace(row, run="run", gate="restore", plan_digest="d", actor="ada")
    row = replace(row, hash=row.hashed(KEY))
    values = {**asdict(row), "details": json.dumps(row.details)}
    log.connection.execute(queries.load("audit/append"), values)


LETS_THROUGH: dict[str, Callable[[Log], object]] = {
    "one has approved": lambda log: approve(log, "ada"),
    "as many as were asked": lambda log: (ask(log, 2), approve(log, "ada", "grace")),
    "broken glass": lambda log: (ask(log, 2), say(log, "break-glass")),
    "a run of it has failed": lambda log: (approve(log, "ada"), say(log, "ended", "", details={"ok": False})),
    "done, and approved again": lambda log: (
        approve(log, "ada"),
        say(log, "ended", "", details={"ok": True, "over": True}),
        approve(log, "grace"),
    ),
    "another run was rejected": lambda log: (approve(log, "ada"), say(log, "rejected", run="other")),
    "not long ago": lambda log: old(log, LASTS - timedelta(hours=1)),
}
LETS_NOTHING_THROUGH: dict[str, tuple[Callable[[Log], object], str]] = {
    "nothing": (lambda log: None, "neither the audit log nor its copy has one"),
    "a question": (lambda log: ask(log, 1), "neither the audit log nor its copy has one"),
    "another gate": (lambda log: approve(log, "ada", gate="promote"), "neither"),
    "another plan": (lambda log: approve(log, "ada", plan_digest="e"), "neither"),
    "another environment": (lambda log: approve(log, "ada", environment="staging"), "neither"),
    "too few": (lambda log: (ask(log, 2), approve(log, "ada")), "only 1 have approved it"),
    "one person twice": (lambda log: (ask(log, 2), approve(log, "ada", "ada")), "only 1 have approved it"),
    "half of it by each of two runs": (
        lambda log: (
            ask(log, 2),
            approve(log, "ada"),
            ask(log, 2, run="other"),
            approve(log, "grace", run="other"),
        ),
        "only 1 have approved it",
    ),
    "rejected afterwards": (
        lambda log: (approve(log, "ada"), say(log, "rejected", "grace")),
        "it was rejected",
    ),
    "closed afterwards": (lambda log: (approve(log, "ada"), say(log, "closed", "")), "it was closed"),
    "expired afterwards": (lambda log: (approve(log, "ada"), say(log, "expired", "")), "it was expired"),
    "done": (
        lambda log: (approve(log, "ada"), say(log, "ended", "", run="other", details={"ok": True})),
        "what was approved was done",
    ),
    "done, not well": (
        lambda log: (approve(log, "ada"), say(log, "ended", "", details={"ok": False, "over": True})),
        "what was approved was done",
    ),
    "too old": (lambda log: old(log, LASTS + timedelta(hours=1)), "that counts for 30 days"),
}


@pytest.mark.parametrize("what", LETS_THROUGH)
def test_this_lets_it_through(log: Log, what: str):
    LETS_THROUGH[what](log)
    assert look(log).rows


@pytest.mark.parametrize("what", LETS_NOTHING_THROUGH)
def test_this_lets_nothing_through_and_says_why(log: Log, what: str):
    written, why = LETS_NOTHING_THROUGH[what]
    written(log)
    found = look(log)
    assert found.rows == ()
    assert why in found.why


def test_more_people_that_the_environment_asks_for_since_are_asked_for(log: Log):
    ask(log, 1)
    approve(log, "ada")
    assert "only 1 have approved it" in look(log, Environment(name="production", approvals=2)).why


def test_a_name_that_is_not_proven_does_not_count_where_it_is_guarded(log: Log):
    where = Environment(name="production", guarded=True)
    approve(log, "ada", proof="unverified")
    assert look(log).by == ["ada"]
    assert look(log, where).rows == ()
    approve(log, "ada", proof="totp")
    assert look(log, where).by == ["ada"]


def test_a_run_is_let_through_by_its_own_approval(log: Log):
    approve(log, "ada")
    assert look(log, run="run").rows
    assert look(log, run="other").rows == ()


def test_an_approval_is_found_in_the_database_or_in_the_copy_and_is_what_was_written(log: Log):
    approve(log, "ada")
    said = log.store.path.read_text("utf-8")
    log.store.path.write_text(said.replace("ada", "eve"), "utf-8")
    assert look(log).by == ["ada"], "the database has it"
    log.store.path.unlink()
    assert look(log).by == ["ada"]

    log.connection.execute("drop table runbooks.audit_log")
    log.store.path.write_text(said, "utf-8")
    assert look(log).by == ["ada"], "the copy has it"
    assert "does not fit the key" in look(replace(log, key="another")).why
    log.store.path.write_text(said.replace("ada", "eve"), "utf-8")
    assert "does not fit the key" in look(log).why
    log.store.path.write_text("no row\n{}\n", "utf-8")
    assert look(log).rows == ()


def test_a_rejection_that_only_the_copy_has_counts(log: Log, shaped_admin: str):
    approve(log, "ada")
    say(log, "rejected", "grace")
    with database.connect(shaped_admin, writes=True) as admin:
        admin.execute("alter table runbooks.audit_log disable trigger append_only")
        admin.execute("delete from runbooks.audit_log where event = 'rejected'")
    assert "it was rejected" in look(log).why


def test_a_copy_that_cannot_be_read_is_named_and_the_database_goes_on(
    log: Log, monkeypatch: pytest.MonkeyPatch
):
    approve(log, "ada")

    def unread(_: Store) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Store, "lines", unread)
    assert look(log).by == ["ada"]
    assert "production.jsonl cannot be read (Permission denied)" in look(log, run="other").why
