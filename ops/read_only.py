"""A query of the project's own, asked so that it can change nothing and takes no longer than it may."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from ops import database, errors, statements

MOST_ROWS = 10_000
_QUERIES = {"select_stmt", "explain_stmt", "variable_show_stmt"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query returned; `whole` is false where it had more rows than are read."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    whole: bool = True


def single(text: str, *, what: str) -> str:
    """Return the one query that a text holds, without what is around it.

    Raises:
        Refused: it holds none, several, or something that is no query; `what` is named in the message.
    """
    if "\0" in text:
        raise errors.Refused(f"{what} holds a NUL character, at which a server stops reading. Take it out.")
    script = statements.parse(text)
    if script.meta_commands:
        raise errors.Refused(f"{what} holds commands of psql, which no server reads. Write plain SQL.")
    if len(script.statements) != 1:
        count = len(script.statements)
        raise errors.Refused(f"{what} holds {count} statements, and is asked as one. Write one query.")
    (found,) = script.statements
    if found.kind not in _QUERIES and not script.parse_error:
        raise errors.Refused(f"{what} is no query but a {_kind(found.kind)}. Write a SELECT.")
    return found.text


@contextmanager
def looking(connection: database.Connection, *, timeout: timedelta) -> Generator[None]:
    """Let the block ask in one transaction that only reads and is rolled back; each query has this much time.

    Raises:
        Unavailable: the connection is lost.
    """
    limit = sql.Literal(f"{round(timeout.total_seconds() * 1000)}ms")
    with database.translating(), connection.transaction(force_rollback=True):
        connection.execute("set transaction read only")
        connection.execute(sql.SQL("set local statement_timeout = {}").format(limit))
        connection.execute(sql.SQL("set local lock_timeout = {}").format(limit))
        yield


def ask(connection: database.Connection, query: str) -> Answer:
    """Ask one query inside `looking`; what goes wrong with it leaves the others in peace.

    Raises:
        CheckFailed: the server has refused it, or took too long; the message says which.
        Unavailable: the connection is lost.
    """
    try:
        with connection.transaction(force_rollback=True):
            return _asked(connection, query)
    except psycopg.Error as error:
        if connection.closed:
            raise errors.Unavailable(f"The connection was lost: {database.translated(error)}") from None
        raise errors.CheckFailed(_why(error)) from None


def _asked(connection: database.Connection, query: str) -> Answer:
    rows: list[TupleRow] = []
    columns: tuple[str, ...] = ()
    cursor = connection.cursor()
    # Row by row, and in the protocol in which a text is one statement.
    with cursor, closing(cast("Generator[TupleRow]", cursor.stream(query.encode()))) as stream:
        for row in stream:
            columns = columns or tuple(column.name for column in cursor.description or ())
            if len(rows) == MOST_ROWS:
                return Answer(columns, tuple(rows), whole=False)
            rows.append(row)
    return Answer(columns, tuple(rows))


def _why(error: psycopg.Error) -> str:
    if error.sqlstate == "25006":
        return f"it writes, and may only read ({error.diag.message_primary})"
    if error.sqlstate in ("57014", "55P03"):
        return f"it took longer than it may, or waited for a lock ({error.diag.message_primary})"
    if error.sqlstate is None:
        return f"its answer cannot be read ({' '.join(str(error).split())})"
    return str(database.translated(error))


def _kind(kind: str) -> str:
    return kind.removesuffix("_stmt").replace("_", " ").upper() or "statement"
