"""When a gate opens: what an answer must be, and what the answers so far amount to. Nothing here is done or written.

Source: design.md, section 5.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ops import people, proposal
from ops.audit import Event, Row
from ops.people import Person

MOST_MISTAKES = 3
# Between the clock of the server that stores an answer and the database's.
SKEW = timedelta(seconds=30)
SHORTEST_REASON = 10
USED = "the code of {} was used already; wait for the next one"
CHANGED = "the environment's rules or people have changed since the question, so it is asked anew"
FINAL = frozenset({"rejected", "closed", "expired"})
Status = Literal["open", "approved", "denied"]


class Answer(BaseModel):
    """What somebody who decides fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    decision: Literal["approve", "reject", "break-glass"]
    approver: str = Field(min_length=1, max_length=60)
    code: str = Field(default="", max_length=20, repr=False)
    note: str = Field(default="", max_length=4000)


class Asker(BaseModel):
    """What somebody who asks fills in."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    requester: str = Field(min_length=1, max_length=60)
    code: str = Field(default="", max_length=20, repr=False)
    note: str = Field(default="", max_length=4000)


@dataclass(frozen=True)
class Policy:
    """What an environment asks of those who decide; without people names are not proven.

    `unreviewed` says which broken glass of another run nobody has looked at yet: until then nothing else is approved.
    """

    people: Mapping[str, Person] = field(repr=False)
    approvals: int = 1
    four_eyes: bool = False
    break_glass: bool = False
    guarded: bool = False
    unreviewed: str = ""

    @property
    def proves(self) -> bool:
        return bool(self.people)

    @property
    def rules(self) -> dict[str, Any]:
        """What somebody could make looser between a question and its answer, without any secret."""
        return {
            "approvals": self.approvals,
            "four_eyes": self.four_eyes,
            "break_glass": self.break_glass,
            "guarded": self.guarded,
            "people": {name: person.since.isoformat() for name, person in sorted(self.people.items())},
        }

    @property
    def digest(self) -> str:
        return proposal.digest(self.rules)


@dataclass(frozen=True)
class Given:
    """An answer as it was stored: under which key, when, and what it says."""

    key: str
    at: datetime
    said: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Standing:
    """What a gate's record amounts to; `why` is for who comes next, `by` are those who approved.

    `wants_requester`: the next to be asked is who asks for this. `broken`: one person has decided alone.
    """

    status: Status
    why: str = ""
    requester: str = ""
    by: tuple[str, ...] = ()
    mistakes: int = 0
    wants_requester: bool = False
    broken: bool = False


def in_force(record: Sequence[Row], policy: Policy) -> list[Row]:
    """Return the rows that count: what was answered under the rules of now, and what is final under any."""
    kept: list[Row] = []
    under_these = False
    for row in record:
        if row.event == "asked":
            under_these = row.details.get("policy") == policy.digest
        if under_these or row.event in FINAL:
            kept.append(row)
    return kept


def standing(record: Sequence[Row], policy: Policy) -> Standing:
    """Say what the rows of one run's gate and plan amount to under the rules of now."""
    answered = [row for row in record if row.event not in ("asked", "lapsed", "ended")]
    last = answered[-1].note if answered and answered[-1].event == "mistaken" else ""
    record = in_force(record, policy)
    so_far = Standing(
        "open",
        requester=next((row.actor for row in record if row.event == "requested"), ""),
        by=tuple(dict.fromkeys(row.actor for row in record if row.event == "approved")),
        mistakes=sum(row.event == "mistaken" for row in record),
    )
    for row in record:
        if row.event in FINAL:
            return replace(so_far, status="denied", why=_refusal(row))
        if row.event == "break-glass":
            return replace(
                so_far, status="approved", why=f"{row.actor} broke the glass: {row.note}", broken=True
            )
    if len(so_far.by) >= policy.approvals and not policy.unreviewed:
        return replace(so_far, status="approved", why=f"approved by {' and '.join(so_far.by)}")
    asks = policy.four_eyes and policy.proves and not so_far.requester
    return replace(so_far, wants_requester=asks, why=last or policy.unreviewed)


