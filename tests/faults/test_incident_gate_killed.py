"""kill -9 after a re-upload was approved by people who prove their names: a retry asks nobody, and uploads once."""

from __future__ import annotations

from collections.abc import Generator

import psycopg
import pytest
from psycopg import sql

from deployments import stack as local_stack
from tests import fix_app
from tests.faults.mortal import Mortal
from tests.fix_gate import PATIENCE, PAUSE
from tests.fix_incident import Incident, MakeIncident
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]
AFTER_THE_CODE = {
    "while its code is used up": "runbooks.audit_log",
    "while the object is uploaded": "storage.objects",
}
HELD_UP = (
    "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    " and query ~* '^(--[^\n]*\n)*insert into'"
)


@pytest.fixture(scope="module")
def mortal() -> Generator[Mortal]:
    """A stack of these tests' own, since its worker is killed."""
    with local_stack.running() as running:
        made = Mortal(running)
        yield made
        made.close()


@pytest.mark.parametrize("place", AFTER_THE_CODE)
def test_the_run_is_killed_after_a_right_code_and_a_retry_uploads_once_and_asks_nobody(
    mortal: Mortal, make_incident: MakeIncident, place: str
):
    incident = make_incident(mortal.stack, "re-upload")
    run = incident.begin()
    incident.request(run, "ada")
    table = sql.Identifier(*AFTER_THE_CODE[place].split("."))
    with psycopg.connect(incident.dsn) as holder:
        # It lets everybody read, and nobody add a row.
        holder.execute(sql.SQL("lock table {} in share mode").format(table))
        incident.decide(run, "grace")
        wait_until(lambda: held_up(incident), seconds=PATIENCE, pause=PAUSE)
        mortal.kill("worker")
        if table.as_string() == '"runbooks"."audit_log"':
            # As the network does it, sooner or later, that tells the server that nobody is there any more.
            assert fix_app.ask(incident.dsn, f"select pg_terminate_backend(pid) {HELD_UP}") == [(True,)]
            wait_until(lambda: not held_up(incident))
        assert incident.acted() == 0
    mortal.start("worker")
    incident.retry(run)
    assert incident.ended(run) == "Completed", incident.message(run)
    assert incident.acted() == 1
    decided = [("asked", ""), ("requested", "ada"), ("asked", ""), ("approved", "grace")]
    assert incident.events() == [*decided, ("ended", "")]
    said = incident.result(run, "re-upload")
    assert said["approved"]["by"] == ["grace"]
    assert [each["state"] for each in said["objects"]] == ["uploaded"]


def held_up(incident: Incident) -> bool:
    """Whether a run, or Storage for it, waits for a lock, having sent what adds a row."""
    return fix_app.ask(incident.dsn, f"select count(*) {HELD_UP}") == [(1,)]
