"""A promotion whose connections are cut, whose answers are lost, whose lock is taken away, whose database restarts.

Either the same run tries again and comes to its end, or it says that it was cut off and the next one goes on.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ops import embedded
from tests import fix_proxy
from tests.faults import matrix, promoted, restarts
from tests.faults.matrix import CUT, GONE, LOCK, LOST, RESTARTED
from tests.faults.promoted import Place, Victim
from tests.faults.promotion_site import ACT, EXCHANGES, GATE, STEPS, Site, spread
from tests.faults.strikes import disturbed, take_lock_away, through
from tests.fix_faults import MakeProduction
from tests.fix_proxy import Proxy

BOUNDARIES = [Place(step, "before") for step in STEPS]
QUESTION = Place(GATE, "asked", 1)


def chains() -> list[list[Place]]:
    """Return places of each step of the act, so that each chain has at most one of a step."""
    by_step = [[Place(step, "sent", number) for number in spread(step)] for step in ACT]
    return [[each[n] for each in by_step if n < len(each)] for n in range(max(map(len, by_step)))]


@matrix.fills(CUT, [matrix.QUESTION, *STEPS])
def test_all_connections_are_cut_before_each_step(
    make_production: MakeProduction, listening: embedded.Server
):
    production = make_production(listening, tcp=True)
    with fix_proxy.proxy(listening.port) as road:
        seen = disturbed(production, through(road, production), [*BOUNDARIES, QUESTION], road.close)
    for place, word in seen.items():
        matrix.saw(row_of(place), CUT, word)


@matrix.fills(LOST, ACT)
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


@matrix.fills(GONE, ACT)
def test_the_network_is_gone_for_the_rest_of_the_run(
    make_production: MakeProduction, listening: embedded.Server
):
    production = make_production(listening, tcp=True)
    for step in ACT:
        with fix_proxy.proxy(listening.port, cut="dead") as road:
            run = through(road, production)
            going = Victim(replace(run, typed=production.next.typed).waiting(Place(step, "before")))
            assert going.wait()
            road.happened = True
            road.close()
            going.go_on()
            assert going.end().verdict == "unavailable"
        production.await_quiet()
        production.assert_consistent()
        matrix.saw(step, GONE, production.word)
        advance(production, step)
    production.run_again()


def advance(production: Site, step: str) -> None:
    """Promote to the end of a step, and die there."""
    assert promoted.run(production.next.dying(Place(step, "after"))).code == -9
    production.await_quiet()


@matrix.fills(LOCK, STEPS[STEPS.index(ACT[1]) :])
def test_the_lock_is_taken_away_before_each_step_of_the_act(make_production: MakeProduction):
    production = make_production()

    places = [Place(step, "before") for step in STEPS[STEPS.index(ACT[1]) :]]
    for place, word in disturbed(
        production, production.run, places, partial(take_lock_away, production)
    ).items():
        matrix.saw(place.step, LOCK, word)


@matrix.fills(RESTARTED, [matrix.QUESTION, *STEPS])
def test_the_database_restarts_before_each_step_and_in_the_midst_of_each_of_the_act(
    own_server: restarts.Own, make_production: MakeProduction
):
    production = make_production(own_server.server)
    midst = [Place(step, "under way", EXCHANGES[step] // 2 + 1) for step in ACT]

    seen = disturbed(production, production.run, [*BOUNDARIES, QUESTION, *midst], own_server.restart)
    for row in [matrix.QUESTION, *STEPS]:
        matrix.saw(row, RESTARTED, [word for place, word in seen.items() if row_of(place) == row])


def row_of(place: Place) -> str:
    return matrix.QUESTION if place == QUESTION else place.step
