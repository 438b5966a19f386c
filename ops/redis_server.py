"""An environment's Redis: how it is reached, and what its complaints mean.

Source: database-pipeline.md, "Redis Operations" and "Redis Troubleshooting".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, cast

import redis
from redis import connection, exceptions
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from ops import app_settings, errors, secrets
from ops.checks import Finding
from ops.project import Environment, Project

OBJECT = "redis"
_PORT = 6379
# Redis's complaints, and what its client stumbles over where something else answers, or the address is none.
COMPLAINTS = (exceptions.RedisError, OSError, ValueError, TypeError, AttributeError, LookupError)
# Seconds.
_AGAIN_AFTER = 0.2
_GOES_ON = "The app goes on without Redis where it can: caches are cold, and what must be kept there is lost."


class Client(Protocol):
    """What is asked of Redis, with the types that its own client leaves open; everything stays bytes."""

    def ping(self) -> bool: ...
    def set(self, name: bytes, value: bytes, *, ex: int) -> object: ...
    def get(self, name: bytes) -> bytes | None: ...
    def exists(self, *names: bytes) -> int: ...
    def unlink(self, *names: bytes) -> int: ...
    def ttl(self, name: bytes) -> int: ...
    def info(self, section: str) -> dict[str, Any]: ...
    def close(self) -> None: ...
    def scan(self, cursor: int, *, match: bytes | None, count: int) -> tuple[int, list[bytes]]: ...


def address(reference: str, root: Path) -> str:
    """Return the URL that a secret reference stands for, which is kept out of all output.

    Raises:
        Refused: it is nowhere.
    """
    url = app_settings.open_reference(reference, root)
    secrets.remember(url)
    return url


def place(url: str) -> str:
    """Return where a URL leads, without its login: one text for one database of one server.

    Raises:
        ValueError: it is no URL of a Redis.
    """
    found = cast("dict[str, Any]", connection.parse_url(url))  # pyright: ignore[reportUnknownMemberType]  # untyped there
    number = found.get("db") or 0
    if "path" in found:
        return f"{found['path']}/{number}"
    host = str(found.get("host") or "localhost").lower()
    return f"{host}:{found.get('port') or _PORT}/{number}"


def client(url: str, where: Environment) -> Client:
    """Return a client that waits for no answer longer than the environment's patience; it connects when it is used.

    Raises:
        ValueError: it is no URL of a Redis.
    """
    patience = where.redis_limits.patience.total_seconds()
    made = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType]  # its options are untyped there
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(ConstantBackoff(_AGAIN_AFTER), 1),
    )
    return cast("Client", made)


def sharing(operated: Project, where: Environment, url: str) -> dict[str, str | None]:
    """Return the other environments whose keys lie in the same database, and the prefix of each."""
    found: dict[str, str | None] = {}
    for other in operated.environments.values():
        if other.redis and other.name != where.name and _leads(other.redis, operated.root, url, where):
            found[other.name] = other.redis_prefix
    return found


def _leads(reference: str, root: Path, url: str, where: Environment) -> bool:
    if reference == where.redis:
        return True
    try:
        return place(address(reference, root)) == place(url)
    # What cannot be opened or read here leads nowhere that we know of.
    except (errors.Refused, ValueError):
        return False


def trouble(error: Exception, doing: str) -> Finding:
    """Return what a complaint means; `doing` is what was tried, as in "to write"."""
    if not isinstance(error, exceptions.RedisError):
        return _failed(
            "redis-odd",
            f"What the URL leads to does not speak like a Redis ({doing}: {type(error).__name__}).",
            "Look at host, port and options of the URL, and at what listens there.",
        )
    for kinds, kind, said, todo in _TROUBLES:
        if isinstance(error, kinds):
            return _failed(kind, f"Redis {said} ({doing}): {_words(error)}", todo)
    return _failed(
        "redis-error",
        f"Redis refused ({doing}): {_words(error)}",
        "Look the word up in Redis's documentation of errors, and into its log.",
    )


def unreachable(said: str) -> Finding:
    """Return the finding that nobody knows where Redis is."""
    return _failed(
        "redis-unknown", said, "Set the URL of Redis where the app has it, as redis:// or rediss://."
    )


def _failed(kind: str, said: str, todo: str) -> Finding:
    return Finding(kind=kind, object=OBJECT, severity="failed", said=said, why=_GOES_ON, todo=todo)


def _words(error: exceptions.RedisError) -> str:
    return secrets.redact(str(error).strip().rstrip(".") or type(error).__name__) + "."


_TROUBLES: tuple[tuple[tuple[type[Exception], ...], str, str, str], ...] = (
    (
        (exceptions.AuthenticationError, exceptions.AuthenticationWrongNumberOfArgsError),
        "redis-login",
        "does not take the login",
        "Compare user and password of the URL with what the provider shows; a rotated one is set in the app as well.",
    ),
    (
        (exceptions.NoPermissionError, exceptions.AuthorizationError),
        "redis-rights",
        "does not give this login the right",
        "Give the login the command and the keys (ACL SETUSER), or take another login.",
    ),
    (
        (exceptions.ReadOnlyError,),
        "redis-read-only",
        "is a replica that only reads",
        "Name the primary in the URL; after a failover the provider's endpoint may still lead to the old one.",
    ),
    (
        (exceptions.OutOfMemoryError,),
        "redis-full",
        "has no memory left and refuses to write",
        "Clear what can be made anew (the runbook redis-clear), raise maxmemory, or let keys be evicted.",
    ),
    (
        (exceptions.BusyLoadingError,),
        "redis-loading",
        "still reads its data after a start",
        "Wait until it has; look why it was started anew.",
    ),
    (
        (
            exceptions.MovedError,
            exceptions.AskError,
            exceptions.ClusterError,
            exceptions.ClusterCrossSlotError,
        ),
        "redis-cluster",
        "is a cluster, of which this is one node",
        "Name an endpoint that speaks for the whole cluster.",
    ),
    (
        (exceptions.ConnectionError, exceptions.TimeoutError),
        "redis-down",
        "does not answer",
        "Look whether it runs, whether host, port and TLS of the URL are right, and at the provider's status page.",
    ),
)
