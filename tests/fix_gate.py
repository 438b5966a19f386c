"""A guarded database with enrolled people, a runbook with a gate on it, and those who answer there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.states import Completed, Running, Scheduled
from pyotp.totp import TOTP

from deployments.stack import Stack
from ops import people
from tests import fix_http
from tests.polling import wait_until

PATIENCE = 90
# A question to the Prefect server takes as much of a processor as a step of the run that it asks about.
PAUSE = 0.3
KEY = "a-fake-key-of-the-audit-log"
RUNBOOK = "gated/gate"
TABLE = "create table public.kept (at timestamptz default clock_timestamp(), run text, text text)"
_CONFIG = """\
[environments.production]
database = "file:{secrets}/dsn"
audit_key = "file:{secrets}/key"
approvers = "file:{secrets}/approvers.json"
guarded = true
{more}
"""


@dataclass
class Gate:
    """The operated project, its people, and the runs that wait for them."""

    root: Path
    dsn: str
    stack: Stack
    client: SyncPrefectClient
    more: dict[str, str] = field(default_factory=dict[str, str])
    told: list[str] = field(default_factory=list[str])
    _asked: dict[UUID, str] = field(default_factory=dict[UUID, str])

    def configure(self, **settings: object) -> None:
        """Say how careful the environment is."""
        self.more |= {
            name: f'"{said}"' if isinstance(said, str) else str(said).lower()
            for name, said in settings.items()
        }
        lines = "\n".join(f"{name} = {said}" for name, said in self.more.items())
        (self.root / "runbooks.toml").write_text(_CONFIG.format(secrets=self.secrets, more=lines), "utf-8")

    @property
    def secrets(self) -> Path:
        return self.root.with_name("secrets")

    @property
    def store(self) -> str:
        return f"file:{self.secrets / 'approvers.json'}"

    def code(self, name: str, at: datetime | None = None) -> str:
        return TOTP(people.read(self.store)[name].seed).at(at or datetime.now(UTC))

    def start(self, environment: str = "production") -> UUID:
        """Start a run and wait until it waits."""
        found = self.client.read_deployment_by_name(RUNBOOK)
        parameters = {"project": str(self.root), "environment": environment}
        return self.waiting(self.client.create_flow_run_from_deployment(found.id, parameters=parameters).id)

    def read(self, run: UUID) -> FlowRun:
        return self.client.read_flow_run(run)

    def state(self, run: UUID) -> str:
        state = self.read(run).state
        return state.name or "" if state else ""

    def message(self, run: UUID) -> str:
        state = self.read(run).state
        return state.message or "" if state else ""

    def ended(self, run: UUID) -> str:
        """Wait for the end of a run and return the name of its state."""
        wait_until(lambda: self.is_over(run), seconds=PATIENCE, pause=PAUSE)
        return self.state(run)

    def waiting(self, run: UUID) -> UUID:
        """Wait until a run waits for an answer (or has ended)."""
        wait_until(lambda: self.question(run) or self.is_over(run), seconds=PATIENCE, pause=PAUSE)
        self._asked[run] = self.question(run)
        return run

    def is_over(self, run: UUID) -> bool:
        state = self.read(run).state
        return state is not None and state.is_final()

    def question(self, run: UUID) -> str:
        """Return what a waiting run asks; nothing where it does not wait."""
        state = self.read(run).state
        if state is None or not state.is_paused() or not state.state_details.run_input_keyset:
            return ""
        return str(self._input(run, state.state_details.run_input_keyset["description"]))

    def _input(self, run: UUID, key: str) -> Any:
        values = {
            each.key: each.decoded_value for each in self.client.filter_flow_run_input(run, "", 200, set())
        }
        return values.get(key, "")

    def answer(self, run: UUID, **said: str) -> None:
        """Fill in the form, and wait until the run has taken it up."""
        asked = self.question(run)
        wait_until(lambda: self.given(run, **said) == "ACCEPT", seconds=PATIENCE, pause=PAUSE)
        wait_until(
            lambda: self.state(run) != "Suspended" or self.question(run) != asked,
            seconds=PATIENCE,
            pause=PAUSE,
        )

    def taken_up(self, run: UUID) -> None:
        """Wait until the run has taken up what was answered elsewhere, and asks again."""
        asked = self._asked.get(run)
        wait_until(lambda: self.question(run) not in ("", asked), seconds=PATIENCE, pause=PAUSE)
        self._asked[run] = self.question(run)

    def given(self, run: UUID, **said: str) -> str:
        return str(self.client.resume_flow_run(run, run_input=said).status.value)

    def request(self, run: UUID, name: str = "ada") -> None:
        self.answer(run, requester=name, code=self.code(name), note="")
        self.waiting(run)

    def decide(self, run: UUID, name: str = "grace", decision: str = "approve", **said: str) -> None:
        self.answer(run, **{**self.typed(name, decision), **said})

    def typed(self, name: str, decision: str = "approve") -> dict[str, str]:
        """Return what somebody types into the form."""
        return {"decision": decision, "approver": name, "code": self.code(name), "note": ""}

    def retry(self, run: UUID) -> None:
        """Press Retry, and wait until it has begun."""
        count = self.read(run).run_count
        self.client.set_flow_run_state(run, Scheduled(name="AwaitingRetry"))
        wait_until(lambda: self.read(run).run_count > count, seconds=PATIENCE, pause=PAUSE)

    def set_state(self, run: UUID, name: str) -> None:
        """Set a run's state as anybody can who reaches the API."""
        states = {"Running": Running(), "Completed": Completed(), "Scheduled": Scheduled()}
        self.client.set_flow_run_state(run, states[name], force=True)

    def smuggle(self, run: UUID, said: dict[str, object]) -> None:
        """Write an answer as Prefect stores it, past the form, and make the run go on."""
        state = self.read(run).state
        assert state is not None
        assert state.state_details.run_input_keyset is not None
        key = state.state_details.run_input_keyset["response"]
        self.client.create_flow_run_input(run, key, json.dumps(said))
        self.client.set_flow_run_state(run, Scheduled(name="Resuming"), force=True)
        wait_until(lambda: self.state(run) not in ("Suspended", "Resuming"), seconds=PATIENCE, pause=PAUSE)

    def settled(self, runs: list[UUID]) -> bool:
        """Whether each run has ended or waits."""
        return all(self.state(run) in ("Suspended", "Completed", "Failed", "Rejected") for run in runs)

    def wait_for_next_code(self) -> None:
        """Wait until the authenticators show other codes than now."""
        now = self.code("ada")
        wait_until(lambda: self.code("ada") != now, seconds=40)

    def break_act(self) -> None:
        self._alter("alter table public.kept add constraint broken check (text = 'never') not valid")

    def mend_act(self) -> None:
        self._alter("alter table public.kept drop constraint broken")

    def _alter(self, statement: LiteralString) -> None:
        with psycopg.connect(self.dsn) as connection:
            connection.execute(statement)

    def kept(self) -> list[str]:
        """Return the runs that have acted."""
        with psycopg.connect(self.dsn) as connection:
            return [run for (run,) in connection.execute("select run from public.kept order by at")]

    def outcomes(self) -> list[tuple[bool, str]]:
        """Return what came of what was approved, each with the first word of it that tells."""
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute(
                "select (details ->> 'ok')::boolean, coalesce(substring(note from 'broken|completed'), note)"
                " from runbooks.audit_log where event = 'ended' order by id"
            )
            return found.fetchall()

    def events(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.dsn) as connection:
            return connection.execute("select event, actor from runbooks.audit_log order by id").fetchall()


