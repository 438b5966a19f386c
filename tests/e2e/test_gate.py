"""The gate through a real Prefect server and worker: a right approval gets through, and nothing else does."""

from __future__ import annotations

import shutil
from pathlib import Path
from uuid import UUID

import pytest

from tests import fix_app, fix_gate
from tests.fix_gate import PATIENCE, PAUSE, Gate
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


def test_somebody_else_approves_exactly_this_plan(gate: Gate):
    gate.configure(four_eyes=True)
    run = gate.start()
    assert "Who asks for: keep on production?" in gate.question(run)
    gate.request(run)
    assert "ada asks for it" in gate.question(run)
    gate.decide(run)
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]
    decided = [("asked", ""), ("requested", "ada"), ("asked", ""), ("approved", "grace")]
    assert gate.events() == [*decided, ("ended", "")]


def test_a_rejection_ends_the_run_with_its_reason(gate: Gate):
    run = gate.start()
    gate.decide(run, decision="reject", note="not on a Friday")
    assert gate.ended(run) == "Rejected"
    state = gate.read(run).state
    assert state is not None
    assert state.type.value == "CANCELLED"
    assert "rejected by grace: not on a Friday" in gate.message(run)
    assert gate.kept() == []

    gate.retry(run)
    assert gate.ended(run) == "Rejected", "a retry does not ask again"
    assert gate.kept() == []


def test_a_mistyped_code_is_asked_for_again_and_three_close_the_gate(gate: Gate):
    run = gate.start()
    for left in (2, 1):
        gate.decide(run, code="000000")
        gate.waiting(run)
        assert f"{left} more, then the gate closes" in gate.question(run)
    gate.decide(run, code="000000")
    assert gate.ended(run) == "Rejected"
    assert "closed after 3 answers" in gate.message(run)
    assert gate.kept() == []


def test_a_form_that_is_not_filled_in_is_not_taken(gate: Gate):
    run = gate.start()
    good = {"decision": "approve", "approver": "grace", "code": gate.code("grace")}
    for wrong in ({}, {**good, "decision": "yes"}, {"decision": "approve"}, {**good, "verified": "yes"}):
        assert gate.given(run, **wrong) != "ACCEPT", wrong
    assert gate.state(run) == "Suspended"
    gate.decide(run)
    assert gate.ended(run) == "Completed"


def test_who_asked_does_not_approve_and_nobody_counts_twice(gate: Gate):
    gate.configure(four_eyes=True, approvals=2)
    run = gate.start()
    gate.request(run)
    gate.decide(run, "grace")
    gate.waiting(run)
    assert "1 of 2 approvals (grace)" in gate.question(run)
    gate.decide(run, "ada")
    gate.waiting(run)
    assert "ada asked for this, so somebody else approves it" in gate.question(run)
    gate.decide(run, "grace")
    gate.waiting(run)
    assert "grace has approved already" in gate.question(run)
    gate.decide(run, "linus")
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]


@pytest.mark.parametrize("file", ["change.txt", "production.txt"])
def test_a_plan_that_was_changed_meanwhile_is_asked_about_anew(gate: Gate, file: str):
    run = gate.start()
    (gate.root / file).write_text("something else\n")
    gate.decide(run)
    gate.waiting(run)
    assert gate.state(run) == "Suspended"
    assert gate.kept() == []
    gate.decide(run, "linus")
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]


def test_a_code_opens_one_gate(gate: Gate):
    first, second = gate.start(), gate.start()
    code = gate.code("grace")
    # Rejected, so that nothing is done and the second plan is still the one that was asked about.
    gate.decide(first, decision="reject", code=code, note="not today")
    assert gate.ended(first) == "Rejected"
    gate.decide(second, code=code)
    gate.waiting(second)
    assert "the code of grace was used already" in gate.question(second)
    assert gate.kept() == []


def test_two_runs_of_a_plan_approved_at_once_act_once(gate: Gate):
    runs = [gate.start(), gate.start()]
    for run, name in zip(runs, ("grace", "linus"), strict=True):
        said = {"decision": "approve", "approver": name, "code": gate.code(name), "note": ""}
        wait_until(
            lambda run=run, said=said: gate.given(run, **said) == "ACCEPT", seconds=PATIENCE, pause=PAUSE
        )
    wait_until(lambda: gate.settled(runs), seconds=PATIENCE, pause=PAUSE)
    assert len(gate.kept()) == 1


