"""Every change that pg_dump shows is seen by the comparison, in each way to look, and named."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ops import comparison, embedded
from tests import drift
from tests.drift import databases
from tests.drift.databases import Pair
from tests.drift.kind import Kind

OLDEST = 15
KINDS = [
    pytest.param(group, kind, id=f"{group}-{kind}") for group, kinds in drift.GROUPS.items() for kind in kinds
]


class Pairs:
    """The pair of databases of one group at a time."""

    def __init__(self, server: embedded.Server) -> None:
        self._server = server
        self._group = ""
        self._pair: Pair | None = None

    def of(self, group: str) -> Pair:
        if self._pair is None or self._group != group:
            self.close()
            self._pair, self._group = Pair(self._server, drift.GROUPS[group]), group
        return self._pair

    def close(self) -> None:
        if self._pair:
            self._pair.close()


@pytest.fixture(scope="module")
def pairs(server: embedded.Server) -> Generator[Pairs]:
    pairs = Pairs(server)
    yield pairs
    pairs.close()


@pytest.fixture(scope="module")
def pairs15(server15: embedded.Server) -> Generator[Pairs]:
    pairs = Pairs(server15)
    yield pairs
    pairs.close()


@pytest.mark.parametrize(("group", "kind"), [each for each in KINDS if each.values[1].until > OLDEST])
def test_a_change_that_pg_dump_shows_is_seen_named_and_gone_again(
    pairs: Pairs, group: str, kind: Kind
) -> None:
    _goes_there_and_back(pairs.of(group), kind, dump=True)


@pytest.mark.parametrize(("group", "kind"), [each for each in KINDS if each.values[1].since <= OLDEST])
def test_a_change_is_seen_on_the_oldest_server(pairs15: Pairs, group: str, kind: Kind) -> None:
    _goes_there_and_back(pairs15.of(group), kind, dump=False)


def _goes_there_and_back(pair: Pair, kind: Kind, *, dump: bool) -> None:
    try:
        _check(pair, kind, dump=dump)
    except BaseException:
        pair.renew()
        raise


def _check(pair: Pair, kind: Kind, *, dump: bool) -> None:
    changed = pair.changed
    deltas = changed.run(kind.change, alone=kind.alone, dump=dump)
    found = comparison.between(pair.base, changed.snapshot())
    dumped = changed.dump.text() if dump else None
    assert pair.expected(kind.sees) in databases.names(found)
    assert deltas == [found] * len(deltas)
    assert dumped is None or (dumped != pair.dump) == kind.dumped
    back = changed.undo(kind.undo)
    assert [comparison.compose(found, delta) for delta in back] == [{}] * len(back)
    assert [mirror.snapshot for mirror in changed.mirrors] == [pair.base] * len(changed.mirrors)


@pytest.mark.parametrize("group", drift.GROUPS)
def test_equal_databases_made_in_another_order_are_equal(pairs: Pairs, group: str) -> None:
    pair = pairs.of(group)
    with databases.built(pair.server, pair.kinds[::-1]) as name:
        assert databases.dumped(pair.server, name) == pair.dump
        assert comparison.compare(pair.base, databases.snapshot(pair.server, name)) == ()
