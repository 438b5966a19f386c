"""What an answer at a gate amounts to; every way around it is a test that does not get through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyotp.totp import TOTP

from ops import approval
from ops.approval import Given, Policy, Standing
from ops.audit import Event, Row
from ops.people import Person

NOON = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
SEEDS = {name: (name.upper() + "FAKESEED" * 4)[:32] for name in ("ada", "grace", "linus")}
PEOPLE = {name: Person(seed=seed, since=NOON) for name, seed in SEEDS.items()}
EYES = Policy(PEOPLE, four_eyes=True)
PLAIN = Policy(PEOPLE)


def code(name: str, at: datetime = NOON) -> str:
    return TOTP(SEEDS[name.strip().casefold()]).at(at)


def decision(name: str, said: str = "approve", at: datetime = NOON, **more: Any) -> dict[str, Any]:
    return {"decision": said, "approver": name, "code": code(name, at), **more}


class Gate:
    """One run's gate as the gatekeeper fills its record."""

    def __init__(self, policy: Policy, *, window: timedelta = timedelta(hours=1)) -> None:
        self.policy = policy
        self.record: list[Row] = []
        self.used: set[tuple[str, int]] = set()
        details = {"ask": "1-1", "expires": (NOON + window).isoformat(), "policy": policy.digest}
        self._keep(Event("asked", "production", details=details), NOON - timedelta(minutes=1))

    def answer(self, said: dict[str, Any], at: datetime = NOON) -> str:
        given = Given(f"1-{len(self.record)}", at, said)
        event = approval.judge(given, self.policy, self.record, now=max(at, NOON), used=self.used)
        if "step" in event.details:
            self.used.add((event.actor, event.details["step"]))
        self._keep(event, at)
        return event.event

    @property
    def standing(self) -> Standing:
        return approval.standing(self.record, self.policy)

    def _keep(self, event: Event, at: datetime) -> None:
        columns = {name: getattr(event, name) for name in Event.__dataclass_fields__}
        self.record.append(Row(id=len(self.record) + 1, at=at, previous="", hash="", **columns))


def test_a_right_approval_gets_through():
    gate = Gate(PLAIN)
    assert gate.answer(decision(" Ada ")) == "approved"
    assert (gate.standing.status, gate.standing.by) == ("approved", ("ada",))


def test_who_asks_proves_a_name_and_somebody_else_approves():
    gate = Gate(EYES)
    assert gate.standing.wants_requester
    assert gate.answer({"requester": "ada", "code": code("ada")}) == "requested"
    assert not gate.standing.wants_requester
    assert gate.answer(decision("grace")) == "approved"
    assert (gate.standing.requester, gate.standing.by) == ("ada", ("grace",))


def test_an_approval_before_anybody_has_asked_is_none():
    gate = Gate(EYES)
    assert gate.answer(decision("grace")) == "mistaken"
    assert gate.standing.status == "open"


def test_who_asked_does_not_approve():
    gate = Gate(EYES)
    gate.answer({"requester": "ada", "code": code("ada")})
    later = NOON + timedelta(minutes=1)
    assert gate.answer(decision("ADA", at=later), later) == "mistaken"
    assert gate.standing.status == "open"
    assert "somebody else" in gate.standing.why


def test_a_quorum_is_of_different_people():
    gate = Gate(replace(PLAIN, approvals=2))
    gate.answer(decision("ada"))
    later = NOON + timedelta(minutes=1)
    assert gate.answer(decision("ada", at=later), later) == "mistaken"
    assert gate.standing.status == "open"
    assert gate.answer(decision("grace", at=later), later) == "approved"
    assert gate.standing.by == ("ada", "grace")


@pytest.mark.parametrize(
    "said",
    [
        {"code": "000000"},
        {"code": ""},
        {"code": code("grace")},
        {"code": code("ada", NOON - timedelta(minutes=10))},
        {"code": code("ada", NOON + timedelta(minutes=10))},
        {"approver": "mallory"},
        {"approver": ""},
        {"approver": "x" * 100},
        {"code": 123456},
    ],
)
def test_a_wrong_name_or_code_is_a_mistake(said: dict[str, Any]):
    gate = Gate(PLAIN)
    assert gate.answer({**decision("ada"), **said}) == "mistaken"
    assert gate.standing.status == "open"


