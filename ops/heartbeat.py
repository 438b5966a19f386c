"""A row in production every minute: the last one that a restore brings back measures how much was lost.

Source: supabase-operations.md, the quarterly restore drill, step 4 (RPO/RTO log).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ops import database, own_schema, queries


@dataclass(frozen=True)
class Beat:
    """The last heartbeat; `longest` is the longest time between two of the last hundred, `first` the oldest one's."""

    id: int
    at: datetime
    longest: timedelta | None = None
    first: datetime | None = None


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(connection, "heartbeat/prepare", so="no loss can be measured")


def beat(connection: database.Connection) -> Beat:
    """Write a heartbeat."""
    with database.translating():
        ((number, at),) = connection.execute(queries.load("heartbeat/beat")).fetchall()
    return Beat(number, at)


def last(connection: database.Connection) -> Beat | None:
    """Return the last heartbeat that there is, if there is any."""
    with database.translating():
        ((there,),) = connection.execute("select to_regclass('runbooks.heartbeat') is not null").fetchall()
        if not there:
            return None
        ((number, at, longest, first),) = connection.execute(queries.load("heartbeat/last")).fetchall()
    return Beat(number, at, longest, first) if number is not None else None
