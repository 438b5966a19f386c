"""How an environment's Redis is: one call for other checks, and the run that looks at nothing else.

Source: database-pipeline.md, "Redis Health Monitoring".
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from ops import errors, memory, project, redis_looks
from ops.bundle import Bundle
from ops.checks import Finding
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.redis_counters import Counters, Kept
from ops.redis_looks import Look

RESULT = "redis-health.json"
Verdict = Literal["passed", "attention", "failed"]


class RedisPlan(Evidence):
    """Whose Redis is looked at."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    project: Project
    environment: Environment
    out: Path


class RedisHealth(Evidence):
    """How Redis is: `attention` where nothing fails and something is not right."""

    verdict: Verdict
    at: datetime
    findings: tuple[Finding, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict[str, Any])
    bundle: str | None = None


class RedisLooking(Look):
    """A run that looks at the Redis of one environment."""

    def __init__(self, plan: RedisPlan) -> None:
        kept = memory.read(_memory(plan), Kept())
        super().__init__(plan.project, plan.environment, Counters(kept.counted))
        self.plan = plan
        self.bundle: Bundle | None = None
        self.concluded: RedisHealth | None = None


def check(environment: Environment, operated: Project, counters: Counters | None = None) -> list[Finding]:
    """Look at an environment's Redis and return what is wrong; without a Redis that is nothing.

    `counters` are those of the last look; without them nobody can date what Redis has counted.

    Whatever Redis does, down, full or refusing, is a finding: this never raises for it.
    """
    if environment.redis is None:
        return []
    with closing(Look(operated, environment, counters or Counters(None))) as look:
        redis_looks.reach(look)
        redis_looks.try_writing(look)
        redis_looks.check_memory(look)
        redis_looks.count_keys(look)
        return look.found


def plan(path: str, environment: str) -> RedisPlan:
    """Read the project and say whose Redis is looked at; reads files only.

    Raises:
        Refused: the environment names no Redis.
    """
    operated = project.load(Path(path))
    where = operated.environment(environment)
    if where.redis is None:
        raise errors.Refused(
            f"{where.name} names no Redis, so there is nothing to look at. Name the secret of its URL: redis in "
            f"[environments.{where.name}] of runbooks.toml."
        )
    return RedisPlan(
        ok=True,
        summary=f"The Redis of {operated.name} on {where.name} is looked at; one key under "
        f"{where.redis_prefix or 'no prefix'} is written and deleted.",
        project=operated,
        environment=where,
        out=operated.root,
    )


def _memory(plan: RedisPlan) -> Path:
    return memory.path(plan.out, plan.environment.name, "redis-health")


@contextmanager
def opened(plan: RedisPlan) -> Generator[RedisLooking]:
    """Open a look; Redis is first asked when it is its turn."""
    with closing(RedisLooking(plan)) as looking:
        yield looking


def hand_off(looking: RedisLooking) -> RedisHealth:
    """Write down what was found, worst first."""
    order = ("failed", "attention", "note")
    found = tuple(sorted(looking.found, key=lambda each: order.index(each.severity)))
    worst = found[0].severity if found else "note"
    verdict: Verdict = "passed" if worst == "note" else worst
    where = f"{looking.plan.project.name} on {looking.plan.environment.name}"
    said = " ".join(each.said for each in found if each.severity == worst) or "Redis is well."
    result = RedisHealth(
        ok=verdict != "failed",
        summary=f"{where}: {verdict}. {said}",
        rows=tuple(each.model_dump(mode="json", exclude={"since"}) for each in found),
        verdict=verdict,
        at=datetime.now(UTC),
        findings=found,
        facts=looking.facts,
        bundle=str(looking.bundle.path) if looking.bundle else None,
    )
    looking.concluded = result
    memory.write(_memory(looking.plan), Kept(counted=looking.counters.now))
    if looking.bundle:
        looking.bundle.write_json(RESULT, result.model_dump(mode="json", exclude={"rows", "idle"}))
        looking.bundle.seal()
    return result