MakeGate = Callable[[Stack], Gate]


@pytest.fixture
def make_gate(tmp_path: Path, shaped: str) -> Generator[MakeGate]:
    clients = ExitStack()

    def make(stack: Stack) -> Gate:
        root = tmp_path / "shop"
        root.mkdir()
        (root / "change.txt").write_text("a change\n")
        (root / "production.txt").write_text("an overlay\n")
        gate = Gate(root, shaped, stack, clients.enter_context(stack.client()))
        gate.secrets.mkdir(mode=0o700)
        (gate.secrets / "dsn").write_text(shaped)
        (gate.secrets / "key").write_text(KEY)
        (gate.secrets / "webhook").write_text(clients.enter_context(webhook(gate.told)))
        for name in ("ada", "grace", "linus"):
            people.add(gate.store, name, environment="production", now=datetime.now(UTC))
        gate.configure()
        with psycopg.connect(shaped) as connection:
            connection.execute(TABLE)
        if stack.address not in _deployed:
            deploy(stack)
        return gate

    with clients:
        yield make


@contextmanager
def webhook(told: list[str]) -> Generator[str]:
    """Take what approvers are told, as a chat program does; yields the address."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append(json.loads(body)["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with fix_http.serving(Hook) as address:
        yield f"{address}/hook-of-the-tests"


_deployed: set[str] = set()


def deploy(stack: Stack, *, root: Path | None = None) -> None:
    """Deploy the runbook of these tests, from this folder where it is given."""
    _deployed.add(stack.address)
    home = root or stack.root
    subprocess.run(
        [
            sys.executable,
            "-m",
            "prefect",
            "--no-prompt",
            "deploy",
            "--all",
            "--prefect-file",
            "tests/gate/prefect.yaml",
        ],
        cwd=home,
        env={**stack.environment, "RUNBOOKS_HOME": str(home)},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def gate(stack: Stack, make_gate: MakeGate) -> Gate:
    return make_gate(stack)
