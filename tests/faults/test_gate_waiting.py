"""What may happen while a run waits at its gate: a right approval gets through all the same."""

from __future__ import annotations

import subprocess
from collections.abc import Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
import pytest
from psycopg import sql

from deployments import stack as local_stack
from deployments.stack import Stack
from ops import audit_store, binaries, homes, os_user, postmaster, ready_data, used_codes
from ops.os_user import OsUser
from ops.shape import offered
from tests import fix_app, fix_gate
from tests.faults import restarts
from tests.faults.mortal import Mortal, answers
from tests.fix_gate import PATIENCE, PAUSE, Gate, MakeGate
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def restarted() -> Generator[list[subprocess.Popen[bytes]]]:
    """The servers of Prefect's own database that were started again; they end with the stack."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.communicate()


@pytest.fixture(scope="module")
def mortal(restarted: list[subprocess.Popen[bytes]]) -> Generator[Mortal]:
    """A stack of these tests' own, since its processes are killed."""
    with local_stack.running() as running:
        made = Mortal(running)
        yield made
        made.close()


@pytest.fixture
def gate(mortal: Mortal, make_gate: MakeGate) -> Gate:
    return make_gate(mortal.stack)


def assert_approved_once(gate: Gate, run: UUID) -> None:
    assert gate.ended(run) == "Completed"
    assert gate.kept() == [str(run)]
    assert gate.events() == [("asked", ""), ("approved", "grace"), ("ended", "")]


def test_the_server_and_the_worker_are_killed_while_a_run_waits(mortal: Mortal, gate: Gate):
    run = gate.start()
    mortal.kill("server")
    assert not answers(gate.stack)
    mortal.start("server")
    mortal.kill("worker")
    wait_until(lambda: gate.given(run, **gate.typed("grace")) == "ACCEPT", seconds=PATIENCE)
    mortal.start("worker")
    assert_approved_once(gate, run)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_prefects_own_postgres_is_restarted_while_a_run_waits(
    gate: Gate, restarted: list[subprocess.Popen[bytes]], mode: str
):
    """Neither Prefect's server nor its worker is started again: both find the database by themselves."""
    run = gate.start()
    restarted.append(restarts.restart(gate.stack.database.server, mode))
    wait_until(lambda: reads(gate, run), seconds=PATIENCE)
    gate.decide(run)
    assert_approved_once(gate, run)


def reads(gate: Gate, run: UUID) -> bool:
    """Whether Prefect's server finds a run in its database."""
    try:
        return gate.read(run).id == run
    except httpx.HTTPError:
        return False


@dataclass
class Cluster:
    """A cluster that stays on the disk when its server ends."""

    home: Path
    user: OsUser = field(default_factory=os_user.find)

    def __post_init__(self) -> None:
        found = binaries.find(None)
        with ready_data.locked() as cache:
            ready_data.copy(ready_data.ready(cache, found, user=self.user), self.home)
        self.programs = offered.serving(binaries.reachable(found, self.user, home=self.home), self.home)
        self.settings = ready_data.settings(self.programs, self.home)
        self.user.own(self.home)

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.home}&port={self.settings['port']}"

    def running(self) -> AbstractContextManager[int]:
        program, data = self.programs.bindir / "postgres", self.home / "data"
        return postmaster.running(program, data, user=self.user, settings=self.settings)


def test_postgres_is_restarted_while_a_run_waits(stack: Stack, make_gate: MakeGate):
    gate = make_gate(stack)
    with homes.temporary(os_user.find()) as home:
        cluster = Cluster(home)
        gate.dsn = cluster.dsn
        (gate.secrets / "dsn").write_text(cluster.dsn)
        with cluster.running():
            with psycopg.connect(cluster.dsn) as connection:
                connection.execute(fix_gate.TABLE)
            run = gate.start()
        with cluster.running():
            gate.decide(run)
            assert_approved_once(gate, run)


AFTER_THE_CODE = {
    "while its code is used up": "runbooks.audit_log",
    "while the act is under way": "public.kept",
}


@pytest.mark.parametrize("place", AFTER_THE_CODE)
def test_the_run_is_killed_after_a_right_code_and_a_retry_asks_nobody(mortal: Mortal, gate: Gate, place: str):
    """Its worker is killed with it, since that one would say only later that the run has crashed."""
    run = gate.start()
    table = sql.Identifier(*AFTER_THE_CODE[place].split("."))
    with psycopg.connect(gate.dsn) as holder:
        # It lets everybody read, and nobody add a row.
        holder.execute(sql.SQL("lock table {} in share mode").format(table))
        gate.decide(run)
        wait_until(lambda: held_up(gate), seconds=PATIENCE, pause=PAUSE)
        mortal.kill("worker")
        # As the network does it, sooner or later, that tells the server that nobody is there any more.
        assert fix_app.ask(gate.dsn, f"select pg_terminate_backend(pid) {HELD_UP}") == [(True,)]
        wait_until(lambda: not held_up(gate))
    assert gate.kept() == []
    mortal.start("worker")
    gate.retry(run)
    assert_approved_once(gate, run)
    assert len(used_codes.purposes(audit_store.folder(gate.root), "production")) == 1


HELD_UP = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


def held_up(gate: Gate) -> bool:
    """Whether a run waits for a lock, having sent what adds a row."""
    return fix_app.ask(gate.dsn, f"select query ~* '^(--[^\n]*\n)*insert into' {HELD_UP}") == [(True,)]
