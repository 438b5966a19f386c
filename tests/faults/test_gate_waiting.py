"""What may happen while a run waits at its gate: a right approval gets through all the same."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from deployments import stack as local_stack
from deployments.stack import Stack
from ops import binaries, homes, os_user, postmaster, ready_data
from ops.os_user import OsUser
from ops.shape import offered
from tests import fix_gate
from tests.faults.mortal import answers, kill, started
from tests.fix_gate import PATIENCE, Gate, MakeGate
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def mortal() -> Generator[Stack]:
    """A stack of these tests' own, since its processes are killed."""
    with local_stack.running() as running:
        yield running


@pytest.fixture
def gate(mortal: Stack, make_gate: MakeGate) -> Gate:
    return make_gate(mortal)


def test_the_server_and_the_worker_are_killed_while_a_run_waits(gate: Gate):
    run = gate.start()
    server = kill(gate.stack, "server")
    assert not answers(gate.stack)
    with started(gate.stack, server):
        wait_until(lambda: answers(gate.stack), seconds=PATIENCE)
        worker = kill(gate.stack, "worker")
        wait_until(lambda: gate.given(run, **gate.typed("grace")) == "ACCEPT", seconds=PATIENCE)
        with started(gate.stack, worker):
            assert gate.ended(run) == "Completed"
            assert gate.kept() == [str(run)]
            assert gate.events() == [("asked", ""), ("approved", "grace"), ("ended", "")]


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
            assert gate.ended(run) == "Completed"
            assert gate.kept() == [str(run)]
            assert gate.events() == [("asked", ""), ("approved", "grace"), ("ended", "")]