@pytest.mark.parametrize("beside", [-30, 0, 30])
def test_a_code_of_the_half_minute_beside_is_good(beside: int):
    gate = Gate(PLAIN)
    assert (
        gate.answer({**decision("ada"), "code": code("ada", NOON + timedelta(seconds=beside))}) == "approved"
    )


def test_a_code_is_good_once():
    gate, other = Gate(replace(PLAIN, approvals=2)), Gate(PLAIN)
    gate.answer(decision("ada"))
    other.used = gate.used
    assert other.answer(decision("ada")) == "mistaken"
    assert "used already" in other.standing.why
    later = NOON + timedelta(minutes=1)
    assert other.answer(decision("ada", at=later), later) == "approved"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"decision": "approve"},
        {"decision": "approve", "approver": "ada"},
        {**decision("ada"), "verified": True},
        {**decision("ada"), "decision": "approved"},
        {**decision("ada"), "decision": "break-glass"},
        {"answer": "approve"},
        {"requester": "ada", "code": code("ada")},
    ],
    ids=str,
)
def test_an_answer_with_other_fields_is_a_mistake(said: dict[str, Any]):
    gate = Gate(PLAIN)
    assert gate.answer(said) == "mistaken"
    assert gate.standing.status == "open"


def test_an_answer_after_the_window_closes_the_gate():
    gate = Gate(PLAIN, window=timedelta(minutes=5))
    late = NOON + timedelta(minutes=6)
    assert gate.answer(decision("ada", at=late), late) == "expired"
    assert gate.standing.status == "denied"


@pytest.mark.parametrize("moved", [timedelta(minutes=-10), timedelta(days=-1)])
def test_an_answer_from_before_the_question_is_none(moved: timedelta):
    gate = Gate(PLAIN)
    assert gate.answer(decision("ada", at=NOON + moved), NOON + moved) == "mistaken"


def test_an_answer_from_the_future_is_none():
    gate = Gate(PLAIN)
    given = Given("1-1", NOON + timedelta(minutes=5), decision("ada", at=NOON + timedelta(minutes=5)))
    event = approval.judge(given, PLAIN, gate.record, now=NOON, used=())
    assert event.event == "mistaken"


def test_a_rejection_takes_a_reason_and_is_final():
    gate = Gate(PLAIN)
    assert gate.answer(decision("ada", "reject")) == "mistaken"
    assert gate.answer(decision("ada", "reject", note="not on a Friday")) == "rejected"
    assert gate.standing.status == "denied"
    assert "not on a Friday" in gate.standing.why
    later = NOON + timedelta(minutes=1)
    gate.answer(decision("grace", at=later), later)
    assert gate.standing.status == "denied"


def test_a_rejection_by_nobody_in_particular_does_not_count():
    gate = Gate(PLAIN)
    assert gate.answer({**decision("ada", "reject", note="no"), "code": "000000"}) == "mistaken"
    assert gate.standing.status == "open"


def test_glass_is_broken_alone_where_there_is_some_and_with_a_reason():
    gate = Gate(replace(EYES, break_glass=True))
    gate.answer({"requester": "ada", "code": code("ada")})
    later = NOON + timedelta(minutes=1)
    assert gate.answer(decision("ada", "break-glass", at=later), later) == "mistaken"
    said = decision("ada", "break-glass", at=later, note="checkout is down, nobody answers")
    assert gate.answer(said, later) == "break-glass"
    assert (gate.standing.status, gate.standing.broken) == ("approved", True)


def test_names_are_unverified_where_nobody_is_enrolled():
    gate = Gate(Policy({}, four_eyes=True))
    assert not gate.standing.wants_requester
    assert gate.answer({"decision": "approve", "approver": "somebody"}) == "approved"
    assert gate.record[-1].proof == "unverified"
