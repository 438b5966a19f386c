"""The steps of a look at Redis."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ops import redis_health, redis_looks
from ops.redis_health import RedisLooking, RedisPlan
from tasks.recording import recorded
from tasks.step import step

plan_look = step(redis_health.plan, title="Plan a look at the Redis of {environment}", evidence="redis-plan")
reach = step(redis_looks.reach, title="Say PING and measure", evidence="redis-ping", stops=False)
try_writing = step(
    redis_looks.try_writing,
    title="Write, read and delete a key under the prefix",
    evidence="redis-writing",
    stops=False,
)
check_memory = step(
    redis_looks.check_memory, title="Check memory against its limit", evidence="redis-memory", stops=False
)
count_keys = step(
    redis_looks.count_keys, title="Count the keys of each prefix by SCAN", evidence="redis-keys", stops=False
)
hand_off = step(redis_health.hand_off, title="Hand off the look at Redis", evidence="redis-health")


def opened(plan: RedisPlan) -> AbstractContextManager[RedisLooking]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    return recorded(lambda _: redis_health.opened(plan), kind="redis-health", out=plan.out)
