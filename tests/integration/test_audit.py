"""The audit log: it grows and never changes, and whoever changes it all the same is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ops import audit_proof, database, errors, secrets
from ops.audit import Event, Log
from ops.audit_store import Store

KEY = "a-fake-key-for-tests"


@pytest.fixture
def log(shaped: str, tmp_path: Path):
    with database.connect(shaped) as connection:
        made = Log(connection, KEY, Store(tmp_path / "audit" / "production.jsonl"))
        made.prepare()
        yield made


@pytest.fixture
def three(log: Log) -> Log:
    for number in range(1, 4):
        log.append(
            Event("approved", "production", "run", "promote", f"plan{number}", actor="ada", note=f"n{number}")
        )
    return log


def findings(log: Log) -> str:
    return "; ".join(str(row["finding"]) for row in audit_proof.verify(log).rows)


def by_superuser(log: Log, admin: str, statement: str) -> None:
    """Do what somebody can do who can do anything."""
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("alter table runbooks.audit_log disable trigger append_only")
        connection.execute(sql.SQL(statement))  # pyright: ignore[reportArgumentType]
        connection.execute("alter table runbooks.audit_log enable always trigger append_only")


def test_what_was_written_is_whole(three: Log):
    found = audit_proof.verify(three)
    assert found.ok, found
    assert [row.id for row in three.rows()] == [1, 2, 3]
    assert [json.loads(line)["note"] for line in three.store.lines()] == ["n1", "n2", "n3"]


def test_preparing_twice_changes_nothing(three: Log):
    three.prepare()
    assert audit_proof.verify(three).ok


@pytest.mark.parametrize(
    "statement",
    [
        "update runbooks.audit_log set actor = 'grace' where id = 2",
        "delete from runbooks.audit_log where id = 3",
        "truncate runbooks.audit_log",
        "update runbooks.audit_log set id = 9 where false",
    ],
)
@pytest.mark.parametrize("role", ["owner", "replica"])
def test_a_change_is_refused(three: Log, shaped_admin: str, statement: str, role: str):
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        if role == "replica":
            connection.execute("set session_replication_role = replica")
        with pytest.raises(psycopg.Error, match="append-only") as raised:
            connection.execute(sql.SQL(statement))  # pyright: ignore[reportArgumentType]
    assert raised.value.sqlstate == "RB002"
    assert audit_proof.verify(three).ok


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update runbooks.audit_log set actor = 'grace' where id = 2", "row 2 in the database was changed"),
        (
            "update runbooks.audit_log set at = at - interval '1 hour' where id = 3",
            "row 3 in the database was changed",
        ),
        (
            "update runbooks.audit_log set details = '{\"step\": 1}' where id = 1",
            "row 1 in the database was changed",
        ),
        ("delete from runbooks.audit_log where id = 2", "row 2 is missing in the database"),
        (
            "delete from runbooks.audit_log where id = 3",
            "row 3 (approved by ada) is in the copy and not in the database",
        ),
        ("truncate runbooks.audit_log", "row 1 (approved by ada) is in the copy and not in the database"),
    ],
)
def test_a_superuser_is_found(three: Log, shaped_admin: str, statement: str, said: str):
    by_superuser(three, shaped_admin, statement)
    assert said in findings(three)


def test_a_superuser_who_recomputes_is_found_by_the_copy(three: Log, shaped_admin: str):
    """Even one who knows the key."""
    rows = three.rows()
    by_superuser(three, shaped_admin, "delete from runbooks.audit_log")
    forged = Log(three.connection, KEY, Store(three.store.path.with_name("forged.jsonl")))
    for row in rows:
        forged.append(Event(row.event, row.environment, row.run, row.gate, row.plan_digest, actor="mallory"))
    assert audit_proof.verify(forged).ok
    assert "row 1 in the database is not the one that was copied" in findings(three)


def test_a_superuser_without_the_key_is_found_without_the_copy(three: Log, shaped_admin: str):
    rows = three.rows()
    by_superuser(three, shaped_admin, "delete from runbooks.audit_log")
    three.store.path.unlink()
    forged = Log(three.connection, "guessed", Store(three.store.path))
    for row in rows:
        forged.append(Event(row.event, row.environment, row.run, row.gate, row.plan_digest, actor="mallory"))
    assert "no row in the database fits the key that audit_key names" in findings(three)


@pytest.mark.parametrize(
    "statement",
    [
        "drop trigger append_only on runbooks.audit_log",
        "alter table runbooks.audit_log disable trigger append_only",
        "alter table runbooks.audit_log enable trigger append_only",
        "create or replace function runbooks.refuse_change() returns trigger language plpgsql"
        " as 'begin return null; end'",
        "drop trigger append_only on runbooks.audit_log; create trigger append_only before update on runbooks.audit_log"
        " for each statement execute function runbooks.refuse_change()",
    ],
)
def test_a_guard_that_is_gone_is_found(three: Log, shaped_admin: str, statement: str):
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute(statement.encode())
    assert "the trigger that refuses changes" in findings(three)


def test_a_log_that_is_gone_is_found(three: Log, shaped_admin: str):
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute("drop table runbooks.audit_log")
    assert "row 3 (approved by ada) is in the copy and not in the database" in findings(three)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("ada", "eve", 1), "row 1 in the copy was changed"),
        (lambda text: text.split("\n", 1)[1], "row 1 is missing in the copy"),
        (lambda text: "nonsense\n" + text, "line 1 of the copy is no row"),
        (lambda text: "[" * 99_999 + "\n" + text, "line 1 of the copy is no row"),
        (lambda text: text.replace('"id": 1', '"id": "1"', 1), "line 1 of the copy is no row"),
        (lambda text: text.replace("ada", "\\ud800", 1), "row 1 in the copy was changed"),
        (lambda text: text.replace("ada", "eve", 2), "rows 1 to 2 in the copy were changed"),
    ],
)
def test_a_changed_copy_is_found(three: Log, change: Callable[[str], str], said: str):
    three.store.path.write_text(change(three.store.path.read_text("utf-8")), "utf-8")
    assert said in findings(three)


def test_a_copy_that_a_kill_left_behind_catches_up(three: Log):
    lines = three.store.path.read_text("utf-8").splitlines(keepends=True)
    three.store.path.write_text(lines[0] + lines[1][:20], "utf-8")
    found = audit_proof.verify(three)
    assert found.ok
    assert "2 rows behind" in found.summary
    three.append(Event("ended", "production"))
    assert [json.loads(line)["id"] for line in three.store.lines()] == [1, 2, 3, 4]
    assert audit_proof.verify(three).ok


def test_a_store_that_cannot_be_written_stops_everything(log: Log, tmp_path: Path):
    (tmp_path / "file").write_text("")
    blocked = Log(log.connection, KEY, Store(tmp_path / "file" / "production.jsonl"))
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        blocked.append(Event("approved", "production"))


def test_an_answer_is_judged_once_and_a_code_used_once(log: Log):
    said = {"answer": "1-1", "step": 5}
    log.append(Event("approved", "production", "run", "promote", "plan", actor="ada", details=said))
    for again in (
        Event("approved", "production", "run", "promote", "plan", actor="grace", details={"answer": "1-1"}),
        Event(
            "approved",
            "production",
            "other",
            "promote",
            "plan",
            actor="ada",
            details={"answer": "1-1", "step": 5},
        ),
    ):
        with pytest.raises(errors.Refused, match="already"):
            log.append(again)
    assert len(log.rows()) == 1


def test_texts_are_kept_as_they_may_be(log: Log):
    secrets.remember("sesame-open-fake")
    log.append(
        Event("approved", "production", note="a\0b sesame-open-fake ü" + "x" * 5000, details={"commit": "\0"})
    )
    (row,) = log.rows()
    assert row.note.startswith("ab ****** ü") or "sesame" not in row.note
    assert len(row.note) == 2000
    assert audit_proof.verify(log).ok


def test_a_login_that_may_not_make_the_log_is_told_what_to_do(shaped: str, tmp_path: Path):
    with database.connect(shaped) as connection:
        connection.execute("set role anon")
        log = Log(connection, KEY, Store(tmp_path / "production.jsonl"))
        with pytest.raises(errors.Refused, match="create schema if not exists runbooks"):
            log.prepare()


def test_two_at_once_make_one_chain(log: Log, shaped: str):
    with database.connect(shaped) as connection:
        other = Log(connection, KEY, log.store)
        for number in range(5):
            (log, other)[number % 2].append(Event("ended", "production", note=str(number)))
    assert audit_proof.verify(log).ok
    assert [row.note for row in log.rows()] == list("01234")


@pytest.mark.parametrize(
    "note",
    [
        "typed \\u0000 by hand",
        "\\",
        "a\0b\\u0000\\",
        "half \ud800 of a character",
        "\x1b[2J\u202e\x07",
        '"\\"\\u0000"',
    ],
    ids=ascii,
)
def test_nasty_texts_are_kept_without_what_no_server_takes(log: Log, note: str):
    log.append(Event("approved", "production", actor=note, note=note, details={note: [note, {"x": note}]}))
    (row,) = log.rows()
    kept = note.replace("\0", "").replace("\ud800", "?")
    assert (row.note, row.actor, row.details) == (kept, kept, {kept: [kept, {"x": kept}]})
    assert audit_proof.verify(log).ok


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "another-fake-key",
            "no row in the database fits the key that audit_key names: has it been rotated?",
        ),
        ("", "no row in the database fits having no key, and audit_key names none: has it"),
    ],
)
def test_a_key_that_is_another_one_or_missing_is_said(three: Log, key: str, said: str):
    assert said in audit_proof.verify(Log(three.connection, key, three.store)).summary


def test_a_key_that_was_rotated_on_the_way_is_said_with_its_rows(three: Log):
    later = Log(three.connection, "another-fake-key", three.store)
    later.append(Event("ended", "production"))
    assert "rows 1 to 3 in the database were changed, or hashed with another key" in findings(later)
    assert "row 4 in the database was changed, or hashed with another key" in findings(three)
