"""kill -9 wherever a promotion is: the next one goes on, applies everything once, and asks nobody what was approved."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.faults import matrix, promoted, strikes
from tests.faults.matrix import IN_THE_MIDST, KILLED
from tests.faults.promoted import Place
from tests.faults.promotion_site import ACT, APPLY, EXCHANGES, GATE, OUTCOME, STEPS, Site, spread
from tests.fix_faults import MakeProduction


def killed(make_production: MakeProduction, place: Place) -> str:
    return strikes.killed(make_production(), place)


def test_undisturbed_it_promotes_and_a_second_run_has_nothing_to_do(make_production: MakeProduction):
    production = make_production()
    ended = promoted.run(production.run.asked())
    assert (ended.code, ended.state) == (0, "promoted"), ended
    assert [each.step for each in ended.places if each.event == "before"] == STEPS
    counts = {
        step: sum(p.step == step and p.event == "under way" for p in ended.places) for step in EXCHANGES
    }
    assert counts == EXCHANGES, "the exchanges that are interrupted below are not all there are"
    production.assert_whole()
    assert production.events() == ["approved", "ended"]
    assert production.run_again().state == "nothing pending"


@matrix.fills(KILLED, STEPS)
@pytest.mark.parametrize("step", STEPS)
def test_before_a_step(make_production: MakeProduction, step: str):
    matrix.saw(step, KILLED, killed(make_production, Place(step, "before")))


@matrix.fills(KILLED, [matrix.OVER])
def test_after_the_last_step(make_production: MakeProduction):
    matrix.saw(matrix.OVER, KILLED, killed(make_production, Place(STEPS[-1], "after")))


@matrix.fills(IN_THE_MIDST, ACT)
@pytest.mark.parametrize("step", ACT)
def test_in_the_midst_of_a_step_of_the_act(make_production: MakeProduction, step: str):
    seen = [killed(make_production, Place(step, "under way", number)) for number in spread(step)]
    matrix.saw(step, IN_THE_MIDST, seen)


@matrix.fills(KILLED, [matrix.QUESTION])
def test_while_the_question_is_open(make_production: MakeProduction):
    seen = {killed(make_production, Place(GATE, "asked", number)) for number in (1, 3)}
    matrix.saw(matrix.QUESTION, KILLED, seen)


@matrix.fills(IN_THE_MIDST, [matrix.QUESTION, matrix.OUTCOME])
@pytest.mark.parametrize(("row", "after"), [(matrix.QUESTION, GATE), (matrix.OUTCOME, OUTCOME)])
def test_while_the_audit_log_is_written_to(make_production: MakeProduction, row: str, after: str):
    seen = {killed(make_production, Place(after, "under way", number)) for number in spread(after)}
    matrix.saw(row, IN_THE_MIDST, seen)


def test_again_and_again(make_production: MakeProduction):
    production = make_production()
    for step in APPLY:
        for number in (2, 9, EXCHANGES[step]):
            promoted.run(production.next.dying(Place(step, "under way", number)))
            production.await_quiet()
            production.assert_consistent()
    production.run_again()


def test_what_is_killed_leaves_what_it_has_done_in_the_journal_alone(make_production: MakeProduction):
    production = make_production()
    promoted.run(production.run.asked().dying(Place(APPLY[1], "before")))
    production.await_quiet()
    assert applied(production) == ["20260101000000"]
    assert production.events() == ["approved"]


def applied(production: Site) -> list[str]:
    return [
        v
        for (v,) in production.ask("select version from runbooks.journal where action = 'apply' order by id")
    ]


def test_the_page_is_laid_out_as_the_tests_write_it():
    text = matrix.PATH.read_text("utf-8")
    assert matrix.page(matrix.parsed(text)) == text


def test_the_page_has_a_cell_for_each_place_that_a_test_disturbs_and_no_other():
    for path in Path(__file__).parent.glob("test_promotion_*.py"):
        importlib.import_module(f"{__package__}.{path.stem}")
    written = {*matrix.parsed(matrix.PATH.read_text("utf-8"))}
    assert written - matrix.DECLARED == set(), "these are stale: no test writes them any more"
    assert matrix.DECLARED - written == set(), "the page lacks these: let their tests write them"
