"""Which pooler stands between us and the server, found by how it behaves and not by its port.

A server tells each client the process id of its backend at login. A pooler answers the login itself, with
a number of its own: PgBouncer's is random, Supavisor's is a counter (read in their sources; Supavisor was
not tried). So a number that is not `pg_backend_pid()` means a pooler. Whether it keeps one backend for the
whole session shows when a second client holds a transaction: a transaction pooler gives it the backend
that our idle session used last, or gives us another one afterwards.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import psycopg
from psycopg import pq

from ops import database, errors, queries

_SAMPLES = 4
_PATIENCE = timedelta(seconds=2)


class Pooler(StrEnum):
    """How long a client keeps the same backend."""

    NONE = "none"
    SESSION = "session"
    TRANSACTION = "transaction"
    STATEMENT = "statement"

    @property
    def keeps_session(self) -> bool:
        return self in (Pooler.NONE, Pooler.SESSION)


@dataclass(frozen=True)
class Found:
    """A pooler and the observation that gave it away."""

    pooler: Pooler
    proof: str


def detect(
    connection: database.Connection,
    open_another: Callable[[], database.Connection],
    *,
    pooled_name: bool = False,
) -> Found:
    """Return which pooler the connection goes through; sends a few reads and changes nothing.

    `pooled_name`: the host is called like a pooler, so that equal process ids alone are not believed.

    Raises:
        Unavailable: the pooler has no backend for us now.
    """
    told, own = connection.pgconn.backend_pid, _backend(connection)
    if told == own and not pooled_name:
        return Found(Pooler.NONE, f"the server's process id at login is the backend's own ({own})")
    seen = {own, *(_backend(connection) for _ in range(_SAMPLES))}
    if len(seen) > 1:
        return Found(Pooler.TRANSACTION, f"one session was served by {len(seen)} backends")
    found = _beside_another(connection, own, open_another)
    if found.pooler is Pooler.SESSION and told == own:
        return Found(Pooler.NONE, f"the server's process id at login is the backend's own ({own})")
    return found


def _beside_another(
    connection: database.Connection, own: int, open_another: Callable[[], database.Connection]
) -> Found:
    try:
        other = open_another()
    except errors.OpsError as error:
        if "session mode" in str(error):
            return Found(Pooler.SESSION, "the pooler says so while it refuses a second client")
        raise
    # Closed without the rollback of `with other`, which would wait for an answer that may not come.
    with contextlib.closing(other):
        try:
            if _ask(other, b"begin") is None:
                return _waiting(connection, own)
        except psycopg.OperationalError:
            return _cut_off(connection)
        theirs = _backend(other)
        after = {_backend(connection) for _ in range(_SAMPLES)} if theirs != own else {own}
        _ask(other, b"rollback")
    if theirs == own:
        return Found(Pooler.TRANSACTION, f"a second client got backend {own} while this session was open")
    if after != {own}:
        return Found(Pooler.TRANSACTION, "this session got another backend while a second client was at work")
    return Found(Pooler.SESSION, f"this session kept backend {own} while a second client got {theirs}")


def _waiting(connection: database.Connection, own: int) -> Found:
    if _backend(connection) == own:
        return Found(
            Pooler.SESSION, f"a second client had to wait while this idle session kept backend {own}"
        )
    return Found(Pooler.TRANSACTION, "this session got another backend while a second client had to wait")


def _cut_off(connection: database.Connection) -> Found:
    _backend(connection)  # raises where it was the server that went away
    return Found(Pooler.STATEMENT, "the pooler ends a client's connection that says BEGIN")


def _backend(connection: database.Connection) -> int:
    value = _ask(connection, queries.load("connectivity/backend").encode())
    if value is None:
        raise errors.Unavailable(
            f"The pooler gave this session no backend within {_PATIENCE.total_seconds():.0f} s, so its pool "
            "is used up. Close other clients or raise the pool size, and try again."
        )
    return int(value)


def _ask(connection: database.Connection, sql: bytes) -> bytes | None:
    """Send one statement and return its first value (or nothing but b""), or None when time is up."""
    link, deadline = connection.pgconn, time.monotonic() + _PATIENCE.total_seconds()
    link.send_query(sql)
    link.flush()
    value = b""
    while True:
        while link.is_busy():
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([link.socket], [], [], remaining)[0]:
                return None
            link.consume_input()
        result = link.get_result()
        if result is None:
            return value
        if result.status == pq.ExecStatus.TUPLES_OK:
            value = result.get_value(0, 0) or b""
