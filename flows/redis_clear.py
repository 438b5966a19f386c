"""A prefix of Redis cleared. Source: database-pipeline.md, "Redis Key Management"."""

from __future__ import annotations

from ops.redis_clear import ClearChoices
from ops.redis_clear_act import Cleared
from tasks import approval
from tasks import redis_clear as step
from tasks.runbook import flow


@flow(name="redis-clear", flow_run_name="Clear keys of the Redis of {project} on {environment}")
def redis_clear(project: str, environment: str, choices: ClearChoices = ClearChoices()) -> Cleared:
    """Clear the keys of one environment from Redis, or of one part of them, and leave every other key alone.

    **When** what lies there does harm, or Redis is full, and the app can make it anew.
    **Needs** `redis` and `redis_prefix` of the environment; a prefix of its own, which no other's keys share.
    **Touches** the keys under that prefix, some at a time; they cannot be put back.
    **If it stops halfway** run it again: what is left is cleared.

    Args:
        project: Path of the operated repository, as the worker sees it.
        environment: Name of an environment of its `runbooks.toml` that has a Redis.
        choices: All of its keys or a part of them, and why.
    """
    plan = step.plan_clearing(project, environment, choices)

    with step.opened(plan) as clearing:
        step.find_keys(clearing)
        if clearing.due:
            approval.approve(clearing, "redis-clear")

            step.clear_keys(clearing)
        step.verify_cleared(clearing)
        return step.record(clearing)
