"""What goes up a level through a real Prefect: after its time, each level once, until somebody looks after it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prefect.states import Completed, Crashed, Failed

from ops import janitor
from ops.evidence import Evidence
from ops.janitor import Tidying
from tasks import escalating
from tests import fix_command
from tests.e2e import test_notifications
from tests.e2e.test_notifications import Team, as_scheduled, left, listening, tidy
from tests.fix_gate import PATIENCE, Gate
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [
    pytest.mark.xdist_group("prefect"),
    pytest.mark.timeout(600),
    # Of a module that Apprise imports where there is still one.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]
LEVELS = """
[[environments.production.escalation]]
name = "on-call"
after = "{first}"
people = ["ada", "linus"]
webhook = ["file:{folder}/oncall"]

[[environments.production.escalation]]
name = "lead"
after = "PT1H"
people = ["grace"]
webhook = ["file:{folder}/lead"]
"""


class Levels:
    """The webhooks of both levels, and the janitor's part as of a time."""

    def __init__(self, gate: Gate, on_call: Team, lead: Team) -> None:
        self.gate = gate
        self.on_call = on_call
        self.lead = lead

    def configure(self, first: str = "PT15M", **settings: object) -> None:
        self.gate.configure(**settings)
        with (self.gate.root / "runbooks.toml").open("a", encoding="utf-8") as file:
            file.write(LEVELS.format(folder=self.gate.secrets, first=first))

    def after(self, **span: float) -> Evidence:
        """Escalate as of so long from now."""
        tidying = Tidying(janitor.plan(str(self.gate.root), "production"), "janitor-of-the-tests")
        with self.gate.stack.client() as client:
            return escalating.escalate_at(client, tidying, now=datetime.now(UTC) + timedelta(**span))

    @property
    def told(self) -> tuple[int, int]:
        return len(self.on_call.heard), len(self.lead.heard)


@pytest.fixture
def levels(gate: Gate) -> Generator[Levels]:
    on_call, lead = Team(), Team()
    with listening(on_call) as first, listening(lead) as second:
        (gate.secrets / "oncall").write_text(first)
        (gate.secrets / "lead").write_text(second)
        found = Levels(gate, on_call, lead)
        found.configure()
        yield found


def acknowledge(gate: Gate, run: UUID, name: str, *, code: int = 0) -> str:
    done = fix_command.run("acknowledge", str(run), "--as", name, PREFECT_API_URL=gate.stack.api)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_nobody_looks_after_goes_up_level_by_level_each_told_once(gate: Gate, levels: Levels):
    left(gate, Failed(message="The disk is full."))
    assert levels.after(minutes=14).summary.startswith("1 matters are looked after by nobody, 0 messages")
    assert levels.told == (0, 0)
    levels.after(minutes=16)
    levels.after(minutes=20)
    assert levels.told == (1, 0)
    shown = levels.after(minutes=61)
    levels.after(minutes=62)
    assert levels.told == (1, 1)
    assert [row["state"].partition(" at ")[0] for row in shown.rows] == ["told", "told"]
    (message,) = levels.lead.heard
    assert message["occasion"] == "escalated-to-lead"
    assert message["text"].startswith("Escalated to lead: ")
    assert "For grace. Failed 61 min ago, and nobody looks after it. The disk is full." in message["text"]
    assert "runbooks acknowledge" in message["text"]


def test_what_somebody_looks_after_or_what_has_passed_goes_no_further(gate: Gate, levels: Levels):
    known = left(gate, Crashed(message="Its machine died."))
    levels.after(minutes=16)
    assert levels.told == (1, 0)
    assert "ada looks after" in acknowledge(gate, known, "ada")
    assert "ada looks after" in acknowledge(gate, known, "grace")
    shown = levels.after(minutes=61)
    assert levels.told == (1, 0)
    assert [row["state"].partition(" at ")[0] for row in shown.rows] == ["told", "ada looks after it"]

    # A failure that began after that is another matter, until the runbook has passed once.
    left(gate, Failed(message="The disk is full again."))
    levels.after(minutes=16)
    assert levels.told == (2, 0)
    passed = left(gate, Completed())
    assert levels.after(minutes=61).rows == ()
    assert levels.told == (2, 0)
    assert "No run that ended badly" in acknowledge(gate, passed, "ada", code=2)


def test_a_gate_that_nobody_answers_goes_up_and_one_that_is_answered_does_not(gate: Gate, levels: Levels):
    run = gate.start()
    levels.after(minutes=16)
    (message,) = levels.on_call.heard
    assert "For ada, linus. Waits for somebody 16 min ago, and nobody has answered." in message["text"]
    assert str(run)[:8] in message["text"]
    gate.decide(run)
    assert gate.ended(run) == "Completed"
    assert levels.after(minutes=61).rows == ()
    assert levels.told == (1, 0)


def test_what_a_schedule_starts_and_what_fails_each_time_is_one_matter(gate: Gate, levels: Levels):
    found = [left(gate, Failed(message="The disk is full.")) for _ in range(3)]
    as_scheduled(gate, found)
    levels.after(minutes=16)
    assert levels.told == (1, 0)
    acknowledge(gate, found[2], "ada")
    levels.after(minutes=61)
    assert levels.told == (1, 0)


def test_a_level_that_does_not_answer_is_told_at_a_later_pass(gate: Gate, levels: Levels):
    left(gate, Failed(message="The disk is full."))
    levels.on_call.status = 503
    shown = levels.after(minutes=16)
    assert not shown.ok
    assert "1 were not taken: webhook file:" in shown.summary
    levels.on_call.status = 200
    assert levels.after(minutes=17).ok
    assert levels.told == (1, 0)


def test_people_are_told_while_the_database_is_down_and_it_is_written_down_afterwards(
    gate: Gate, levels: Levels
):
    gate.start()
    (gate.secrets / "dsn").write_text("postgresql://postgres@127.0.0.1:1/gone")
    shown = levels.after(minutes=16)
    assert levels.told == (1, 0)
    assert "Not written to the audit log yet: " in shown.summary
    (gate.secrets / "dsn").write_text(gate.dsn)
    assert levels.after(minutes=17).ok
    levels.after(minutes=18)
    assert levels.told == (1, 0)
    assert [event for event, _ in gate.events()] == ["asked", "escalated"]


def test_the_janitor_escalates_within_seconds_and_writes_it_down(gate: Gate, levels: Levels, desk: Desk):
    levels.configure(first="PT2S")
    gate.break_act()
    run = gate.start()
    gate.decide(run)
    assert gate.ended(run) == "Failed"
    began = datetime.now(UTC)
    wait_until(lambda: datetime.now(UTC) - began > timedelta(seconds=2), seconds=PATIENCE)
    test_notifications.tidy_twice_at_once(gate)
    assert levels.on_call.of(run) == ["escalated-to-on-call"]
    assert levels.lead.heard == []
    acknowledge(gate, run, "ada")
    shown = table(desk, tidy(gate))
    assert "told at" in shown
    assert "ada looks after it" in shown
    tidy(gate)
    assert [each for each in gate.events() if each[0] in ("escalated", "acknowledged")] == [
        ("escalated", ""),
        ("acknowledged", "ada"),
    ]
    gate.mend_act()
    gate.retry(run)
    assert gate.ended(run) == "Completed"
    assert "Nothing is to be looked after" in table(desk, tidy(gate))


def table(desk: Desk, run: UUID) -> str:
    """Return what the janitor's run shows of escalation."""
    found = next(each for each in desk.artifacts(run) if each.key == "escalation")
    return f"{found.description} {found.data}"
