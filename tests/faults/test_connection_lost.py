"""A connection that is cut at any byte, and a server that restarts: an honest end, and another run goes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from ops import apply, embedded, reversal
from tests import fix_pgbouncer, fix_proxy, projects
from tests.faults import restarts, victim
from tests.faults.site import Site, await_waiting, site
from tests.faults.victim import Ended, Run, Victim
from tests.fix_proxy import Cut, Proxy
from tests.fix_site import MakeSite

# Of about half a million bytes; another offset gives another sample.
BYTES = range(5_000, 500_000, 75_000)


@pytest.fixture
def staging(tmp_path: Path, listening: embedded.Server) -> Generator[Site]:
    with site(tmp_path, listening) as made:
        yield made


def through(road: Proxy, staging: Site) -> Run:
    dsn = conninfo.make_conninfo(
        "",
        host="127.0.0.1",
        port=road.port,
        user="postgres",
        password=fix_pgbouncer.PASSWORD,
        dbname=staging.name,
    )
    return dataclasses.replace(staging.run, dsn=dsn)


def assert_honest(ended: Ended) -> None:
    """Check that a run that was cut off has either passed all the same, or said that it was cut off."""
    assert ended.code == 0, "it crashed"
    assert ended.verdict in ("passed", "unavailable"), ended


def run_again(staging: Site) -> None:
    staging.assert_consistent()
    ended = victim.run(staging.run)
    assert (ended.code, ended.verdict) == (0, "passed"), ended
    staging.assert_whole()


def test_the_proxy_itself_changes_nothing(staging: Site, listening: embedded.Server) -> None:
    with fix_proxy.proxy(listening.port) as road:
        ended = victim.run(through(road, staging))
    assert ended.verdict == "passed", ended
    assert road.seen > max(BYTES), "the bytes at which is cut below are not all sent"


@pytest.mark.parametrize("at", BYTES)
def test_one_connection_is_cut(staging: Site, listening: embedded.Server, at: int) -> None:
    _cut(staging, listening, at, "one")


@pytest.mark.parametrize("at", BYTES[::2])
def test_all_connections_are_cut(staging: Site, listening: embedded.Server, at: int) -> None:
    _cut(staging, listening, at + 10_000, "all")


@pytest.mark.parametrize("at", BYTES[::2])
def test_the_network_is_gone(staging: Site, listening: embedded.Server, at: int) -> None:
    _cut(staging, listening, at + 20_000, "dead")


def _cut(staging: Site, listening: embedded.Server, at: int, cut: Cut) -> None:
    with fix_proxy.proxy(listening.port, at=at, cut=cut) as road:
        ended = victim.run(through(road, staging))
    assert road.happened
    assert_honest(ended)
    run_again(staging)


def test_a_commit_whose_answer_is_lost_is_not_made_again(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_site(projects.sound)
    lost: list[psycopg.Connection] = []

    def lose(connection: psycopg.Connection, _: object) -> None:
        if not lost:
            lost.append(connection)
            connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr("ops.apply._wal_bytes", lose)
    migration = made.found()[0]
    outcome = apply.run(made.target, migration.script, reversal.forward_entry(migration))
    assert outcome.ok, outcome.failure
    assert outcome.attempts == 2
    assert "the commit of the last attempt had reached the server" in outcome.notes
    assert made.states()[migration.file] == "applied"


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_restarts_in_the_middle_of_a_migration(tmp_path: Path, mode: str) -> None:
    with embedded.running() as own, site(tmp_path, own, waits=True) as staging:
        blocker = psycopg.connect(staging.admin, autocommit=True)
        blocker.execute("select pg_advisory_lock(42)")
        going = Victim(staging.run)
        await_waiting(staging)
        again = restarts.restart(own, mode)
        blocker.close()
        assert_honest(going.end())
        run_again(staging)
    again.communicate()
