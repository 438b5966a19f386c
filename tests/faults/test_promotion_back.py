"""A promotion that rolls everything back, disturbed from the file that fails on: it goes on back, and asks nobody."""

from __future__ import annotations

from functools import partial

import pytest

from ops import embedded
from tests import fix_proxy
from tests.faults import matrix, promoted, restarts, strikes
from tests.faults.matrix import (
    BACK,
    BACK_ROWS,
    CUT,
    FIRST_WINS,
    IN_THE_MIDST,
    KILLED,
    LOCK,
    LOST,
    OPERATOR,
    RESTARTED,
)
from tests.faults.promoted import Place, Victim
from tests.faults.promotion_kinds import Falling
from tests.faults.promotion_site import APPLY, OUTCOME, STEPS, spread
from tests.faults.strikes import disturbed
from tests.fix_faults import MakeProduction

FALLS, BACKWARDS = APPLY[-1], "Settle what was applied"
EXCHANGES = {FALLS: 8, BACKWARDS: 58, OUTCOME: 7}
HELD = [Place(step, "before") for step in BACK_ROWS if step in STEPS]
saw = partial(matrix.saw, table=BACK)
fills = partial(matrix.fills, table=BACK)


def falling(make_production: MakeProduction, *arguments: embedded.Server, tcp: bool = False) -> Falling:
    made = make_production(*arguments, tcp=tcp, kind=Falling)
    assert isinstance(made, Falling)
    return made


def midst(step: str) -> list[int]:
    return spread(step, EXCHANGES[step])


def test_undisturbed_all_is_rolled_back_and_when_mended_it_is_asked_for_and_promoted(
    make_production: MakeProduction,
):
    production = falling(make_production)
    ended = promoted.run(production.next)
    assert (ended.code, ended.verdict, ended.state) == (0, "failed", "rolled back"), ended
    assert [each.step for each in ended.places if each.event == "before"] == STEPS
    counts = {
        step: sum(p.step == step and p.event == "under way" for p in ended.places) for step in EXCHANGES
    }
    assert counts == EXCHANGES, "the exchanges that are interrupted below are not all there are"
    production.assert_whole()
    production.mend()
    again = promoted.run(production.run.asked())
    assert (again.state, again.asked) == ("promoted", 3), again
    assert production.ask("select count(*), min(n), max(n) from public.notes") == [(5, 11111, 11111)]


@fills(KILLED, [place.step for place in HELD])
@pytest.mark.parametrize("place", HELD, ids=lambda place: place.step)
def test_killed_before_a_step(make_production: MakeProduction, place: Place):
    saw(place.step, KILLED, strikes.killed(falling(make_production), place))


@fills(IN_THE_MIDST, [FALLS, BACKWARDS, matrix.OUTCOME])
@pytest.mark.parametrize(("row", "step"), [(FALLS, FALLS), (BACKWARDS, BACKWARDS), (matrix.OUTCOME, OUTCOME)])
def test_killed_in_the_midst(make_production: MakeProduction, row: str, step: str):
    seen = [strikes.killed(falling(make_production), Place(step, "under way", n)) for n in midst(step)]
    saw(row, IN_THE_MIDST, seen)


@fills(CUT, [place.step for place in HELD])
def test_all_connections_are_cut_before_each_step(
    make_production: MakeProduction, listening: embedded.Server
):
    production = falling(make_production, listening, tcp=True)
    with fix_proxy.proxy(listening.port) as road:
        seen = disturbed(production, strikes.through(road, production), HELD, road.close)
    for place, word in seen.items():
        saw(place.step, CUT, word)


@fills(LOST, [BACKWARDS])
def test_answers_are_lost_in_the_midst(make_production: MakeProduction, listening: embedded.Server):
    seen = list[str]()
    for number in midst(BACKWARDS):
        production = falling(make_production, listening, tcp=True)
        with fix_proxy.proxy(listening.port) as road:

            def lose(road: fix_proxy.Proxy = road) -> None:
                road.deaf = True

            place = Place(BACKWARDS, "sent", number)
            seen += disturbed(production, strikes.through(road, production), [place], lose).values()
    saw(BACKWARDS, LOST, seen)


@fills(LOCK, [place.step for place in HELD])
def test_the_lock_is_taken_away_before_each_step(make_production: MakeProduction):
    production = falling(make_production)
    take_away = partial(strikes.take_lock_away, production)
    for place, word in disturbed(production, production.run, HELD, take_away).items():
        saw(place.step, LOCK, word)


@fills(RESTARTED, [place.step for place in HELD])
def test_the_database_restarts_before_each_step_and_in_its_midst(
    own_server: restarts.Own, make_production: MakeProduction
):
    production = falling(make_production, own_server.server)
    midst = Place(BACKWARDS, "under way", EXCHANGES[BACKWARDS] // 2)
    seen = disturbed(production, production.run, [*HELD, midst], own_server.restart)
    for row in dict.fromkeys(place.step for place in seen):
        saw(row, RESTARTED, [word for place, word in seen.items() if place.step == row])


@fills(OPERATOR, [place.step for place in HELD])
def test_a_second_operator_while_it_is_rolled_back(make_production: MakeProduction):
    production = falling(make_production)
    first = Victim(production.next.waiting(*HELD, Place(BACKWARDS, "under way", EXCHANGES[BACKWARDS] // 2)))
    seen: list[Place] = []
    while here := first.wait():
        second = promoted.run(production.run)
        assert (second.verdict, second.asked) == ("refused", 0), second
        assert "Another run is working on this database: promotion-" in second.summary
        seen.append(here)
        first.go_on()
    assert first.end().state == "rolled back"
    production.assert_whole()
    for row in dict.fromkeys(place.step for place in seen):
        saw(row, OPERATOR, FIRST_WINS)
