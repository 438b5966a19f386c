"""Whatever changes follow each other: the comparison is empty just when pg_dump says the same of both databases."""

from __future__ import annotations

from collections.abc import Generator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ops import comparison, embedded, schema
from tests import drift
from tests.drift import databases
from tests.drift.databases import Changed, Pair
from tests.drift.kind import Kind

KINDS = [
    kind
    for kinds in drift.GROUPS.values()
    for kind in kinds
    if kind.dumped and not kind.alone and not kind.setup and not kind.subscription
]
# A change, and whether it is undone later on.
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def pair(server: embedded.Server) -> Generator[Pair]:
    pair = Pair(server, [kind for kind in KINDS if kind.since <= server.major <= kind.until])
    yield pair
    pair.close()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_the_comparison_is_empty_just_when_pg_dump_is_the_same(
    pair: Pair, steps: list[tuple[Kind, bool]]
) -> None:
    changed = pair.changed
    try:
        deltas = [*_seen(changed, [kind.change for kind, _ in steps])]
        deltas += _seen(changed, [kind.undo for kind, undone in reversed(steps) if undone])
        found = comparison.between(pair.base, changed.snapshot())
        for mirror in changed.mirrors:
            assert mirror.snapshot == comparison.patched(pair.base, found)
        total: schema.Delta = {}
        for delta in deltas:
            total = comparison.compose(total, delta)
        assert total == found
        same = _lines(databases.dumped(pair.server, changed.name)) == _lines(pair.dump)
        assert (not comparison.differences(found)) == same
        assert (not found) == same
    finally:
        pair.renew()


def _seen(changed: Changed, statements: list[str]) -> Generator[schema.Delta]:
    """Run what can be run, and yield what each mirror but the first sees as well."""
    for statement in statements:
        try:
            deltas = changed.run(statement)
        except psycopg.Error:
            # It needs what an earlier one has taken away.
            continue
        assert deltas == [deltas[0]] * len(deltas)
        yield deltas[0]


def _lines(dump: str) -> list[str]:
    # Grants come in the order in which they were given, which means nothing.
    return sorted(dump.splitlines())
