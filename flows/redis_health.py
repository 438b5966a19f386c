"""The look at Redis. Source: database-pipeline.md, "Redis Health Monitoring"."""

from __future__ import annotations

from ops.redis_health import RedisHealth
from tasks import redis_health as step
from tasks.runbook import flow


@flow(name="redis-health", flow_run_name="Look at the Redis of {project} on {environment}")
def redis_health(project: str, environment: str = "production") -> RedisHealth:
    """Look whether Redis answers, keeps what is written, has room, and whose keys lie in it.

    **When** the app is slow or forgets, and before and after its Redis is changed; every day by `daily-checks`.
    **Needs** the secret of its URL, and the prefix of its keys: `redis` and `redis_prefix` of the environment.
    **Touches** one key of its own under the prefix, which it deletes and which expires by itself.
    **If it stops halfway** run it again: it looks at everything anew.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` that has a Redis.
    """
    plan = step.plan_look(project, environment)

    with step.opened(plan) as looking:
        step.reach(looking)
        step.try_writing(looking)
        step.check_memory(looking)
        step.count_keys(looking)
        return step.hand_off(looking)
