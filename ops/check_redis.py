"""How Redis is, as one of the daily looks. Source: database-pipeline.md, "Redis Health Monitoring"."""

from __future__ import annotations

from ops import redis_health
from ops.check_looks import check
from ops.checking import Checking
from ops.evidence import Evidence


@check("Redis")
def check_redis(checking: Checking) -> Evidence:
    """Look at the environment's Redis as the runbook redis-health does; down or full it is a finding."""
    where = checking.plan.environment
    if where.redis is None:
        return checking.idle(f"{where.name} names no Redis.")
    return checking.found(
        redis_health.check(where, checking.plan.project, checking.redis), "Redis answers, keeps and has room."
    )
