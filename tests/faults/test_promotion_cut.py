"""A promotion whose connections are cut, whose answers are lost, whose lock is taken away, whose database restarts.

Either the same run tries again and comes to its end, or it says that it was cut off and the next one goes on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Generator, Iterable

import pytest
from psycopg import conninfo

from ops import embedded
from tests import fix_proxy
from tests.faults import matrix, promoted, restarts
from tests.faults.matrix import ANEW, CUT, GOES_ON, GONE, LOCK, LOST, RESTARTED, SURVIVES
from tests.faults.promoted import Place, Run, Victim
from tests.faults.promotion_site import ACT, EXCHANGES, GATE, STEPS, Site, spread
from tests.fix_faults import MakeProduction
from tests.fix_proxy import Proxy
from tests.polling import wait_until

BOUNDARIES = [Place(step, "before") for step in STEPS]
QUESTION = Place(GATE, "asked", 1)
_HOLDER = "select pid from pg_locks where locktype = 'advisory' and classid = 1398096451 and granted"


def disturbed(
    production: Site, run: Run, places: Iterable[Place], strike: Callable[[], None]
) -> dict[Place, str]:
    """Strike at each of these places, in as few runs as it takes, and say of each what came of it."""
    left, seen = list(places), dict[Place, str]()
    while True:
        was_left, begun = list(left), production.begun
        going = Victim((run if begun else run.asked()).waiting(*left))
        while here := going.wait():
            left.remove(here)
            seen |= {each: SURVIVES for each in seen if seen[each] == "struck"}
            seen[here] = "struck"
            strike()
            going.go_on()
        ended = going.end()
        assert ended.code == 0, ended
        assert ended.verdict in ("passed", "unavailable"), ended
        production.await_quiet()
        production.assert_consistent()
        after = SURVIVES if ended.verdict == "passed" else GOES_ON if production.begun else ANEW
        seen = {place: after if word == "struck" else word for place, word in seen.items()}
        if ended.verdict == "passed" or left == was_left:
            assert left == [], (left, ended)
            production.run_again()
            return seen


def through(road: Proxy, production: Site) -> Run:
    dsn = conninfo.make_conninfo(production.dsn, host="127.0.0.1", port=road.port)
    return promoted.Run(production.root, dsn)


def chains() -> list[list[Place]]:
    """Return places of each step of the act, so that each chain has at most one of a step."""
    by_step = [[Place(step, "sent", number) for number in spread(step)] for step in ACT]
    return [[each[n] for each in by_step if n < len(each)] for n in range(max(map(len, by_step)))]


def test_all_connections_are_cut_before_each_step(
    make_production: MakeProduction, listening: embedded.Server
):
    production = make_production(listening, tcp=True)
    with fix_proxy.proxy(listening.port) as road:
        seen = disturbed(production, through(road, production), [*BOUNDARIES, QUESTION], road.close)
    for place, word in seen.items():
        matrix.saw(row_of(place), CUT, word)


def test_answers_are_lost_in_the_midst_of_the_act(
    make_production: MakeProduction, listening: embedded.Server
):
    seen = list[tuple[str, str]]()
    for places in chains():
        production = make_production(listening, tcp=True)
        with fix_proxy.proxy(listening.port) as road:

            def lose(road: Proxy = road) -> None:
                road.deaf = True

            found = disturbed(production, through(road, production), places, lose)
        seen += [(place.step, word) for place, word in found.items()]
    for step in ACT:
        matrix.saw(step, LOST, [word for where, word in seen if where == step])


def test_the_network_is_gone_for_the_rest_of_the_run(
    make_production: MakeProduction, listening: embedded.Server
):
    production = make_production(listening, tcp=True)
    for step in ACT:
        with fix_proxy.proxy(listening.port, cut="dead") as road:
            run = through(road, production)
            begun = production.begun
            going = Victim((run if begun else run.asked()).waiting(Place(step, "before")))
            assert going.wait()
            road.happened = True
            road.close()
            going.go_on()
            assert going.end().verdict == "unavailable"
        production.await_quiet()
        production.assert_consistent()
        matrix.saw(step, GONE, GOES_ON if production.begun else ANEW)
        advance(production, step)
    production.run_again()


def advance(production: Site, step: str) -> None:
    """Promote to the end of a step, and die there."""
    run = production.run if production.begun else production.run.asked()
    assert promoted.run(run.dying(Place(step, "after"))).code == -9
    production.await_quiet()


def test_the_lock_is_taken_away_before_each_step_of_the_act(make_production: MakeProduction):
    production = make_production()

    def take_away() -> None:
        for (pid,) in production.ask(_HOLDER + HERE):
            production.ask(f"select pg_terminate_backend({pid})")
        wait_until(lambda: production.ask(_HOLDER + HERE) == [])

    places = [Place(step, "before") for step in STEPS[STEPS.index(ACT[1]) :]]
    for place, word in disturbed(production, production.run, places, take_away).items():
        matrix.saw(place.step, LOCK, word)


HERE = " and database = (select oid from pg_database where datname = current_database())"


@pytest.fixture
def own() -> Generator[tuple[embedded.Server, list[subprocess.Popen[bytes]]]]:
    """A server of this test's own, and what it was started again as."""
    again: list[subprocess.Popen[bytes]] = []
    with embedded.running() as server:
        yield server, again
    for process in again:
        process.communicate()


def test_the_database_restarts_before_each_step_and_in_the_midst_of_each_of_the_act(
    own: tuple[embedded.Server, list[subprocess.Popen[bytes]]], make_production: MakeProduction
):
    server, again = own
    production = make_production(server)
    midst = [Place(step, "under way", EXCHANGES[step] // 2 + 1) for step in ACT]

    def restart() -> None:
        again.append(restarts.restart(server, "immediate" if len(again) % 2 else "fast"))

    seen = disturbed(production, production.run, [*BOUNDARIES, QUESTION, *midst], restart)
    for row in [matrix.QUESTION, *STEPS]:
        matrix.saw(row, RESTARTED, [word for place, word in seen.items() if row_of(place) == row])


def row_of(place: Place) -> str:
    return matrix.QUESTION if place == QUESTION else place.step
