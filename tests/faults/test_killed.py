"""kill -9 wherever a rehearsal in place is: run again, and nothing is applied twice, lost, or left INVALID."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest

from ops import embedded
from tests.faults import victim
from tests.faults.site import INVALID, Site, await_waiting, held_up, site
from tests.faults.victim import Ended, Victim
from tests.polling import wait_until

KILLED = -9
STEPS = 19
# Every so many statements of about nine hundred; another offset gives another sample.
STATEMENTS = range(20, 900, 80)


@pytest.fixture
def staging(tmp_path: Path, server: embedded.Server) -> Generator[Site]:
    with site(tmp_path, server) as made:
        yield made


@pytest.fixture
def waiting(tmp_path: Path, server: embedded.Server) -> Generator[Site]:
    with site(tmp_path, server, waits=True) as made:
        yield made


def run_again(staging: Site) -> Ended:
    staging.assert_consistent()
    ended = victim.run(staging.run)
    assert (ended.code, ended.verdict) == (0, "passed"), ended
    staging.assert_whole()
    return ended


def test_undisturbed_it_passes_and_a_second_run_has_nothing_to_do(staging: Site) -> None:
    first = victim.run(staging.run)
    assert first.verdict == "passed", first
    assert first.counts
    assert first.counts["began"] == STEPS, "the boundaries that are tested below are not all there are"
    assert first.counts["sent"] >= max(STATEMENTS)
    staging.assert_whole()
    second = run_again(staging)
    assert second.result
    assert second.result["counts"]["applied"] == 0


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_at_a_step_boundary(staging: Site, step: int) -> None:
    assert victim.run(staging.run.dying("began", step)).code == KILLED
    run_again(staging)


@pytest.mark.parametrize("number", STATEMENTS)
def test_before_a_statement_or_after_it(staging: Site, number: int) -> None:
    kind = "sent" if number % 2 else "answered"
    assert victim.run(staging.run.dying(kind, number)).code == KILLED
    run_again(staging)


def test_again_and_again(staging: Site) -> None:
    for number in (250, 130, 60, 110, 30):
        victim.run(staging.run.dying("answered", number))
        staging.assert_consistent()
    run_again(staging)


def test_in_the_middle_of_a_migration(waiting: Site) -> None:
    with held_up(waiting):
        killed = Victim(waiting.run)
        await_waiting(waiting)
        killed.kill()
        assert waiting.pending()[0] == "20260102500000"
    run_again(waiting)


def test_a_statement_that_outlives_its_run_ends_by_itself(waiting: Site) -> None:
    with held_up(waiting):
        killed = Victim(waiting.run)
        await_waiting(waiting)
        killed.kill()
        left = "select count(*) from pg_stat_activity where application_name like 'rehearse-%'"
        wait_until(lambda: waiting.ask(left) == [(0,)])
    run_again(waiting)


def test_an_index_that_is_half_built(waiting: Site) -> None:
    with psycopg.connect(waiting.admin) as reader:
        reader.isolation_level = (
            psycopg.IsolationLevel.REPEATABLE_READ
        )  # keeps its snapshot, for which it is waited
        with held_up(waiting):
            killed = Victim(waiting.run)
            await_waiting(waiting)
            reader.execute("select count(*) from public.notes")
        building = "select count(*) from pg_stat_progress_create_index"
        wait_until(lambda: waiting.ask(building) == [(1,)], seconds=60)
        killed.kill()
        wait_until(lambda: waiting.ask(building) == [(0,)])
        assert waiting.ask(INVALID) == [("notes_n_idx",)]
    ended = run_again(waiting)
    assert ended.result
    found = next(m["findings"] for m in ended.result["migrations"] if m["file"].endswith("_index.sql"))
    assert "dropped the INVALID index public.notes_n_idx that an interruption had left" in found
