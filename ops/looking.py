"""One look at a whole database, of one moment, that is in nobody's way: a lock is kept no longer than a question."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.rows import kwargs_row
from pydantic import BaseModel, ConfigDict

from ops import database, secrets

_BEFORE = sql.SQL("savepoint question; ")
_AFTER = sql.SQL("; rollback to savepoint question; release savepoint question")

_Row = TypeVar("_Row")

STATEMENT_TIMEOUT = timedelta(minutes=10)
LOCK_TIMEOUT = timedelta(seconds=5)

_REASONS = {
    "42501": "{role} may not read it, or row level security would hide rows from it ({said}). Grant SELECT, or look "
    "with a role that has BYPASSRLS.",
    "57014": "the question was stopped after its time ({timeout:g} s). Give it more time, or leave the table out.",
    "55P03": "another session has it locked. Run this again when that is done.",
    "42P01": "it was dropped or renamed meanwhile ({said}). Run this again.",
    "42703": "a column was dropped or renamed meanwhile ({said}). Run this again.",
    "3F000": "its schema was dropped or renamed meanwhile ({said}). Run this again.",
}
# The texts of other classes may quote the value that was wrong, and rows stay where they are.
_TELLING = ("42", "53", "54")


class Unseen(BaseModel):
    """Something that should have been looked at and was not: what was asked, of what, and why it has no answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    question: str
    object: str
    reason: str


@dataclass
class Look:
    """A look that is under way; `unseen` grows by what could not be answered."""

    connection: database.Connection
    role: str
    moment: datetime
    timeout: timedelta
    unseen: list[Unseen] = field(default_factory=list[Unseen])

    def ask(self, question: str, about: str, query: sql.Composed) -> list[tuple[Any, ...]] | None:
        """Ask for a few rows; `None` says that there is no answer, and `unseen` has the reason.

        Raises:
            Unavailable: the connection is lost.
        """
        try:
            return self.tried(query)
        except psycopg.Error as error:
            if self.connection.closed or error.sqlstate is None:
                raise database.translated(error) from None
            self.unseen.append(Unseen(question=question, object=about, reason=self._reason(error)))
            return None

    def tried(self, query: sql.Composed) -> list[tuple[Any, ...]]:
        """Ask, and give back the locks of the question at once, in one journey to the server."""
        try:
            cursor = self.connection.execute(_BEFORE + query + _AFTER, prepare=False)
        except psycopg.Error as error:
            if not self.connection.closed and error.sqlstate is not None:
                self.connection.execute(_AFTER, prepare=False)
            raise
        cursor.nextset()
        return cursor.fetchall()

    def _reason(self, error: psycopg.Error) -> str:
        state = error.sqlstate or ""
        known = _REASONS.get(state)
        said = secrets.redact(error.diag.message_primary or "") if state.startswith(_TELLING) else ""
        if known:
            return known.format(role=self.role, said=said, timeout=self.timeout.total_seconds())
        return f"the server said {state}{f': {said}' if said else ''}."


def catalog(
    connection: database.Connection,
    text: LiteralString,
    make: Callable[..., _Row],
    values: Mapping[str, Any] | None = None,
) -> list[_Row]:
    """Ask the catalog, and make something of each row's values by their names; its locks are given back at once.

    Not prepared: behind a transaction pooler the next statement may meet a backend that does not know it.
    """
    with (
        connection.transaction(force_rollback=True),
        connection.cursor(row_factory=kwargs_row(make)) as cursor,
    ):
        return cursor.execute(text, values, prepare=False).fetchall()


@contextmanager
def at(
    connection: database.Connection,
    *,
    statement_timeout: timedelta = STATEMENT_TIMEOUT,
    lock_timeout: timedelta = LOCK_TIMEOUT,
) -> Generator[Look]:
    """Look at one moment: a read-only transaction whose questions each give back their locks.

    A lock that was kept would let every change of a table wait, and its writers behind that. Row level security
    that would hide rows is an error of the question, not fewer rows.

    Raises:
        Unavailable: the connection is lost.
    """
    with database.translating(), connection.transaction(force_rollback=True):
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local row_security = off")
        for name, value in (("statement_timeout", statement_timeout), ("lock_timeout", lock_timeout)):
            milliseconds = str(max(1, round(value.total_seconds() * 1000)))
            connection.execute(
                "select pg_catalog.set_config(%s, %s, true)", (name, milliseconds), prepare=False
            )
        ((role, moment),) = connection.execute(
            "select current_user::text, pg_catalog.statement_timestamp()", prepare=False
        ).fetchall()
        yield Look(connection, role, moment, statement_timeout)
