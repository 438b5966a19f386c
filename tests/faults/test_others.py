"""Other sessions on the same database: one that holds a lock, and another rehearsal."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import embedded
from tests.faults import victim
from tests.faults.site import NUMBERS, Site, await_waiting, held_up, site
from tests.faults.victim import Ended, Victim
from tests.polling import wait_until

ROWS = "select id, n from public.notes order by id"


@pytest.fixture
def impatient(tmp_path: Path, server: embedded.Server) -> Generator[Site]:
    """A site with a migration that waits for a lock, three times for half a second."""
    with site(tmp_path, server, waits=True, lock_timeout=timedelta(seconds=0.5)) as made:
        yield made


@pytest.fixture
def waiting(tmp_path: Path, server: embedded.Server) -> Generator[Site]:
    with site(tmp_path, server, waits=True) as made:
        yield made


def the_one_that_waits(ended: Ended) -> dict[str, Any]:
    assert ended.result
    return next(m for m in ended.result["migrations"] if m["file"].endswith("_waits.sql"))


def attempts(staging: Site) -> list[str]:
    """Return what the attempt log of the last run says about attempts."""
    (log,) = sorted(staging.run.out.rglob("mcp_attempt1.jsonl"))[-1:]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["summary"] for line in lines if line["event"] == "attempt"]


def test_a_lock_that_is_let_go_is_waited_for(impatient: Site) -> None:
    with held_up(impatient):
        going = Victim(impatient.run)
        await_waiting(impatient)
        waits = "select count(*) from pg_locks where locktype = 'advisory' and objid = 42 and not granted"
        wait_until(lambda: impatient.ask(waits) == [(0,)])
    ended = going.end()
    assert ended.verdict == "passed", ended
    found = the_one_that_waits(ended)
    assert found["attempts"] in (2, 3)
    assert "attempt 1 of 3: " in "".join(found["findings"])
    assert "lock timeout" in attempts(impatient)[0]
    impatient.assert_whole()


def test_a_lock_that_is_kept_fails_the_migration_after_three_attempts(impatient: Site) -> None:
    with held_up(impatient):
        ended = victim.run(impatient.run)
        assert ended.verdict == "failed"
        found = the_one_that_waits(ended)
        assert (found["status"], found["attempts"]) == ("failed", 3)
        assert found["error"]["sqlstate"] == "55P03"
        assert found["error"]["line"] == 2
        assert [said[:14] for said in attempts(impatient)] == ["attempt 1 of 3", "attempt 2 of 3"]
        assert impatient.ask(NUMBERS) == [(5, 1, 1)]
        assert impatient.pending()[0] == "20260102500000"
        impatient.assert_consistent()
    assert victim.run(impatient.run).verdict == "passed"
    impatient.assert_whole()


def test_a_table_that_somebody_else_locks(impatient: Site) -> None:
    with held_up(impatient):
        going = Victim(impatient.run)
        await_waiting(impatient)
        with psycopg.connect(impatient.admin) as other:
            other.execute("lock table public.notes in share update exclusive mode nowait")
            going.kill()
            ended = victim.run(impatient.run)
            assert ended.verdict == "failed"
            assert the_one_that_waits(ended)["attempts"] == 3
    assert victim.run(impatient.run).verdict == "passed"
    impatient.assert_whole()


def test_of_two_rehearsals_at_once_the_second_is_refused_with_the_name_of_the_first(waiting: Site) -> None:
    with held_up(waiting):
        first = Victim(waiting.run)
        await_waiting(waiting)
        name = "select distinct application_name from pg_stat_activity where query like '%pg_advisory_xact_lock(42)'"
        ((running,),) = waiting.ask(name)
        before = waiting.ask(ROWS)
        second = victim.run(waiting.run)
        assert second.verdict == "refused"
        assert f"Another run is working on this database: {running}" in second.summary
        assert waiting.ask(ROWS) == before
    assert first.end().verdict == "passed"
    waiting.assert_whole()


def test_two_rehearsals_that_start_in_the_same_moment(waiting: Site) -> None:
    both = [Victim(waiting.run), Victim(waiting.run)]
    verdicts = sorted(each.end().verdict for each in both)
    assert verdicts in (["passed", "refused"], ["passed", "passed"])
    waiting.assert_whole()


def test_a_run_whose_lock_is_taken_away_commits_nothing_more(waiting: Site) -> None:
    holder = "select pid from pg_locks where locktype = 'advisory' and classid = 1398096451 and granted"
    with held_up(waiting):
        going = Victim(waiting.run)
        await_waiting(waiting)
        ((pid,),) = waiting.ask(holder)
        waiting.ask(f"select pg_terminate_backend({pid})")
        wait_until(lambda: waiting.ask(holder) == [])
    ended = going.end()
    assert ended.verdict == "unavailable"
    assert "lock is gone" in ended.summary
    assert waiting.pending()[0] == "20260102500000"
    assert victim.run(waiting.run).verdict == "passed"
    waiting.assert_whole()
