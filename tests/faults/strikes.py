"""Strikes at a promotion wherever it is, and what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from psycopg import conninfo

from tests.faults import promoted
from tests.faults.matrix import SURVIVES
from tests.faults.promoted import Place, Run, Victim
from tests.faults.promotion_site import HERE, Site
from tests.fix_proxy import Proxy
from tests.polling import wait_until

DIED = -9
_HOLDER = "select pid from pg_locks where locktype = 'advisory' and classid = 1398096451 and granted"


def killed(production: Site, place: Place) -> str:
    """Kill a promotion at a place, run it again, and say what that one did."""
    assert promoted.run(production.next.dying(place)).code == DIED, place
    production.await_quiet()
    word = production.word
    production.run_again()
    return word


def disturbed(
    production: Site, run: Run, places: Iterable[Place], strike: Callable[[], None]
) -> dict[Place, str]:
    """Strike at each of these places, in as few runs as it takes, and say of each what came of it."""
    left, seen = list(places), dict[Place, str]()
    while True:
        was_left = list(left)
        going = Victim(replace(run, typed=production.next.typed).waiting(*left))
        while here := going.wait():
            left.remove(here)
            seen |= {each: SURVIVES for each in seen if seen[each] == "struck"}
            seen[here] = "struck"
            strike()
            going.go_on()
        ended = going.end()
        assert ended.code == 0, ended
        over = production.is_over(ended)
        assert over or ended.verdict == "unavailable", ended
        production.await_quiet()
        production.assert_consistent()
        after = SURVIVES if over else production.word
        seen = {place: after if word == "struck" else word for place, word in seen.items()}
        if over or left == was_left:
            assert left == [], (left, ended)
            production.run_again()
            return seen


def through(road: Proxy, production: Site) -> Run:
    """Return a run that goes through a proxy."""
    dsn = conninfo.make_conninfo(production.dsn, host="127.0.0.1", port=road.port)
    return promoted.Run(production.root, dsn)


def take_lock_away(production: Site) -> None:
    """End the session that holds the database's lock."""
    for (pid,) in production.ask(_HOLDER + HERE):
        production.ask(f"select pg_terminate_backend({pid})")
    wait_until(lambda: production.ask(_HOLDER + HERE) == [])
