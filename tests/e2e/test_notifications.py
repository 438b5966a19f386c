"""Who is told of a run, through a real Prefect server and worker: each event once, whatever dies or is down."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import quote
from uuid import UUID

import psycopg
import pytest
from prefect.client.schemas.objects import State
from prefect.states import Crashed, Failed, Scheduled

from deployments import runs
from ops import project
from tasks import notifying
from tests import fix_checks, fix_http, fix_smtp
from tests.e2e import test_janitor
from tests.fix_checks import Checkup
from tests.fix_gate import PATIENCE, Gate
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [
    pytest.mark.xdist_group("prefect"),
    pytest.mark.timeout(600),
    # Of a module that Apprise imports where there is still one.
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]
JANITOR = "janitor/production"
CONFIG = """
[environments.production.notifications]
webhook = ["file:{folder}/team", {more}]
email = ["oncall@example.com"]
smtp = "file:{folder}/smtp"
"""


class Team:
    """What those who are told have heard, in the order in which they did; `status` is what their webhook answers."""

    def __init__(self) -> None:
        self.status = 200
        self.heard: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []
        self.mails: list[EmailMessage] = []

    def of(self, run: UUID) -> list[str]:
        """Return of what the webhook was told about a run."""
        return [each["occasion"] for each in self.heard if str(run) in each["link"]]

    def mailed(self, run: UUID) -> list[str]:
        """Return of what mails were sent about a run, by their subjects."""
        return [each["subject"].partition(":")[0] for each in self.mails if str(run) in each.get_content()]


@contextmanager
def listening(team: Team) -> Generator[str]:
    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            (team.heard if team.status < 300 else team.refused).append(said)
            self.send_response(team.status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with fix_http.serving(Hook) as address:
        yield f"{address}/services/T0FAKE/sEcReTpArT"


@pytest.fixture
def team(gate: Gate) -> Generator[Team]:
    team = Team()
    with listening(team) as address, fix_smtp.mail_server() as (port, mails):
        team.mails = mails
        (gate.secrets / "team").write_text(address)
        smtp = f"smtp://ops:{quote(fix_smtp.PASSWORD, safe='')}@127.0.0.1:{port}?from=ops@example.com"
        (gate.secrets / "smtp").write_text(smtp)
        tell(gate)
        yield team


def tell(gate: Gate, *more: str, **settings: object) -> None:
    """Say who is told: the team by webhook and mail, and more webhooks."""
    gate.configure(**settings)
    with (gate.root / "runbooks.toml").open("a", encoding="utf-8") as file:
        file.write(CONFIG.format(folder=gate.secrets, more=", ".join(f'"{each}"' for each in more)))


def tidy(gate: Gate) -> UUID:
    """Run the janitor to its end."""
    parameters = {"project": str(gate.root), "environment": "production"}
    started = runs.trigger(gate.stack, JANITOR, parameters)
    gate.ended(started.id)
    return started.id


def tidy_twice_at_once(gate: Gate) -> None:
    with ThreadPoolExecutor(2) as together:
        list(together.map(lambda _: tidy(gate), range(2)))


def test_a_gate_a_decision_and_a_failure_are_told_once_each_with_the_link(gate: Gate, team: Team):
    hook = f"file:{gate.secrets / 'webhook'}"
    tell(gate, hook, notify=hook)
    run = gate.start()
    assert team.of(run) == ["waiting"]
    assert team.mailed(run) == ["Waits for somebody"]
    # The webhook that `notify` names hears the question by that, and not once more.
    assert [said for said in gate.told if "Approve" in said] == gate.told
    assert len(gate.told) == 1
    gate.break_act()
    gate.decide(run)
    assert gate.ended(run) == "Failed"
    wait_until(lambda: team.of(run) == ["waiting", "decided", "failed"], seconds=PATIENCE)
    assert [each.splitlines()[0].partition(":")[0] for each in gate.told[1:]] == ["Approved", "Failed"]

    # What was approved stays approved and is not told again; that it fails once more is news.
    gate.retry(run)
    assert gate.ended(run) == "Failed"
    wait_until(lambda: team.of(run) == ["waiting", "decided", "failed", "failed"], seconds=PATIENCE)
    tidy_twice_at_once(gate)
    assert team.of(run) == ["waiting", "decided", "failed", "failed"]
    assert team.mailed(run) == ["Waits for somebody", "Approved", "Failed", "Failed"]

    everything = f"{team.heard} {[each.as_string() for each in team.mails]} {gate.told} {notes(gate, run)}"
    for secret in (fix_smtp.PASSWORD, quote(fix_smtp.PASSWORD, safe=""), "sEcReTpArT", gate.dsn):
        assert secret not in everything


def test_a_run_that_is_killed_is_told_once_though_its_crash_is_reported_twice(
    gate: Gate, team: Team, desk: Desk
):
    with locked(gate):
        run = begun(gate)
        os.kill(desk.process(run).pid, signal.SIGKILL)
        wait_until(lambda: team.of(run) == ["crashed"], seconds=PATIENCE)
    tidy_twice_at_once(gate)
    assert gate.state(run) == "Crashed"
    assert team.of(run) == ["crashed"]
    assert team.mailed(run) == ["Crashed"]
    gate.retry(run)
    gate.waiting(run)
    assert team.of(run) == ["crashed", "waiting"]


def test_a_run_whose_machine_died_is_told_of_by_one_of_two_janitors(gate: Gate, team: Team, desk: Desk):
    dead = test_janitor.silent(
        desk,
        since=timedelta(minutes=10),
        parameters={"project": str(gate.root), "environment": "production"},
    )
    tidy_twice_at_once(gate)
    assert gate.state(dead) == "Crashed"
    assert team.of(dead) == ["crashed"]
    assert team.mailed(dead) == ["Crashed"]


def test_of_many_who_tell_at_the_same_moment_one_tells(gate: Gate, team: Team, desk: Desk):
    parameters = {"project": str(gate.root), "environment": "production"}
    dead = test_janitor.silent(desk, since=timedelta(0), parameters=parameters)
    gate.client.set_flow_run_state(dead, Crashed(message="Its machine died."), force=True)
    operated = project.load(gate.root)
    together = threading.Barrier(8)

    def tell_it(_: int) -> list[dict[str, str]]:
        with gate.stack.client() as client:
            run = client.read_flow_run(dead)
            together.wait()
            return notifying.ended(client, run, operated, operated.environment("production"))

    with ThreadPoolExecutor(8) as pool:
        told = [row for rows in pool.map(tell_it, range(8)) for row in rows]
    assert [row["result"] for row in told] == ["told", "told"]
    assert [each["occasion"] for each in team.heard] == ["crashed"]
    assert len(team.mails) == 1


def test_a_gate_that_nobody_answers_and_one_that_is_rejected_are_told(gate: Gate, team: Team):
    tell(gate, approval_window="PT6S")
    run = gate.start()
    assert gate.ended(run) == "Failed"
    tidy_twice_at_once(gate)
    assert team.of(run) == ["waiting", "lapsed"]
    assert team.mailed(run) == ["Waits for somebody", "Nobody answered in time"]

    tell(gate, approval_window="PT1H")
    run = gate.start()
    gate.decide(run, decision="reject", note="not on a Friday")
    assert gate.ended(run) == "Rejected"
    assert team.of(run) == ["waiting", "denied"]
    assert "not on a Friday" in team.heard[-1]["text"]
    gate.retry(run)
    assert gate.ended(run) == "Rejected"
    tidy(gate)
    assert team.of(run) == ["waiting", "denied"]


def test_who_does_not_answer_fails_no_run_and_is_told_later_once(gate: Gate, team: Team):
    team.status = 503
    gate.break_act()
    run = gate.start()
    gate.decide(run)
    assert gate.ended(run) == "Failed"
    wait_until(lambda: len(team.mailed(run)) == 3, seconds=PATIENCE)
    assert "broken" in gate.message(run)
    wait_until(
        lambda: log(gate, run).count("it answered 503. The janitor tries again") == 3, seconds=PATIENCE
    )
    untold = tidy(gate)
    assert "2 were not taken: webhook file:" in said(gate, untold), said(gate, untold)

    team.status = 200
    tidy_twice_at_once(gate)
    assert sorted(team.of(run)) == ["decided", "failed"]
    tidy(gate)
    assert sorted(team.of(run)) == ["decided", "failed"]
    assert team.mailed(run) == ["Waits for somebody", "Approved", "Failed"]


def test_what_was_not_taken_is_told_once_though_the_run_has_ended_well(gate: Gate, team: Team):
    team.status = 503
    run = gate.start()
    gate.decide(run)
    assert gate.ended(run) == "Completed"
    assert notifying.UNDELIVERED in gate.read(run).tags
    tidy(gate)
    assert team.of(run) == []

    team.status = 200
    tidy_twice_at_once(gate)
    assert team.of(run) == ["decided"]
    tidy(gate)
    assert team.of(run) == ["decided"]
    assert notifying.UNDELIVERED not in gate.read(run).tags


def test_what_a_schedule_starts_and_what_fails_as_before_is_told_once(gate: Gate, team: Team):
    full, fuller, other = found = [
        left(gate, Failed(message=said))
        for said in ("The disk is full: 98 %.", "The disk is full: 99 %.", "Nobody answers.")
    ]
    as_scheduled(gate, found)
    by_hand = left(gate, Failed(message="Nobody answers."))
    tidy(gate)
    tidy(gate)
    told = {run: team.of(run) for run in (*found, by_hand)}
    assert told == {full: ["failed"], fuller: [], other: ["failed"], by_hand: ["failed"]}


def test_what_a_check_has_told_in_its_own_words_nobody_tells_again(desk: Desk, checkup: Checkup):
    folder = checkup.project.parent
    (folder / "secret").write_text("postgresql://postgres@127.0.0.1:1/gone")
    checkup.configure(f'[environments.production.notifications]\nwebhook = ["file:{folder / "manager"}"]')
    run = fix_checks.run_deployed(desk, checkup.project, "daily-checks/production")
    assert run.state
    assert run.state.is_failed()
    tidied = fix_checks.run_deployed(desk, checkup.project, JANITOR)
    # It fails without the database of its audit log, and has told before what there was to tell.
    (heard,) = [each for each in checkup.heard if str(tidied.id) not in each.get("link", "")]
    assert "occasion" not in heard
    assert "could not be asked" in heard["text"]
    assert "Everybody knows what they should." in {each.description for each in desk.artifacts(tidied.id)}


def test_only_what_is_asked_for_is_told(gate: Gate, team: Team):
    path = gate.root / "runbooks.toml"
    path.write_text(f'{path.read_text("utf-8")}on = ["denied"]\n', "utf-8")
    run = gate.start()
    gate.decide(run, decision="reject", note="no")
    assert gate.ended(run) == "Rejected"
    tidy(gate)
    assert team.of(run) == ["denied"]


def left(gate: Gate, state: State[Any]) -> UUID:
    """Leave a run that has ended so."""
    found = gate.client.read_deployment_by_name("gated/gate")
    parameters = {"project": str(gate.root), "environment": "production"}
    later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1))
    run = gate.client.create_flow_run_from_deployment(found.id, parameters=parameters, state=later).id
    gate.client.set_flow_run_state(run, state, force=True)
    return run


def as_scheduled(gate: Gate, runs: list[UUID]) -> None:
    """Let these runs be ones that a schedule has started, which the server lets nobody say."""
    with psycopg.connect(gate.stack.database.url.replace("+asyncpg", ""), autocommit=True) as connection:
        connection.execute("update flow_run set auto_scheduled = true where id = any(%s)", (runs,))


@contextmanager
def locked(gate: Gate) -> Generator[None]:
    """Keep everybody from reading what the runbook reads first."""
    with psycopg.connect(gate.dsn) as connection:
        connection.execute("lock table public.kept in access exclusive mode")
        yield


def begun(gate: Gate) -> UUID:
    """Start a run, and return it when it has begun."""
    found = gate.client.read_deployment_by_name("gated/gate")
    parameters = {"project": str(gate.root), "environment": "production"}
    run = gate.client.create_flow_run_from_deployment(found.id, parameters=parameters).id
    wait_until(lambda: gate.state(run) == "Running", seconds=PATIENCE)
    return run


def notes(gate: Gate, run: UUID) -> str:
    """Return all that Prefect keeps beside a run, and its log."""
    kept = gate.client.filter_flow_run_input(run, "", 200, set())
    return f"{[(each.key, each.value) for each in kept]} {log(gate, run)}"


def log(gate: Gate, run: UUID) -> str:
    asked = {"logs": {"flow_run_id": {"any_": [str(run)]}}, "limit": 200}
    return "\n".join(
        each["message"] for each in gate.client.request("POST", "/logs/filter", json=asked).json()
    )


def said(gate: Gate, run: UUID) -> str:
    """Return what the janitor's run says of telling people."""
    return next(
        each.description or "" for each in Desk(gate.stack, gate.client).artifacts(run) if each.key == "told"
    )
