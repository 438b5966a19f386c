"""The looks at Redis, each a question of its own: does it answer, does it keep, has it room, whose keys are there."""

from __future__ import annotations

import statistics
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from redis import exceptions

from ops import errors, redis_facts, redis_keys, redis_server
from ops.checks import Finding
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.redis_counters import Counters
from ops.redis_server import OBJECT, Client

_PINGS = 20
# Seconds after which Redis takes what a run has left that was killed in between.
_KEPT = 60


class Look:
    """One environment's Redis while it is looked at: what was found, and whether there is anything to ask."""

    def __init__(self, operated: Project, where: Environment, counters: Counters) -> None:
        self.operated = operated
        self.counters = counters
        self.where = where
        self.findings: list[Finding] = []
        self.facts: dict[str, Any] = {}
        self._url = ""
        self._client: Client | None = None

    @property
    def client(self) -> Client | None:
        """What answers; `None` where nobody does."""
        return self._client

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._client is not None:
            self._client.close()

    def open(self) -> None:
        """Say where Redis is; it is connected to when it is asked."""
        try:
            self._url = redis_server.address(self.where.redis or "", self.operated.root)
            self._client = redis_server.client(self._url, self.where)
        except errors.Refused as error:
            self.findings.append(redis_server.unreachable(str(error)))
        except ValueError:
            said = f"The secret that redis names in [environments.{self.where.name}] is no URL of a Redis."
            self.findings.append(redis_server.unreachable(said))

    @property
    def found(self) -> list[Finding]:
        """What is wrong, each thing once: a login without rights is refused by several looks."""
        once: dict[str, Finding] = {}
        for each in self.findings:
            once.setdefault(each.fingerprint, each)
        return list(once.values())

    def sharing(self) -> dict[str, str | None]:
        """Return the prefixes of the other environments in the same Redis."""
        return redis_server.sharing(self.operated, self.where, self._url)

    @contextmanager
    def asking(self, doing: str) -> Generator[None]:
        """Make a finding of what Redis complains about in the block; where it does not answer, ask nothing more."""
        try:
            yield
        except redis_server.COMPLAINTS as error:
            self.findings.append(redis_server.trouble(error, doing))
            if not isinstance(error, exceptions.ResponseError):
                self.close()
                self._client = None


def reach(look: Look) -> Evidence:
    """Say PING some times, and measure how long an answer takes."""
    look.open()
    before = len(look.findings)
    if look.client is None:
        return _evidence(look.findings, "", ())
    took: list[float] = []
    with look.asking("to say PING"):
        for _ in range(_PINGS + 1):
            began = time.monotonic()
            look.client.ping()
            took.append(time.monotonic() - began)
    if len(took) <= _PINGS:
        return _evidence(look.findings[before:], "", ())
    # The first one also connects.
    half, worst = statistics.median(took[1:]), max(took[1:])
    look.facts |= {"ping_median_ms": round(half * 1000, 3), "ping_worst_ms": round(worst * 1000, 3)}
    most = look.where.redis_limits.latency
    if half > most.total_seconds():
        look.findings.append(
            Finding(
                kind="redis-slow",
                object=OBJECT,
                severity="attention",
                said=f"Half of {_PINGS} PINGs take more than {half * 1000:.1f} ms, the worst {worst * 1000:.1f} ms.",
                why="Whatever the app asks of Redis waits at least so long.",
                todo="Look at SLOWLOG GET and at what runs KEYS or large scripts, and how far away Redis is.",
            )
        )
    rows = tuple({"what": name, "value": str(said)} for name, said in look.facts.items())
    return _evidence(look.findings[before:], f"Redis answers in {half * 1000:.1f} ms.", rows)


def try_writing(look: Look) -> Evidence:
    """Set a key under the environment's prefix, which expires by itself, get it, and delete it."""
    if look.client is None:
        return _unasked()
    before = len(look.findings)
    prefix = look.where.redis_prefix
    if prefix is None:
        look.findings.append(redis_facts.without_prefix(look.where.name))
        return _evidence(look.findings[before:], "", ())
    key = f"{prefix}runbooks:probe:{uuid4().hex}".encode()
    value = uuid4().hex.encode()
    with look.asking("to write, read and delete a key under its prefix"):
        look.client.set(key, value, ex=_KEPT)
        found, ttl = look.client.get(key), look.client.ttl(key)
        gone = look.client.unlink(key) == 1 and not look.client.exists(key)
        if found != value or not 0 <= ttl <= _KEPT or not gone:
            look.findings.append(redis_facts.forgetful(prefix))
    well = f"A key under {prefix} was written, read and deleted."
    return _evidence(look.findings[before:], well, ())


def check_memory(look: Look) -> Evidence:
    """Hold memory against its limit and what happens there, and look at clients and at what is saved."""
    if look.client is None:
        return _unasked()
    before = len(look.findings)
    info: dict[str, Any] = {}
    with look.asking("to tell about itself (INFO)"):
        for section in ("server", "memory", "stats", "clients", "persistence", "replication", "cluster"):
            info |= look.client.info(section)
    if info:
        facts = redis_facts.of(info)
        look.facts |= facts
        look.findings += redis_facts.judged(facts, look.where.redis_limits, look.counters.grown(info))
        rows = tuple({"what": name, "value": str(said)} for name, said in facts.items())
        return _evidence(look.findings[before:], redis_facts.told(facts), rows)
    return _evidence(look.findings[before:], "", ())


def count_keys(look: Look) -> Evidence:
    """Count the keys of each environment's prefix by SCAN, and see that no two environments share one."""
    if look.client is None:
        return _unasked()
    before = len(look.findings)
    others = look.sharing()
    look.findings += redis_facts.shared(look.where, others)
    prefixes = [prefix for prefix in (look.where.redis_prefix, *others.values()) if prefix]
    rows: list[dict[str, Any]] = []
    with look.asking("to go through its keys (SCAN)"):
        found = redis_keys.tally(look.client, prefixes, most=look.where.redis_limits.most_keys)
        look.facts["keys"] = found.keys
        look.facts["all_keys_counted"] = found.whole
        rows = [
            {"prefix": prefix, "keys": count if found.whole else f"at least {count}"}
            for prefix, count in found.keys.items()
        ]
    counted = ", ".join(f"{row['prefix']} {row['keys']}" for row in rows)
    return _evidence(look.findings[before:], f"Keys: {counted}.", rows)


def _unasked() -> Evidence:
    return Evidence(ok=True, idle=True, summary="Not asked: Redis does not answer.")


def _evidence(found: Iterable[Finding], well: str, rows: Iterable[Mapping[str, Any]]) -> Evidence:
    given = tuple(found)
    return Evidence(
        ok=not any(each.severity == "failed" for each in given),
        summary=" ".join(each.said for each in given) or well,
        rows=tuple({"finding": each.kind, "said": each.said, "todo": each.todo} for each in given)
        or tuple(dict(row) for row in rows),
    )
