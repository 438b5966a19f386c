"""A plan that is half done, and a physical copy of its database, which has the record of the plan too."""

from __future__ import annotations

from dataclasses import replace

from tests import fix_copied
from tests.faults import promoted, restarts
from tests.faults.promoted import Place
from tests.faults.promotion_site import APPLY
from tests.fix_faults import MakeProduction


def test_a_plan_that_was_begun_goes_on_where_it_was_begun_and_not_in_a_copy(
    own_server: restarts.Own, make_production: MakeProduction
):
    production = make_production(own_server.server)
    assert promoted.run(production.run.asked().dying(Place(APPLY[1], "before"))).code == -9
    production.await_quiet()
    with fix_copied.copied(own_server.server) as copy:
        dsn = production.dsn.replace(
            own_server.server.host.replace("/", "%2F"), copy.host.replace("/", "%2F")
        )
        assert dsn != production.dsn
        ended = promoted.run(replace(production.run, dsn=dsn))
        assert (ended.verdict, ended.asked) == ("refused", 0), ended
        assert f"it was begun in the database at {own_server.server.host}:5432" in ended.summary
        assert f"the one that answers now is at {copy.host}:5432" in ended.summary
    own_server.restart()
    ended = production.run_again()
    assert any("was started after the plan was last at work" in each for each in ended.findings)


def test_a_plan_goes_on_over_another_road_when_its_server_is_the_same_one(
    own_server: restarts.Own, make_production: MakeProduction
):
    production = make_production(own_server.server)
    assert promoted.run(production.run.asked().dying(Place(APPLY[1], "before"))).code == -9
    own_server.restart()
    assert promoted.run(production.run.dying(Place(APPLY[2], "before"))).code == -9
    production.await_quiet()
    other = own_server.server.data.parent / "other"
    other.symlink_to(own_server.server.host)
    quoted = own_server.server.host.replace("/", "%2F")
    production.dsn = production.dsn.replace(quoted, str(other).replace("/", "%2F"))
    production.run_again()
