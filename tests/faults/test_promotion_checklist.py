"""A promotion with a checklist, disturbed while it is open and after: it goes on, and asks nobody for either twice."""

from __future__ import annotations

from functools import partial

import pytest

from ops import embedded
from tests import fix_proxy
from tests.faults import matrix, promoted, restarts, strikes
from tests.faults.matrix import (
    CHECKLIST,
    CHECKLIST_ROWS,
    CUT,
    FIRST_WINS,
    IN_THE_MIDST,
    KILLED,
    LOCK,
    OPEN,
    OPERATOR,
    RESTARTED,
)
from tests.faults.promoted import APPROVES, Place, Victim
from tests.faults.promotion_kinds import Listed
from tests.faults.promotion_site import spread
from tests.faults.strikes import disturbed
from tests.fix_faults import MakeProduction

GATE = "after Watch the database"
EXCHANGES = 28
BEFORE = [Place(GATE, "asked", 1), *(Place(step, "before") for step in CHECKLIST_ROWS[1:])]
saw = partial(matrix.saw, table=CHECKLIST)
fills = partial(matrix.fills, table=CHECKLIST)


def listed(make_production: MakeProduction, *arguments: embedded.Server, tcp: bool = False) -> Listed:
    made = make_production(*arguments, tcp=tcp, kind=Listed)
    assert isinstance(made, Listed)
    return made


def row_of(place: Place) -> str:
    return OPEN if place.step == GATE else place.step


def test_undisturbed_two_questions_are_asked_and_both_have_an_outcome(make_production: MakeProduction):
    production = listed(make_production)
    ended = promoted.run(production.next)
    assert (ended.state, ended.asked) == ("promoted", 2 * len(APPROVES)), ended
    before = [each.step for each in ended.places if each.event == "before"]
    assert before[before.index(CHECKLIST_ROWS[1]) :] == CHECKLIST_ROWS[1:]
    assert sum(p.step == GATE and p.event == "under way" for p in ended.places) == EXCHANGES
    production.assert_whole()


@fills(KILLED, map(row_of, BEFORE))
@pytest.mark.parametrize("place", BEFORE, ids=row_of)
def test_killed_before(make_production: MakeProduction, place: Place):
    saw(row_of(place), KILLED, strikes.killed(listed(make_production), place))


@fills(IN_THE_MIDST, [OPEN])
def test_killed_while_the_audit_log_is_written_to(make_production: MakeProduction):
    midst = [Place(GATE, "under way", number) for number in spread(GATE, EXCHANGES)]
    saw(OPEN, IN_THE_MIDST, [strikes.killed(listed(make_production), place) for place in midst])


@fills(CUT, map(row_of, BEFORE))
def test_all_connections_are_cut(make_production: MakeProduction, listening: embedded.Server):
    production = listed(make_production, listening, tcp=True)
    with fix_proxy.proxy(listening.port) as road:
        seen = disturbed(production, strikes.through(road, production), BEFORE, road.close)
    for place, word in seen.items():
        saw(row_of(place), CUT, word)


@fills(RESTARTED, map(row_of, BEFORE))
def test_the_database_restarts(own_server: restarts.Own, make_production: MakeProduction):
    production = listed(make_production, own_server.server)
    for place, word in disturbed(production, production.run, BEFORE, own_server.restart).items():
        saw(row_of(place), RESTARTED, word)


@fills(LOCK, map(row_of, BEFORE))
def test_the_lock_is_taken_away(make_production: MakeProduction):
    production = listed(make_production)
    take_away = partial(strikes.take_lock_away, production)
    for place, word in disturbed(production, production.run, BEFORE, take_away).items():
        saw(row_of(place), LOCK, word)


@fills(OPERATOR, map(row_of, BEFORE))
def test_a_second_operator(make_production: MakeProduction):
    production = listed(make_production)
    first = Victim(production.next.waiting(*BEFORE))
    seen: list[Place] = []
    while here := first.wait():
        second = promoted.run(production.run)
        assert (second.verdict, second.asked) == ("refused", 0), second
        seen.append(here)
        first.go_on()
    assert first.end().state == "promoted"
    production.assert_whole()
    assert seen == BEFORE
    for place in seen:
        saw(row_of(place), OPERATOR, FIRST_WINS)
