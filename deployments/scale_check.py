"""Whether an environment is one in which several Prefect servers are one. docs/scale-out.md."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from redis.exceptions import RedisError

from deployments import pools, scale
from ops import secrets

_OLDEST = 140009
_DRIVER = "postgresql+asyncpg://"
_WITHIN = 5


@dataclass(frozen=True)
class Found:
    """One thing that was looked at."""

    ok: bool
    said: str


def look(environment: Mapping[str, str], pools_file: Path) -> Iterator[Found]:
    """Yield what is well and what is not; nothing is changed anywhere."""
    for name in (scale.DATABASE, scale.MESSAGES, scale.CLEANUP, scale.DOCKET):
        secrets.remember(environment.get(name, ""))
    yield from _modules(environment)
    yield _migrations(environment)
    yield _postgres(environment.get(scale.DATABASE, ""))
    for name in (scale.MESSAGES, scale.CLEANUP, scale.DOCKET):
        yield _redis(name, environment.get(name, ""))
    for pool in pools.load(pools_file):
        wrong = list(pools.problems(pool))
        yield Found(
            not wrong, f"work pool {pool.name} ({pool.type}): {' '.join(wrong) or 'Prefect takes it'}"
        )


def _modules(environment: Mapping[str, str]) -> Iterator[Found]:
    there = importlib.util.find_spec("prefect_redis") is not None
    yield Found(there, f"prefect-redis is {'' if there else 'not '}installed")
    for name, module in scale.MODULES.items():
        given = environment.get(name)
        said = f"is {given}" if given else "is not set, so each server keeps that in its own memory"
        yield Found(given == module, f"{name} {said}" + ("" if given == module else f"; set it to {module}"))


def _migrations(environment: Mapping[str, str]) -> Found:
    off = environment.get(scale.MIGRATE, "").lower() in {"false", "0", "off", "no"}
    said = (
        "is off"
        if off
        else "is not false, so that servers that start at once migrate at once; set it to false"
    )
    return Found(off, f"{scale.MIGRATE} {said}")


def _postgres(url: str) -> Found:
    if not url.startswith(_DRIVER):
        return Found(False, f"{scale.DATABASE} is no {_DRIVER}…, and several servers need a Postgres")
    try:
        with psycopg.connect(url.replace("+asyncpg", "", 1), connect_timeout=_WITHIN) as connection:
            version = connection.info.server_version
            found = connection.execute("select to_regclass('alembic_version') is not null").fetchone()
    except psycopg.Error as error:
        return Found(False, secrets.redact(f"Postgres does not answer: {error}".strip()))
    if version < _OLDEST:
        return Found(
            False, f"Postgres is {version // 10000}.{version % 10000}, and Prefect needs 14.9 or newer"
        )
    if found != (True,):
        return Found(False, "Postgres has no tables of Prefect yet; run: prefect server database upgrade -y")
    return Found(True, f"Postgres {version // 10000}.{version % 10000} answers, and has Prefect's tables")


def _redis(name: str, url: str) -> Found:
    if not url.startswith(("redis://", "rediss://")):
        return Found(
            False, f"{name} is no redis://… or rediss://…, so the servers hear nothing of each other"
        )
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=_WITHIN, socket_timeout=_WITHIN)  # pyright: ignore
        try:
            client.ping()  # pyright: ignore
        finally:
            client.close()
    except (RedisError, OSError, ValueError) as error:
        return Found(False, secrets.redact(f"{name}: Redis does not answer: {error}"))
    return Found(True, f"{name}: Redis answers")
