"""The sessions of the app, ended when writes are paused: what a session was allowed when it began may last in it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg.rows import dict_row

from ops import database, queries

Row = dict[str, Any]
_PAUSE = 0.1


def end(
    connection: database.Connection, *, ours: Sequence[int], patience: timedelta
) -> tuple[list[Row], list[Row]]:
    """End every session of others that there is now; return those that are gone, and those that would not go.

    A pool connects again at once: its new sessions begin under the rules that hold now, and are left alone.
    """
    found = _asked_to_end(connection, ours, None)
    waiting = [row["pid"] for row in found if row["ended"]]
    deadline = time.monotonic() + patience.total_seconds()
    while waiting and time.monotonic() < deadline:
        time.sleep(_PAUSE)
        waiting = [row["pid"] for row in _asked_to_end(connection, ours, waiting)]
    left = [row for row in found if not row["ended"] or row["pid"] in waiting]
    return [row for row in found if row not in left], left


def writing(connection: database.Connection) -> list[Row]:
    """Return the transactions that have begun to write, of sessions and prepared ones."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(queries.load("write_pause/writing")).fetchall()


def _asked_to_end(connection: database.Connection, ours: Sequence[int], of: list[int] | None) -> list[Row]:
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            queries.load("write_pause/end_sessions"), {"ours": list(ours), "of": of}
        ).fetchall()
