"""One promotion whose Prefect server, and one whose worker, is killed and started again at each place there is."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from deployments import stack as local_stack
from tests import preforked
from tests.faults import matrix
from tests.faults.matrix import PREFECT, RETRIED, SAYS, SURVIVES, THROUGH_PREFECT
from tests.faults.mortal import Mortal
from tests.faults.test_promotion_prefect import assert_promoted_once
from tests.fix_gate import PATIENCE
from tests.fix_promotion import MakeGuarded, Production
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(900)]
# What `held.py` reads, which the forked processes import.
HELD = "RUNBOOKS_TEST_HELD"
INDEX = "create index concurrently notes_owner_idx on public.notes (owner);\n"
# The steps that any promotion has, and a place in the midst of each of its files.
PLACES = {
    "Plan the promotion",
    "Check connectivity",
    "Put the plan together",
    "Approved: promote",
    "Take hold of the database",
    "Settle what was applied",
    "Ask the release gates",
    "Watch the database",
    "Approved: post-deployment",
    "Record the post-deployment checklist",
    "Hand off the promotion",
    "End the record of the promotion",
}


class Folder:
    """Where a run waits at each place for the word of a test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.passed: list[str] = []
        self.process = 0

    def forget(self) -> None:
        self.passed = []
        (self.path / "passed").write_text("")
        (self.path / "armed").touch()

    def go_on(self) -> None:
        (self.path / "at").unlink()

    def place(self) -> str | None:
        """Return the place at which a run has come to wait, if it has; from then on it is one that is passed."""
        at = self.path / "at"
        if not at.exists():
            return None
        place, self.process = json.loads(at.read_text("utf-8"))
        if place not in self.passed:
            self.passed.append(place)
            (self.path / "passed").write_text("\n".join(self.passed))
        return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    made = Folder(tmp_path_factory.mktemp("held"))
    (made.path / "passed").touch()
    return made


@pytest.fixture(scope="module")
def mortal(folder: Folder) -> Generator[Mortal]:
    extra = {"PREFECT_WORKER_QUERY_SECONDS": "0.5", HELD: str(folder.path)}
    with ExitStack() as ends:
        running = ends.enter_context(local_stack.running(extra=extra))
        forks = ends.enter_context(preforked.serving(running, extra, "tests.faults.held"))
        made = Mortal(running, forks=forks, extra=extra)
        ends.callback(made.close)
        yield made


@pytest.fixture
def production(mortal: Mortal, make_guarded: MakeGuarded, folder: Folder) -> Production:
    made = make_guarded(mortal.stack)
    path = made.root / "runbooks.toml"
    path.write_text(path.read_text().replace("checklist = []", 'checklist = ["Look at the notes."]'))
    made.shop.add("20260103500000_index", INDEX, "drop index concurrently public.notes_owner_idx;\n")
    assert made.shop.rehearse().ok
    folder.forget()
    return made


def places(production: Production, run: UUID, folder: Folder) -> Iterator[str]:
    """Yield each place where the run waits for the word, and the questions that it asks, until it is over."""
    asked = set[str]()

    def happened() -> bool:
        if folder.place():
            return True
        question = production.question(run)
        return question not in asked if question else production.is_over(run)

    while True:
        wait_until(happened, seconds=PATIENCE, pause=0.3)
        if place := folder.place():
            yield place
        elif question := production.question(run):
            asked.add(question)
            yield question
        else:
            return


def answered(production: Production, run: UUID, question: str) -> None:
    """Let the next person answer what is asked."""
    if "Who asks for" in question:
        said = {"requester": "ada", "code": production.code("ada"), "note": ""}
    else:
        said = production.typed("linus" if "checklist" in question else "grace")
    wait_until(lambda: production.given(run, **said) == "ACCEPT", seconds=PATIENCE, pause=0.3)


def is_question(place: str) -> bool:
    return place.startswith("**")


def assert_every_place_was_struck(struck: list[str], production: Production) -> None:
    assert set(struck) >= PLACES
    files = {Path(file).name for (file,) in production.shop.ask("select file from runbooks.journal")}
    assert {place.removeprefix("in the midst of ") for place in struck if place.startswith("in the")} == files
    assert len([place for place in struck if is_question(place)]) == 3


@matrix.fills(SAYS, [THROUGH_PREFECT[3]], table=PREFECT)
def test_the_server_is_killed_at_each_place_and_the_run_survives(
    mortal: Mortal, production: Production, folder: Folder
):
    run = production.begin()
    struck: list[str] = []
    for place in places(production, run, folder):
        struck.append(place)
        mortal.kill("server")
        if is_question(place):
            mortal.start("server")
            answered(production, run, place)
        else:
            # It goes on with nobody there, and finds the server when that is back.
            folder.go_on()
            mortal.start("server")
    assert_promoted_once(production, run, decisions=("requested", "approved", "approved"))
    assert_every_place_was_struck(struck, production)
    matrix.saw(THROUGH_PREFECT[3], SAYS, SURVIVES, table=PREFECT)


@matrix.fills(SAYS, [THROUGH_PREFECT[4]], table=PREFECT)
def test_the_worker_is_killed_with_its_run_at_each_place_and_the_run_goes_on_when_it_is_told_to(
    mortal: Mortal, production: Production, folder: Folder
):
    run = production.begin()
    struck: list[str] = []
    for place in places(production, run, folder):
        struck.append(place)
        mortal.kill("worker")
        if not is_question(place):
            wait_until(lambda: not psutil.pid_exists(folder.process))
            folder.go_on()
        mortal.start("worker")
        if is_question(place):
            answered(production, run, place)
        else:
            assert production.state(run) == "Running"
            production.retry(run)
    assert_promoted_once(production, run, decisions=("requested", "approved", "approved"))
    assert_every_place_was_struck(struck, production)
    matrix.saw(THROUGH_PREFECT[4], SAYS, RETRIED, table=PREFECT)
