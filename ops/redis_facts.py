"""What Redis tells about itself, and what of it is a finding.

Source: database-pipeline.md, "Redis Environment Isolation" and "Redis Troubleshooting" (memory issues).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ops.checks import Finding, Severity
from ops.project import Environment
from ops.redis_counters import Grown
from ops.redis_server import OBJECT
from ops.redis_settings import RedisLimits

Facts = dict[str, Any]
_KEPT = (
    "redis_version",
    "role",
    "cluster_enabled",
    "used_memory",
    "maxmemory",
    "maxmemory_policy",
    "evicted_keys",
    "expired_keys",
    "connected_clients",
    "maxclients",
    "rejected_connections",
    "rdb_last_bgsave_status",
    "aof_enabled",
    "aof_last_write_status",
    "master_link_status",
)
_REFUSES = "noeviction"


def of(info: Mapping[str, Any]) -> Facts:
    """Return what is judged and shown of what INFO says."""
    return {name: info[name] for name in _KEPT if name in info}


def told(facts: Facts) -> str:
    """Say how much room there is, in one sentence."""
    used, most = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    room = f"{_size(used)} of {_size(most)}" if most else f"{_size(used)}, with no limit"
    return f"Memory: {room}; when it is full: {facts.get('maxmemory_policy', 'unknown')}."


def judged(facts: Facts, limits: RedisLimits, grown: Grown) -> Iterator[Finding]:
    """Yield what is wrong, or will be."""
    yield from _memory(facts, limits)
    yield from _evicted(facts, grown)
    yield from _clients(facts, limits, grown)
    if facts.get("rdb_last_bgsave_status") == "err" or facts.get("aof_last_write_status") == "err":
        yield _found(
            "redis-not-saved",
            "failed",
            "Redis could not save its data to the disk the last time.",
            "What is there is lost at the next restart, and Redis may refuse to write (MISCONF).",
            "Look at the disk of its host and into its log.",
        )
    if facts.get("master_link_status") == "down":
        yield _found(
            "redis-replica-cut-off",
            "attention",
            "This Redis is a replica that has lost its primary.",
            "What is read here is as old as the link has been down.",
            "Name the primary in the URL, or mend the link.",
        )
    if int(facts.get("cluster_enabled", 0)):
        yield _found(
            "redis-one-node",
            "note",
            "This Redis is a node of a cluster: memory and keys are those of this node alone.",
            "What the other nodes hold is not looked at.",
            "Look at the provider's own figures for the whole.",
        )


def _memory(facts: Facts, limits: RedisLimits) -> Iterator[Finding]:
    used, most = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
    if not most:
        yield _found(
            "redis-no-limit",
            "note",
            "Redis has no maxmemory.",
            "It grows until its host has no memory left, and is killed then.",
            "Set maxmemory below what the host has, and a maxmemory-policy.",
        )
    elif used / most >= limits.memory:
        refuses = facts.get("maxmemory_policy") == _REFUSES
        yield _found(
            "redis-memory",
            "failed" if refuses else "attention",
            f"Redis uses {_size(used)} of {_size(most)} ({used / most:.0%}).",
            "When it is full it refuses to write." if refuses else "When it is full it forgets keys.",
            "Look what has no expiry, clear what can be made anew (redis-clear), or raise maxmemory.",
        )


def _evicted(facts: Facts, grown: Grown) -> Iterator[Finding]:
    if evicted := grown.by["evicted_keys"]:
        yield _found(
            "redis-evicts",
            "note" if grown.first else "attention",
            f"Redis has thrown {evicted} keys away {grown.said}, by {facts.get('maxmemory_policy')}.",
            "It was full; queues and locks may be among them, if the policy takes keys without an expiry.",
            "Raise maxmemory, or give keys a shorter expiry.",
        )


def _clients(facts: Facts, limits: RedisLimits, grown: Grown) -> Iterator[Finding]:
    now, most = int(facts.get("connected_clients", 0)), int(facts.get("maxclients", 0))
    if most and now / most >= limits.clients:
        yield _found(
            "redis-clients",
            "attention",
            f"{now} of {most} clients are connected.",
            "One more than the last is turned away.",
            "Look with CLIENT LIST who opens connections and does not close them.",
        )
    if rejected := grown.by["rejected_connections"]:
        yield _found(
            "redis-rejects",
            "note" if grown.first else "attention",
            f"Redis has turned {rejected} connections away {grown.said}.",
            "Those who were turned away did without Redis.",
            "Look with CLIENT LIST who opens connections and does not close them.",
        )


def without_prefix(name: str) -> Finding:
    """Return the finding that nobody knows which keys are the environment's."""
    return _found(
        "redis-no-prefix",
        "attention",
        f"{name} has a Redis and no redis_prefix, so that nothing was written there to try.",
        "Nobody can tell its keys from those of another environment, nor clear them.",
        f'Say the prefix with which the app begins its keys: redis_prefix in [environments.{name}], as "stg:".',
    )


def forgetful(prefix: str) -> Finding:
    """Return the finding that what was written is not what was read, or stays."""
    return _found(
        "redis-forgets",
        "failed",
        f"A key under {prefix} was not as it had been written, or not gone when it was deleted.",
        "The app may read what it has not written.",
        "Look what stands between the app and Redis (a proxy, a replica that is read), and into Redis's log.",
    )


def shared(where: Environment, others: Mapping[str, str | None]) -> Iterator[Finding]:
    """Yield the other environments in the same Redis whose keys cannot be told from this one's."""
    mine = where.redis_prefix or ""
    for name, prefix in others.items():
        theirs = prefix or ""
        if mine.startswith(theirs) or theirs.startswith(mine):
            yield Finding(
                kind="redis-shared-prefix",
                object=f"{where.name} and {name}",
                severity="failed",
                said=f"The keys of {where.name} ({mine or 'no prefix'}) and of {name} ({theirs or 'no prefix'}) lie in "
                "the same Redis and begin alike.",
                why="What one environment writes the other reads, and clearing one clears the other.",
                todo="Give each its own prefix, in the app's REDIS_PREFIX and in redis_prefix here.",
            )


def _found(kind: str, severity: Severity, said: str, why: str, todo: str) -> Finding:
    return Finding(kind=kind, object=OBJECT, severity=severity, said=said, why=why, todo=todo)


def _size(count: int) -> str:
    return f"{count / 1024**2:.1f} MB"
