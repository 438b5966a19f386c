"""The gate of one run on a real database: asked, answered, killed and gone on with."""

from __future__ import annotations

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import database, embedded, errors, gatekeeper, people, reviews
from ops.approval import Given
from ops.audit import Log, Row
from ops.project import Environment
from ops.proposal import Proposal
from tests import fix_postgres, fix_repository
from tests.fix_people import Site
from tests.polling import wait_until


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Site:
    return Site(tmp_path, monkeypatch, shaped)


def passed(site: Site, **where: Any) -> list[Given]:
    """Let a run through its gate, each answer in a pass of its own, and return the answers."""
    answers: list[Given] = []
    for key, name, decision in (("1-1", "ada", ""), ("1-2", "grace", "approve")):
        with site.open(**where) as gate:
            gate.consider(answers)
            gate.ask(key)
        answers.append(site.given(key, name, decision))
    return answers


def test_an_approval_is_asked_for_given_and_kept(production: Site):
    answers = passed(production)
    with production.open() as gate:
        assert gate.consider(answers).status == "approved"
        found = gate.approved()
    assert (found.requester, found.by, found.proof) == ("ada", ("grace",), "totp")
    assert production.rows() == [("asked", ""), ("requested", "ada"), ("asked", ""), ("approved", "grace")]


def test_an_approval_that_somebody_has_written_into_the_log_opens_nothing(
    production: Site, shaped_admin: str
):
    production.change(four_eyes=False)
    with production.open() as gate:
        gate.ask("1-1")
        with database.connect(shaped_admin, writes=True) as admin:
            admin.execute(
                "insert into runbooks.audit_log select id + 1, at, 'approved', environment, run, gate, plan_digest,"
                " 'ada', 'totp', '', '{\"answer\": \"x\"}', hash, repeat('0', 64) from runbooks.audit_log"
            )
        assert gate.standing().status == "open"
        gate.ask("1-2")
        assert gate.consider([production.given("1-2", "grace", "approve")]).by == ("grace",)
        assert gate.approved().by == ("grace",)


def test_the_commit_that_was_asked_about_is_in_the_log(production: Site):
    fix_repository.git(production.root, "init", "-q", "-b", "main", ".")
    fix_repository.committed(production.root)
    with production.open() as gate:
        gate.ask("1-1")
        (asked,) = gate.record.rows()
    assert asked.details["commit"] == fix_repository.git(production.root, "rev-parse", "HEAD").strip()


def test_a_pass_that_comes_again_changes_nothing(production: Site):
    answers = passed(production)
    for _ in range(3):
        with production.open() as gate:
            assert gate.consider(answers).status == "approved"
    assert len(production.rows()) == 4