@pytest.mark.parametrize(
    "said", [{"decision": "approve"}, {"decision": "approve", "approver": "grace", "ok": True}]
)
def test_an_answer_that_is_written_past_the_form_is_none(gate: Gate, said: dict[str, object]):
    run = gate.start()
    # The code is right, so that it is the missing or the extra field that counts.
    gate.smuggle(run, {**said, "code": gate.code("grace")})
    gate.waiting(run)
    assert gate.kept() == []
    assert gate.state(run) in ("Suspended", "Failed", "Rejected")


@pytest.mark.parametrize("state", ["Running", "Completed"])
def test_a_state_that_is_set_by_hand_opens_nothing_and_only_a_retry_asks_anew(gate: Gate, state: str):
    run = gate.start()
    gate.set_state(run, state)
    later = gate.start()
    assert gate.state(later) == "Suspended", "the worker has taken up what came after"
    assert gate.state(run) == state
    assert gate.given(run, **gate.typed("grace")) == "ABORT"
    nothing_was_opened(gate)
    gate.retry(run)
    asked_anew(gate, run)


def test_a_run_that_is_scheduled_by_hand_asks_anew(gate: Gate):
    run = gate.start()
    gate.set_state(run, "Scheduled")
    later = gate.start()
    assert gate.state(later) == "Suspended", "the worker has taken up what came after"
    asked_anew(gate, run)


def asked_anew(gate: Gate, run: UUID) -> None:
    """Check that a run waits for an answer, and goes on with a right one."""
    gate.waiting(run)
    assert "Approve keep on production?" in gate.question(run)
    nothing_was_opened(gate)
    gate.decide(run)
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]


def nothing_was_opened(gate: Gate) -> None:
    assert gate.kept() == []
    assert "approved" not in {event for event, _ in gate.events()}


def test_a_resume_after_the_window_is_too_late(gate: Gate):
    gate.configure(approval_window="PT4S")
    run = gate.start()
    assert gate.ended(run) == "Failed"
    assert gate.given(run, decision="approve", approver="grace", code=gate.code("grace")) != "ACCEPT"
    gate.configure(approval_window="PT1H")
    gate.start()
    assert [event for event, _ in gate.events()] == ["asked", "lapsed", "asked"]
    assert gate.kept() == []


def test_glass_is_broken_with_a_reason_and_everybody_is_told(gate: Gate):
    gate.configure(four_eyes=True, break_glass=True, notify=f"file:{gate.secrets}/webhook")
    run = gate.start()
    wait_until(
        lambda: any("Who asks for: keep on production?" in text for text in gate.told), seconds=PATIENCE
    )
    gate.request(run)
    gate.decide(run, "linus", "break-glass")
    gate.waiting(run)
    assert "to break the glass takes a reason" in gate.question(run)
    gate.wait_for_next_code()
    gate.decide(run, "ada", "break-glass", note="checkout is down and nobody answers")
    assert gate.ended(run) == "Completed"
    assert ("break-glass", "ada") in gate.events()
    assert any("ada broke the glass" in text for text in gate.told)


def test_a_right_approval_survives_a_redeploy_of_changed_code(gate: Gate, tmp_path: Path):
    """What comes after the gate is done by the new code, and nobody is asked again."""
    run = gate.start()
    copy = tmp_path / "new"
    shutil.copytree(gate.stack.root / "tests" / "gate", copy / "tests" / "gate")
    for name in ("ops", "tasks", "flows", "deployments"):
        (copy / name).symlink_to(gate.stack.root / name)
    code = copy / "tests" / "gate" / "runbook.py"
    changed = code.read_text().replace('plan.content["file"]))', '"kept by the new code"))')
    assert changed != code.read_text()
    code.write_text(changed)
    fix_gate.deploy(gate.stack, root=copy)
    try:
        gate.decide(run)
        assert gate.ended(run) == "Completed"
    finally:
        fix_gate.deploy(gate.stack)
    assert fix_app.ask(gate.dsn, "select text from public.kept") == [("kept by the new code",)]
    assert [event for event, _ in gate.events()] == ["asked", "approved", "ended"]


def test_what_was_approved_is_not_asked_for_again_after_a_crash(gate: Gate):
    """The act breaks after the approval; the retry goes on from there."""
    run = gate.start()
    gate.break_act()
    gate.decide(run)
    assert gate.ended(run) == "Failed"
    gate.mend_act()
    gate.retry(run)
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]
    assert [event for event, _ in gate.events()] == ["asked", "approved", "ended", "ended"]
    assert gate.outcomes() == [(False, "broken"), (True, "completed")]
