"""Others at the same production: a second operator, and hands that ask nobody, at each place from the question on."""

from __future__ import annotations

import psycopg
import pytest

from ops import queries
from tests.faults import matrix, promoted
from tests.faults.matrix import (
    APPLIED,
    FIRST_WINS,
    HANDS,
    NOT_PROVEN,
    OPERATOR,
    QUESTION,
    REFUSED,
    SECOND_WINS,
)
from tests.faults.promoted import Ended, Place, Victim
from tests.faults.promotion_site import ACT, GATE, MIXED, NOTES, STEPS, Site
from tests.fix_faults import MakeProduction

ASKED = Place(GATE, "asked", 1)
BEFORE = [
    ASKED,
    *(Place(step, "before") for step in STEPS[STEPS.index("Approved: promote") : STEPS.index(ACT[1])]),
]
HELD = [Place(step, "before") for step in STEPS[STEPS.index(ACT[1]) :]]
HERE = [ASKED, *(Place(step, "before") for step in ACT)]


def row_of(place: Place) -> str:
    return QUESTION if place == ASKED else place.step


def stopped(production: Site, place: Place) -> Victim:
    going = Victim(production.run.asked().waiting(place))
    assert going.wait() == place, going.end()
    return going


def went_on(going: Victim) -> Ended:
    going.go_on()
    ended = going.end()
    assert ended.code == 0, ended
    return ended


@matrix.fills(OPERATOR, map(row_of, BEFORE))
@pytest.mark.parametrize("place", BEFORE, ids=row_of)
def test_a_second_promotion_while_the_first_has_not_begun(make_production: MakeProduction, place: Place):
    production = make_production()
    first = stopped(production, place)
    second = promoted.run(production.run.asked())
    assert second.state == "promoted", second
    ended = went_on(first)
    assert (ended.verdict, ended.state) == ("refused", "not begun"), ended
    assert "What is pending is not what was approved any more" in ended.summary
    production.assert_whole()
    matrix.saw(row_of(place), OPERATOR, SECOND_WINS)


@matrix.fills(OPERATOR, map(row_of, HELD))
def test_a_second_promotion_while_the_first_holds_the_lock(make_production: MakeProduction):
    production = make_production()
    first = Victim(production.run.asked().waiting(*HELD))
    seen: list[Place] = []
    while here := first.wait():
        second = promoted.run(production.run.asked())
        assert (second.verdict, second.asked) == ("refused", 0), second
        assert "Another run is working on this database: promotion-" in second.summary
        seen.append(here)
        first.go_on()
    assert first.end().state == "promoted"
    production.assert_whole()
    assert seen == HELD
    for place in seen:
        matrix.saw(place.step, OPERATOR, FIRST_WINS)


def test_two_operators_who_start_in_the_same_moment(make_production: MakeProduction):
    production = make_production()
    both = [Victim(production.run.asked()) for _ in range(2)]
    ended = sorted((each.end() for each in both), key=lambda each: each.verdict)
    assert ended[0].state in ("promoted", "nothing pending"), ended
    if ended[1].verdict == "refused":
        assert any(said in ended[1].summary for said in ("Another run", "not what was approved")), ended
    else:
        assert {each.state for each in ended} == {"promoted", "nothing pending"}, ended
    production.assert_whole()


@matrix.fills(HANDS, map(row_of, HERE))
@pytest.mark.parametrize("place", HERE, ids=row_of)
def test_others_change_the_schema(make_production: MakeProduction, place: Place):
    production = make_production()
    going = stopped(production, place)
    production.ask("create table public.theirs (id int); alter table public.theirs enable row level security")
    ended = went_on(going)
    assert "table public.theirs" in ended.summary, ended
    word = NOT_PROVEN if ended.state == "not proven" else REFUSED
    assert ended.verdict == ("failed" if word == NOT_PROVEN else "refused"), ended
    production.ask("drop table public.theirs")
    production.run_again()
    matrix.saw(row_of(place), HANDS, word)


@matrix.fills(APPLIED, map(row_of, HERE[:-2]))
@pytest.mark.parametrize("place", HERE[:-2], ids=row_of)
def test_others_apply_a_file_of_the_plan(make_production: MakeProduction, place: Place):
    production = make_production()
    going = stopped(production, place)
    push(production)
    ended = went_on(going)
    unpush(production)
    assert ended.verdict == "refused", ended
    assert "ther hands" in ended.summary
    production.run_again()
    matrix.saw(row_of(place), APPLIED, REFUSED)


def push(production: Site) -> None:
    """Write into the history that the last migration is applied, by the owner of what is made for it."""
    version, _, name = MIXED.partition("_")
    with psycopg.connect(production.dsn) as connection:
        connection.execute(queries.load("journal/prepare"))
        connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name) values (%s, %s)",
            (version, name),
        )


def unpush(production: Site) -> None:
    version = MIXED.partition("_")[0]
    production.ask(f"delete from supabase_migrations.schema_migrations where version = '{version}'")


def test_the_lock_is_free_again_while_nobody_is_at_work(make_production: MakeProduction):
    production = make_production()
    promoted.run(production.run.asked().dying(Place(f"Apply {NOTES}.sql", "after")))
    production.await_quiet()
    assert production.ask(
        "select count(*) from pg_locks where locktype = 'advisory' and classid = 1398096451"
    ) == [(0,)]
    production.run_again()