def test_a_crash_does_not_burn_a_code(production: Site, monkeypatch: pytest.MonkeyPatch):
    answers = passed(production)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, production.open() as gate:
        dying.setattr(gate.record, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            gate.consider(answers)
    with production.open() as gate:
        assert gate.consider(answers).status == "approved"


@pytest.mark.parametrize("other", [{"run": "another"}, {"plan": "b" * 64}, {"gate": "rollback"}])
def test_an_approval_of_another_run_plan_or_gate_is_none(production: Site, other: dict[str, str]):
    answers = passed(production)
    with production.open() as gate:
        gate.consider(answers)
        assert gate.standing().status == "approved"
    with production.open(**other) as gate:
        assert gate.standing().status == "open"
        gate.ask("1-1")
        # The same codes, whatever half minute it is by now.
        again = [replace(answer, at=datetime.now(UTC)) for answer in answers]
        assert gate.consider(again).status == "open", "their codes were used elsewhere"


def test_two_runs_of_one_plan_take_two_codes(production: Site):
    first = passed(production, run="first")
    with production.open("first") as gate:
        assert gate.consider(first).status == "approved"
    with production.open("second") as gate:
        gate.ask("1-1")
        found = gate.consider([replace(first[0], at=first[0].at + timedelta(seconds=1))])
    assert found.status == "open"
    assert "used already" in found.why


def test_a_code_that_two_use_at_once_is_used_by_one(production: Site, monkeypatch: pytest.MonkeyPatch):
    """Between looking and writing somebody else was quicker."""
    first, second = passed(production, run="first"), passed(production, run="second")
    # One and the same code for both, whether or not a half minute has ended meanwhile.
    second = [replace(answer, said=used.said) for answer, used in zip(second, first, strict=True)]
    with production.open("first") as gate:
        gate.consider(first)
    with production.open("second") as gate:
        monkeypatch.setattr(gate.record, "used", set)
        assert gate.consider(second[:1]).status == "open"
        assert "used already" in gate.standing().why


@pytest.mark.parametrize("shared", ["store", "seed"])
def test_a_code_that_opened_one_environment_opens_no_other(
    production: Site, server: embedded.Server, tmp_path: Path, shared: str
):
    """Two databases, so two audit logs: neither knows what the other one says."""
    production.change(four_eyes=False)
    store = Path(str(production.environment.approvers).removeprefix("file:"))
    if shared == "seed":
        copy = tmp_path / "other" / "approvers.json"
        copy.parent.mkdir(mode=0o700)
        shutil.copy(store, copy)
        store = copy
    with fix_postgres.fresh_database(server) as name:
        (tmp_path / "dsn").write_text(server.dsn(name))
        told = {"name": "staging", "database": f"file:{tmp_path / 'dsn'}", "approvers": f"file:{store}"}
        answer = production.given("1-1", "grace", "approve")
        with production.open("first") as gate:
            gate.ask("1-1")
            now = replace(answer, at=datetime.now(UTC))
            assert gate.consider([now]).status == "approved"
        production.change(**told)
        with production.open("second") as gate:
            gate.ask("1-1")
            found = gate.consider([replace(answer, at=datetime.now(UTC))])
            assert (found.status, found.mistakes) == ("open", 1)
            assert "used already" in found.why
            assert gate.consider([replace(answer, key="1-2")]).mistakes == 2, "asked once more, it stays used"


def test_a_broken_glass_lets_nothing_else_through_before_its_review(production: Site):
    production.change(four_eyes=False, break_glass=True)
    with production.open("first") as gate:
        gate.ask("1-1")
        glass = production.given("1-1", "ada", "break-glass", note="everybody else is asleep")
        assert gate.consider([glass]).broken
    with production.open("first") as gate:
        assert gate.standing().status == "approved", "its own run goes on"
    with production.open("second") as gate:
        gate.ask("1-1")
        answer = production.given("1-1", "grace", "approve")
        found = gate.consider([answer])
        assert (found.status, found.mistakes) == ("open", 1)
        assert "audit review 2 --environment production" in found.why
        gate.ask("1-2")
        again = production.given("1-2", "linus", "break-glass", note="it is still burning here")
        assert gate.consider([answer, again]).broken
    production.change(break_glass=False)
    with pytest.raises(errors.Refused, match="ada broke the glass of promote"), production.open("third"):
        pass


def test_a_reviewed_glass_lets_the_next_through(production: Site):
    production.change(four_eyes=False, break_glass=True)
    with production.open("first") as gate:
        gate.ask("1-1")
        gate.consider([production.given("1-1", "ada", "break-glass", note="everybody else is asleep")])
    with database.connect(production.dsn) as connection:
        log = Log.of(production.environment, production.root, connection)
        code = production.code("grace", datetime.now(UTC))
        reviews.review(production.environment, log, 2, name="grace", code=code, note="it was right")
    with production.open("second") as gate:
        gate.ask("1-1")
        assert gate.consider([production.given("1-1", "linus", "approve")]).status == "approved"


def test_a_rejection_is_final_for_the_run(production: Site):
    with production.open() as gate:
        answers = passed(production)[:1]
        gate.consider([*answers, production.given("1-2", "linus", "reject", note="not today")])
        assert gate.standing().status == "denied"
    with production.open() as gate:
        later = production.given("2-1", "grace", "approve")
        assert gate.consider([*answers, later]).status == "denied"
        assert gate.standing().why == "rejected by linus: not today"


def test_three_mistakes_close_the_gate(production: Site):
    wrong = {"requester": "ada", "code": "000000"}
    with production.open() as gate:
        for number in range(1, 4):
            gate.ask(f"1-{number}")
            assert gate.standing().status == "open"
            gate.consider([Given(f"1-{number}", datetime.now(UTC), wrong)])
        assert gate.standing().status == "denied"
        gate.consider([production.given("1-4", "ada")])
        assert gate.standing().status == "denied"
    assert [event for event, _ in production.rows()][-1] == "closed"


def test_clocks_that_disagree_judge_nothing(production: Site):
    answers = passed(production)
    with production.open() as gate:
        with pytest.raises(errors.Refused, match="600 s apart"):
            gate.consider(answers, clock=datetime.now(UTC) - timedelta(minutes=10))
        assert gate.consider(answers, clock=datetime.now(UTC)).status == "approved"


def test_a_code_stays_used_when_the_database_is_restored_to_before(production: Site, shaped_admin: str):
    answers = passed(production)
    with production.open() as gate:
        gate.consider(answers)
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute("drop table runbooks.audit_log")
        connection.execute("drop function runbooks.refuse_change()")
    with production.open() as gate:
        gate.ask("1-1")
        gate.ask("1-2")
        assert gate.consider(answers).status == "open"


def test_a_question_that_nobody_answered_is_closed_by_whoever_comes_next(production: Site):
    production.change(approval_window=timedelta(milliseconds=1))
    with production.open() as gate:
        gate.ask("1-1")
    with production.open("next"):
        pass
    with production.open("after"):
        pass
    assert [event for event, _ in production.rows()] == ["asked", "lapsed"]


def test_an_answer_in_time_counts_after_the_window(production: Site):
    """The worker was away when the answer came, and somebody has closed the question meanwhile."""
    production.change(approval_window=timedelta(seconds=1), four_eyes=False)
    with production.open() as gate:
        gate.ask("1-1")
        answer = production.given("1-1", "ada", "approve")
        expires = gate.ask("1-1")
    wait_until(lambda: datetime.now(UTC) > expires, seconds=10)
    with production.open("next"):
        pass
    with production.open() as gate:
        assert gate.consider([answer]).status == "approved"


def test_a_question_is_written_down_once(production: Site):
    with production.open() as gate:
        until = gate.ask("1-1")
    with production.open() as gate:
        assert gate.ask("1-1") == until
    assert len(production.rows()) == 1


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"database": None, "approvers": None}, "has no database in which a decision is kept"),
        ({"approvers": None}, "nobody is enrolled"),
        ({"audit_key": None}, "audit log has no key"),
        ({"database": None}, "has approvers and no database"),
        ({"approvers": "file:/nowhere/approvers.json", "guarded": False}, "approvers.json is not there"),
        ({"approvers": "env:NOBODY", "guarded": False}, "nobody is enrolled in it"),
        ({"approvals": 3}, "4 different people and 3 are enrolled"),
    ],
)
def test_what_an_environment_lacks_is_refused(
    production: Site, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], match: str
):
    monkeypatch.setenv("NOBODY", '{"people": {}}')
    production.change(**said)
    with pytest.raises(errors.Refused, match=match), production.open():
        pass


