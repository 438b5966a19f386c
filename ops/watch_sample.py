"""One look at a database that is watched: its counters, its sessions, its statements, and what its app says.

Nothing is judged here. What could not be seen is said and stays `None`, never nought.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from pydantic import BaseModel, ConfigDict

from ops import database, errors, queries, secrets, watch_metrics
from ops.project import Environment
from ops.watch_metrics import Health

_TIMEOUT = timedelta(seconds=10)
_TEXT = 160
_MARK = "supabase-runbooks watch"


class Facts(BaseModel):
    """What a look makes; as JSON it can be kept, and read back."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Counters(Facts):
    """What the database has counted since `stats_reset` (`None`: since it was made), on a server `started` then."""

    commits: int
    rollbacks: int
    deadlocks: int
    conflicts: int
    temp_bytes: int
    sessions_fatal: int
    sessions_killed: int
    sessions_abandoned: int
    blks_read: int
    blks_hit: int
    stats_reset: datetime | None
    started: datetime


class Statement(Facts):
    """What one statement has cost so far; `squares` is the sum of the squares of its times."""

    calls: int
    milliseconds: float
    squares: float
    rows: int


class Statements(Facts):
    """All statements by their number; `hidden` are the calls that this role may not tell apart."""

    by_id: dict[str, Statement]
    hidden: int = 0
    forgotten: int = 0
    since: datetime | None = None


class Waiting(Facts):
    """A session that waits for a lock, and who keeps it from it."""

    pid: int
    seconds: float
    query: str
    blockers: tuple[int, ...] = ()
    blocker: str = ""


class Sample(Facts):
    """One look, `at` our own clock; what could not be seen is named in `unseen`."""

    at: datetime
    counters: Counters
    sessions: dict[str, int]
    most_sessions: int | None
    oldest_transaction: float
    waiting: tuple[Waiting, ...] = ()
    replicas: dict[str, float | None] = {}
    statements: Statements | None = None
    metrics: dict[str, float] = {}
    health: Health | None = None
    unseen: tuple[str, ...] = ()


def take(connection: database.Connection, environment: Environment, *, at: datetime | None = None) -> Sample:
    """Look once; what is asked of the database is asked in one transaction, which commits and changes nothing.

    Raises:
        Unavailable: the connection is lost, or an answer took more than ten seconds.
        CheckFailed: the server would not answer a question that every role may ask.
    """
    unseen: list[str] = []
    with database.translating(), connection.transaction():
        _limit(connection)
        (counters,) = _rows(connection, "watch/database")
        sessions = _rows(connection, "watch/connections")
        waiting = [_waiting(row) for row in _rows(connection, "watch/waiting")]
        replicas = _rows(connection, "watch/replication")
        statements = _statements(connection, unseen)
    watched = environment.watch
    metrics = watch_metrics.read(watched.metrics_url, watched.metrics, unseen) if watched.metrics_url else {}
    return Sample(
        at=at or datetime.now(UTC),
        counters=Counters.model_validate(counters),
        sessions={row["state"]: row["sessions"] for row in sessions},
        most_sessions=sessions[0]["most"] if sessions else None,
        oldest_transaction=max((row["oldest"] for row in sessions), default=0.0),
        waiting=tuple(waiting),
        replicas={row["name"]: row["lag"] for row in replicas},
        statements=statements,
        metrics=metrics,
        health=watch_metrics.health(environment.health_url) if environment.health_url else None,
        unseen=tuple(unseen),
    )


def counters(connection: database.Connection) -> Counters:
    """Return only what the database has counted."""
    with database.translating(), connection.transaction():
        _limit(connection)
        (found,) = _rows(connection, "watch/database")
    return Counters.model_validate(found)


def texts(connection: database.Connection, ids: list[str] | None = None) -> dict[str, str]:
    """Return what statements say by their number, those of these looks left out; nothing where they cannot be seen."""
    with database.translating(), connection.transaction():
        _limit(connection)
        if not _reachable(connection, []):
            return {}
        found = _rows(connection, "watch/texts", {"ids": ids})
    return {row["id"]: row["text"] for row in found if _MARK not in row["text"]}


def said(text: str) -> str:
    """Return a statement on one line, shortened and redacted."""
    line = secrets.redact(" ".join(text.split()))
    return line if len(line) <= _TEXT else f"{line[: _TEXT - 1]}…"


def _limit(connection: database.Connection) -> None:
    milliseconds = str(round(_TIMEOUT.total_seconds() * 1000))
    connection.execute(
        "select /* supabase-runbooks watch */ pg_catalog.set_config('statement_timeout', %s, true), "
        "pg_catalog.set_config('transaction_read_only', 'on', true)",
        (milliseconds,),
        prepare=False,
    )


def _rows(
    connection: database.Connection, name: str, values: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    text: LiteralString = queries.load(name)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(text, values, prepare=False).fetchall()


def _waiting(row: dict[str, Any]) -> Waiting:
    blocker = ""
    if row["blockers"]:
        who = f"{row['blocker_application'] or 'somebody'}, {row['blocker_state'] or 'in an unknown state'}"
        blocker = f"{who}: {said(row['blocker_query'])}"
    return Waiting(
        pid=row["pid"],
        seconds=max(0.0, row["seconds"]),
        query=said(row["query"] or ""),
        blockers=tuple(row["blockers"] or ()),
        blocker=blocker,
    )


def _reachable(connection: database.Connection, unseen: list[str]) -> bool:
    """Put the extension's schema on the transaction's search path, where there is the extension."""
    found = _rows(connection, "watch/extension")
    if not found:
        unseen.append(
            "The database has no pg_stat_statements, so no statement's time is known. Create the extension."
        )
        return False
    path = f'pg_catalog, "{found[0]["schema"]}"'
    connection.execute(
        "select /* supabase-runbooks watch */ pg_catalog.set_config('search_path', %s, true)",
        (path,),
        prepare=False,
    )
    return True


def _statements(connection: database.Connection, unseen: list[str]) -> Statements | None:
    if not _reachable(connection, unseen):
        return None
    try:
        with connection.transaction():
            rows = _rows(connection, "watch/statements")
            (info,) = _rows(connection, "watch/statements_info")
    except psycopg.Error as error:
        told = database.translated(error)
        if connection.closed or isinstance(told, errors.Unavailable):
            raise told from None
        unseen.append(f"pg_stat_statements cannot be read, so no statement's time is known: {told}")
        return None
    known = {row["id"]: Statement(**_without(row, "id")) for row in rows if row["id"] is not None}
    hidden = sum(row["calls"] for row in rows if row["id"] is None)
    if hidden:
        unseen.append(
            f"{connection.info.user} may not tell other roles' statements apart. Grant it pg_read_all_stats."
        )
    return Statements(by_id=known, hidden=int(hidden), forgotten=info["forgotten"], since=info["stats_reset"])


def _without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}