def judge(
    given: Given,
    policy: Policy,
    record: Sequence[Row],
    *,
    now: datetime,
    used: Collection[tuple[str, int]],
) -> Event:
    """Say what an answer is: an approval, a rejection, a mistake, or too late; `used` are codes that were taken.

    The event has no run, gate or plan yet.
    """
    asked = next((row for row in reversed(record) if row.event == "asked"), None)
    if asked is None:
        return mistaken(given, "", "nobody was asked yet")
    if given.at > _expiry(asked):
        return _event("expired", given, note="the answer came after the window had closed")
    if not asked.at - SKEW <= given.at <= now + SKEW:
        return mistaken(given, "", "the answer's time is not between the question and now")
    if asked.details.get("policy") != policy.digest:
        return mistaken(given, "", CHANGED)
    before = standing(record, policy)
    try:
        answer = (Asker if before.wants_requester else Answer).model_validate(dict(given.said))
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        return mistaken(
            given, "", f"the answer is not what was asked for ({_place(problem)}{problem['msg']})"
        )
    return _decided(given, answer, policy, before, used)


def _decided(
    given: Given, answer: Answer | Asker, policy: Policy, before: Standing, used: Collection[tuple[str, int]]
) -> Event:
    name = people.known(answer.requester if isinstance(answer, Asker) else answer.approver)
    event = "requested" if isinstance(answer, Asker) else _EVENTS[answer.decision]
    if why := _not_allowed(event, name, answer.note, policy, before):
        return mistaken(given, name, why)
    if not policy.proves:
        return _event(event, given, actor=name, proof="unverified", note=answer.note)
    number = people.step(policy.people[name], answer.code, given.at) if name in policy.people else None
    if number is None:
        return mistaken(given, name, f"the name {name} or its code is not right")
    if (name, number) in used:
        return mistaken(given, name, USED.format(name))
    return _event(event, given, actor=name, proof="totp", note=answer.note, step=number)


def _not_allowed(event: str, name: str, note: str, policy: Policy, before: Standing) -> str:
    if event == "break-glass" and not policy.break_glass:
        return "this environment has no glass to break"
    if event == "break-glass" and len(note.strip()) < SHORTEST_REASON:
        return f"to break the glass takes a reason of at least {SHORTEST_REASON} characters, in the note"
    if event == "rejected" and not note.strip():
        return "a rejection takes its reason, in the note"
    if event == "approved" and policy.unreviewed:
        return policy.unreviewed
    if event == "approved" and policy.four_eyes and name == before.requester:
        return f"{name} asked for this, so somebody else approves it"
    if event == "approved" and name in before.by:
        return f"{name} has approved already, and {policy.approvals} different people are asked"
    return ""


_EVENTS = {"approve": "approved", "reject": "rejected", "break-glass": "break-glass"}


def mistaken(given: Given, claimed: str, why: str) -> Event:
    """Return what an answer is that is not right."""
    # The name is only claimed: it stands among the details, and not as the one who did it.
    return _event("mistaken", given, note=why, claimed=claimed)


def _event(
    event: str, given: Given, *, actor: str = "", proof: str = "none", note: str = "", **more: Any
) -> Event:
    details = {"answer": given.key, "given": given.at.isoformat(), **more}
    return Event(event=event, environment="", actor=actor, proof=proof, note=note, details=details)


def _expiry(asked: Row) -> datetime:
    return datetime.fromisoformat(asked.details["expires"])


def _refusal(row: Row) -> str:
    if row.event == "rejected":
        return f"rejected by {row.actor}: {row.note}"
    if row.event == "closed":
        return f"closed after {MOST_MISTAKES} answers that were not right; the last: {row.note}"
    return "nobody decided in time"


def _place(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"])
    return f"{place}: " if place else ""
