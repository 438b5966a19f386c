"""How often the gate's own function fails a night on which nothing changed: enough nights to tell 2 % from a tenth."""

from __future__ import annotations

import pytest
from scipy import stats

from benchmarks.eval_nights import World
from ops.eval_settings import EvalGate
from tests.integration.test_eval_rates import failed, nights

# Of a hundred nights of which 2 % may fail, more than these do in less than two of a hundred draws; where a tenth fails
# it is nearly always more.
NIGHTS, MOST = 100, 5


def test_the_bound_tells_two_percent_from_ten():
    assert stats.binom.sf(MOST, NIGHTS, EvalGate().alpha) < 0.02
    assert stats.binom.sf(MOST, NIGHTS, 0.1) > 0.9


@pytest.mark.parametrize(
    "world",
    [
        World(0.9, 30, trend=4),
        World(0.99, 100, trend=4),
        World(0.9, 1000, trend=4),
        World(0.9, 1000, trend=4, errored=0.05),
        World(0.9, 1000, trend=4, room=0.1, spread=0.001),
    ],
    ids=["thirty", "a hundred", "a thousand", "errored", "slices a little unlike"],
)
def test_hardly_a_night_without_a_change_fails(world: World):
    # Without the correction nearly every one of a thousand samples does.
    assert failed(nights(world, NIGHTS)) <= MOST
