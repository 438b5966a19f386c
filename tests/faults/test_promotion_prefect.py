"""A promotion through a real Prefect whose worker and server are killed in the midst of the act, and while it waits."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from uuid import UUID

import psycopg
import pytest

from deployments import stack as local_stack
from ops import journal
from tests.faults import matrix
from tests.faults.matrix import GONE_ON, PREFECT, RETRIED, SAYS, THROUGH_PREFECT
from tests.faults.mortal import Mortal
from tests.fix_gate import PATIENCE
from tests.fix_promotion import MakeGuarded, Production
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
WAITS = "20260103500000_waits"
APPLIED = "select file from runbooks.journal where action = 'apply' order by id"


@pytest.fixture(scope="module")
def mortal() -> Generator[Mortal]:
    with local_stack.running() as running:
        made = Mortal(running)
        yield made
        made.close()


@pytest.fixture
def production(mortal: Mortal, make_guarded: MakeGuarded) -> Production:
    """A production whose third file waits for as long as somebody holds the lock 42."""
    made = make_guarded(mortal.stack)
    made.shop.add(WAITS, "select pg_advisory_xact_lock(42);\n", "select 1;\n")
    assert made.shop.rehearse().ok
    return made


@pytest.fixture
def held(production: Production) -> Generator[psycopg.Connection]:
    with psycopg.connect(production.shop.admin_dsn, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(42)")
        yield connection


def approved(production: Production) -> UUID:
    """Start a promotion, have it approved, and return when it is in the midst of the file that waits."""
    run = production.promote()
    production.request(run, "ada")
    wait_until(lambda: production.given(run, **production.typed("grace")) == "ACCEPT", seconds=PATIENCE)
    in_the_midst(production)
    return run


def in_the_midst(production: Production, *, waiting: int = 1) -> None:
    """Wait until a run is held up, or none is."""
    held_up = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted"
    wait_until(lambda: production.shop.ask(held_up) == [(waiting,)], seconds=PATIENCE)


def assert_promoted_once(
    production: Production, run: UUID, *, decisions: Sequence[str] = ("requested", "approved")
) -> None:
    assert production.ended(run) == "Completed", production.message(run)
    found = production.result(run)
    assert (found.state, found.decision.by) == ("promoted", ("grace",))
    files = [file for (file,) in production.shop.ask(APPLIED)]
    assert len(files) == len(set(files)) == 6
    decided = [event for event, _ in production.events() if event in ("requested", "approved")]
    assert decided == list(decisions)
    assert production.events()[-1] == ("ended", "")


@matrix.fills(SAYS, [THROUGH_PREFECT[0]], table=PREFECT)
def test_the_worker_is_killed_in_the_midst_of_a_file_and_a_new_run_or_the_old_one_goes_on(
    mortal: Mortal, production: Production, held: psycopg.Connection
):
    first = approved(production)
    mortal.kill("worker")
    in_the_midst(production, waiting=0)
    mortal.start("worker")
    production.begin()
    in_the_midst(production)
    mortal.kill("worker")
    held.close()
    mortal.start("worker")
    production.retry(first)
    assert_promoted_once(production, first)
    matrix.saw(THROUGH_PREFECT[0], SAYS, [RETRIED, GONE_ON], table=PREFECT)


@matrix.fills(SAYS, [THROUGH_PREFECT[5]], table=PREFECT)
def test_the_worker_is_killed_alone_and_its_run_ends_with_a_word_and_goes_on_when_it_is_told_to(
    mortal: Mortal, production: Production, held: psycopg.Connection
):
    mortal.kill("worker")
    # Without the leash, which would end the run with its worker.
    mortal.start("worker")
    run = approved(production)
    mortal.kill_alone("worker")
    mortal.start("worker")
    in_the_midst(production)
    held.close()
    assert production.ended(run) == "Crashed"
    production.retry(run)
    assert_promoted_once(production, run)
    matrix.saw(THROUGH_PREFECT[5], SAYS, RETRIED, table=PREFECT)


@matrix.fills(SAYS, THROUGH_PREFECT[1:3], table=PREFECT)
def test_the_server_is_killed_while_it_waits_and_while_it_acts_and_an_approval_outlasts_a_refusal(
    mortal: Mortal, production: Production, held: psycopg.Connection
):
    run = production.promote()
    production.request(run, "ada")
    mortal.kill("server")
    mortal.start("server")
    with journal.held(production.shop.dsn, "somebody else"):
        wait_until(lambda: production.given(run, **production.typed("grace")) == "ACCEPT", seconds=PATIENCE)
        assert production.ended(run) == "Failed"
        assert "somebody else" in production.message(run)
    production.retry(run)
    in_the_midst(production)
    matrix.saw(THROUGH_PREFECT[1], SAYS, RETRIED, table=PREFECT)
    mortal.kill("server")
    mortal.start("server")
    held.close()
    if production.ended(run) != "Completed":
        production.retry(run)
    assert_promoted_once(production, run)
    matrix.saw(THROUGH_PREFECT[2], SAYS, RETRIED, table=PREFECT)