def test_a_run_that_cannot_wait_is_refused_where_it_is_guarded(production: Site):
    with pytest.raises(errors.Refused, match="cannot wait for a decision"), production.open(suspends=False):
        pass
    production.change(guarded=False)
    with production.open(suspends=False) as gate:
        assert gate.standing().status == "open"


def test_without_people_or_database_a_name_is_unverified(tmp_path: Path):
    proposal = Proposal("go", Environment(name="demo"), tmp_path, "c" * 64, "A demo.", "# Plan")
    with gatekeeper.opened(proposal, "run", suspends=True) as gate:
        said = {"decision": "approve", "approver": "somebody"}
        assert gate.consider([Given("1-1", datetime.now(UTC), said)]).status == "approved"
        assert gate.approved().proof == "unverified"


def test_what_is_kept_says_who_and_what(production: Site):
    answers = passed(production)
    with production.open() as gate:
        gate.consider(answers)
        rows: list[Row] = list(gate.record.rows())
    assert [row.proof for row in rows] == ["none", "totp", "none", "totp"]
    assert rows[0].details["summary"] == "One migration."
    assert all("code" not in row.details for row in rows)


LOOSER = [
    {"approvals": 1},
    {"four_eyes": False},
    {"break_glass": True},
    {"guarded": False},
]


