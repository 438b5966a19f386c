"""The steps of clearing a prefix of Redis."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ops import redis_clear, redis_clear_act
from ops.redis_clear import Clearing, ClearPlan
from tasks import progress
from tasks.recording import recorded
from tasks.step import step

plan_clearing = step(
    redis_clear.plan, title="Plan to clear keys of Redis on {environment}", evidence="redis-clear-plan"
)
find_keys = step(redis_clear.find, title="Count the keys", evidence="redis-clear-found")
verify_cleared = step(redis_clear_act.verify, title="Look at what is left", evidence="redis-clear-verified")
record = step(redis_clear_act.conclude, title="Record the clearing", evidence="redis-clear")
record_broken = step(
    redis_clear_act.conclude_broken,
    title="Record what was cleared",
    evidence="redis-clear-broken",
    stops=False,
    retry=False,
)

_clear = step(redis_clear_act.clear, title="Unlink the keys in batches", evidence="redis-clear-unlinked")


def clear_keys(clearing: Clearing) -> None:
    """Unlink the keys in batches, and show how far it has come."""
    _clear(clearing, progress.counted())


def opened(plan: ClearPlan) -> AbstractContextManager[Clearing]:
    """Open Redis and the run's bundle; whatever ends the block, the bundle is sealed."""
    return recorded(
        lambda _: redis_clear.opened(plan), kind=redis_clear.GATE, out=plan.out, broken=record_broken
    )
