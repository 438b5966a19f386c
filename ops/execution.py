"""Run one statement of a file on a login, and say where in the file it failed."""

from __future__ import annotations

from typing import LiteralString, cast

import psycopg

from ops import database, failures, statements
from ops.shape import guarding
from ops.target import Target
from ops.verdict import Failure


class StatementFailed(Exception):
    """A statement of a file did not run; carries the failure with its place in the file.

    `cut` says that the connection was lost, so that it may have run after all.
    """

    def __init__(self, failure: Failure, *, cut: bool = False) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.cut = cut

    @property
    def transient(self) -> bool:
        """Whether the same may well succeed when it is tried again."""
        return self.cut or database.is_transient(self.failure.sqlstate or "")


def execute(
    connection: database.Connection, target: Target, statement: statements.Statement, file: str
) -> None:
    """Run one statement as it stands in its file.

    Raises:
        StatementFailed: with file, line, column, SQLSTATE, message, hint and the statement.
    """
    elevation = target.elevate(statement.kind, statement.text)
    try:
        if target.watched and target.watched(statement.kind, statement.text):
            connection.execute(guarding.ON)
        if elevation:
            connection.execute(elevation[0])
        # The text of the operator's own file: the one thing here that is meant to be run as it is.
        text = target.adapt(statement.kind, statement.text)
        connection.execute(cast("LiteralString", text), prepare=False)
        if elevation:
            connection.execute(elevation[1])
    except psycopg.Error as error:
        raise failed(error, statement, file, connection) from None


def settle(connection: database.Connection, file: str) -> None:
    """Fire deferred constraints and take back what the file did to its session, so that we act as ourselves.

    Raises:
        StatementFailed: a deferred constraint does not hold.
    """
    ours(connection, _SETTLE, file)


def settle_locally(connection: database.Connection, file: str) -> None:
    """Do the same for the rest of this transaction only, since the file goes on in this session after it.

    Raises:
        StatementFailed: a deferred constraint does not hold.
    """
    ours(connection, _SETTLE_LOCALLY, file)


def ours(connection: database.Connection, statement: LiteralString, file: str) -> None:
    """Run a statement of ours between those of a file; its error is the file's.

    Raises:
        StatementFailed: without a place in the file.
    """
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        raise failed(error, None, file, connection) from None


def failed(
    error: psycopg.Error, statement: statements.Statement | None, file: str, connection: database.Connection
) -> StatementFailed:
    """Return a driver's error with its place in the file."""
    cut = connection.broken or connection.closed
    return StatementFailed(failures.of(error, statement, file), cut=cut)


_SETTLE: LiteralString = (
    "set constraints all immediate; reset session authorization; reset role; "
    "select pg_catalog.set_config('search_path', '', false)"
)
_SETTLE_LOCALLY: LiteralString = (
    "set constraints all immediate; set local session authorization default; set local role none; "
    "select pg_catalog.set_config('search_path', '', true)"
)