@pytest.mark.parametrize("looser", LOOSER, ids=str)
def test_rules_that_are_loosened_between_question_and_answer_are_asked_about_anew(
    production: Site, looser: dict[str, Any]
):
    production.change(approvals=2)
    answers = passed(production)
    with production.open() as gate:
        assert gate.consider(answers).by == ("grace",)
        gate.ask("1-3")
    production.change(**looser)
    answers.append(production.given("1-3", "linus", "approve"))
    with production.open() as gate:
        found = gate.consider(answers)
        assert (found.status, found.by, found.requester, found.mistakes) == ("open", (), "", 0)
        assert "rules or people have changed" in found.why
        gate.ask("1-3")
        gate.ask("1-4")
        rows = [row for row in gate.record.rows() if row.event == "asked"]
    assert rows[-1].details["rules"].items() >= looser.items()


def test_rules_that_are_loosened_do_not_open_a_gate_that_waits(production: Site):
    production.change(approvals=2)
    answers = passed(production)
    with production.open() as gate:
        assert gate.consider(answers).status == "open"
    production.change(approvals=1)
    with production.open() as gate:
        assert gate.standing().status == "open"
    production.change(approvals=2)
    with production.open() as gate:
        assert gate.standing().by == ("grace",)


def test_who_is_enrolled_after_the_question_does_not_answer_it(production: Site):
    production.change(four_eyes=False)
    with production.open() as gate:
        gate.ask("1-1")
    people.add(production.environment.approvers, "mallory", environment="production", now=datetime.now(UTC))
    answer = production.given("1-1", "mallory", "approve")
    with production.open() as gate:
        assert gate.consider([answer]).status == "open"
        gate.ask("1-2")
        assert gate.consider([answer, production.given("1-2", "ada", "approve")]).status == "approved"


def test_a_rejection_is_final_under_any_rules(production: Site):
    production.change(four_eyes=False)
    with production.open() as gate:
        gate.ask("1-1")
        gate.consider([production.given("1-1", "linus", "reject", note="no")])
    production.change(approvals=2)
    with production.open() as gate:
        assert gate.standing().status == "denied"


def test_a_code_is_not_good_again_when_the_clocks_are_set_back(production: Site):
    production.change(four_eyes=False)
    with production.open("first") as gate:
        gate.ask("1-1")
        first = production.given("1-1", "ada", "approve")
        assert gate.consider([first]).status == "approved"
    with production.open("second") as gate:
        gate.ask("1-1")
        back = replace(first, at=datetime.now(UTC) - timedelta(minutes=5))
        assert gate.consider([back]).status == "open"
        gate.ask("1-2")
        assert gate.consider([back, replace(first, key="1-2")]).status == "open"
        assert "used already" in gate.standing().why


@pytest.mark.parametrize("name", ["approvers", "audit_key"])
def test_what_proves_a_decision_is_not_kept_among_the_projects_files(production: Site, name: str):
    kept = production.root / "secrets" / "kept"
    kept.parent.mkdir()
    kept.touch(mode=0o600)
    (production.root.parent / "outside").symlink_to(kept.parent)
    for path in (kept, production.root.parent / "outside" / "kept"):
        production.change(**{name: f"file:{path}"})
        with pytest.raises(errors.Refused, match="lies in the project's folder"), production.open():
            pass


def test_two_runs_of_one_plan_approved_at_once_are_each_judged_once(production: Site):
    production.change(four_eyes=False)
    given = {"first": "ada", "second": "grace"}
    for run in given:
        with production.open(run) as gate:
            gate.ask("1-1")
    answers = {run: [production.given("1-1", name, "approve")] for run, name in given.items()}
    begin = threading.Barrier(4)

    def judge(run: str) -> str:
        with production.open(run) as gate:
            begin.wait(30)
            return gate.consider(answers[run]).status

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(judge, [*given, *given])) == {"approved"}
    decided = [("approved", "ada"), ("approved", "grace"), ("asked", ""), ("asked", "")]
    assert sorted(production.rows()) == decided
