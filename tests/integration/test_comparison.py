"""Every change that pg_dump shows is seen by the comparison, in each way to look, and named."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from ops import comparison, embedded
from tests import drift
from tests.drift import databases
from tests.drift.databases import Pair
from tests.drift.kind import Kind


def _pair(server: embedded.Server) -> Generator[Pair]:
    pair = Pair(server, tuple(kind for kind in drift.KINDS if kind.since <= server.major <= kind.until))
    yield pair
    pair.changed.close()


@pytest.fixture(scope="module")
def pair(server: embedded.Server) -> Generator[Pair]:
    yield from _pair(server)


@pytest.fixture(scope="module")
def pair15(server15: embedded.Server) -> Generator[Pair]:
    yield from _pair(server15)


@pytest.mark.parametrize("kind", [kind for kind in drift.KINDS if kind.until >= 18], ids=str)
def test_a_change_is_seen_named_and_gone_again(pair: Pair, kind: Kind) -> None:
    _goes_there_and_back(pair, kind)


@pytest.mark.parametrize("kind", [kind for kind in drift.KINDS if kind.since <= 15], ids=str)
def test_a_change_is_seen_on_the_oldest_server(pair15: Pair, kind: Kind) -> None:
    _goes_there_and_back(pair15, kind)


def _goes_there_and_back(pair: Pair, kind: Kind) -> None:
    try:
        _check(pair, kind)
    except BaseException:
        pair.renew()
        raise


def _check(pair: Pair, kind: Kind) -> None:
    changed = pair.changed
    deltas = changed.run(kind.change, alone=kind.alone)
    assert (databases.dumped(pair.server, changed.name) != pair.dump) == kind.dumped
    found = comparison.between(pair.base, databases.schema.snapshot(changed.observer))
    assert pair.expected(kind.sees) in databases.names(found)
    assert deltas == [found] * len(deltas)
    back = changed.run(kind.undo, alone=kind.alone)
    assert [comparison.compose(found, delta) for delta in back] == [{}] * len(back)
    assert [mirror.snapshot for mirror in changed.mirrors] == [pair.base] * len(changed.mirrors)


def test_equal_databases_made_in_another_order_are_equal(pair: Pair) -> None:
    name = f"{pair.left}_again"
    databases.build(pair.server, name, pair.kinds[::-1])
    assert databases.dumped(pair.server, name) == pair.dump
    with databases.database.connect(pair.server.dsn(name, user=pair.server.superuser)) as connection:
        assert comparison.compare(pair.base, databases.schema.snapshot(connection)) == ()
    databases.drop(pair.server, name)
