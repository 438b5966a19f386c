"""SQL files run as their authors' sessions would run them, and all of it undone at the end.

One transaction holds everything. A file's own BEGIN is a savepoint in it, its ROLLBACK goes back there, its
COMMIT lets the savepoint go: so what one file leaves for the next (helpers that a first file installs) is
there for the next, and nothing is there afterwards. Only what no transaction undoes stays: a sequence that
moved on, and what another connection did.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import pq

from ops import database, secrets, statements, verdict
from ops.nature import Nature
from ops.statements import Script, Statement

TIMEOUT = timedelta(minutes=5)
_BLOCK = b"savepoint runbooks_block"
_NEW_SESSION = (
    b"reset session authorization; reset role; reset all; close all; deallocate all; unlisten *; discard temp"
)
# Rolled back to, so that constraints are deferred again afterwards.
_CHECK_CONSTRAINTS = (
    b"savepoint runbooks_check; set constraints all immediate; "
    b"rollback to runbooks_check; release runbooks_check"
)
_UNSUPPORTED = "inside the transaction that undoes the file"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result, with its type's OID."""

    name: str
    type: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to one statement; `notices` are (severity, message)."""

    statement: Statement
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    notices: tuple[tuple[str, str], ...] = ()
    error: verdict.Failure | None = None


@dataclass(slots=True)
class Session:
    """A connection whose every effect is undone."""

    connection: database.Connection
    timeout: timedelta
    _notices: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _in_block: bool = False

    def run(self, script: Script, *, file: str, keep_going: bool) -> Iterator[Answer]:
        """Run a file's statements in order and yield each answer; an error ends it unless `keep_going`."""
        try:
            for statement in script.statements:
                answer = self._answer(statement, file, keep_going=keep_going)
                yield answer
                if answer.error and not keep_going:
                    return
        finally:
            self._end_of_file()

    def execute(self, query: bytes) -> psycopg.Error | None:
        """Run statements of ours, and undo them where one fails; return the error."""
        self.connection.execute(b"savepoint runbooks_undo")
        try:
            self.connection.execute(query)
        except psycopg.Error as error:
            self._back_to(b"runbooks_undo")
            return error
        self.connection.execute(b"release runbooks_undo")
        return None

    def begin(self) -> None:
        """Open the transaction that holds everything, unless it is open."""
        if self.connection.info.transaction_status == pq.TransactionStatus.IDLE:
            self.connection.execute(b"begin")
            self._limit()

    def undo(self) -> None:
        """Undo everything so far."""
        self.connection.rollback()

    def listen(self) -> None:
        """Keep the server's notices for the answers."""
        self.connection.add_notice_handler(self._notice)

    def _limit(self) -> None:
        self.connection.execute(
            f"set local statement_timeout = {int(self.timeout.total_seconds() * 1000)}".encode()
        )

    def _notice(self, said: psycopg.errors.Diagnostic) -> None:
        self._notices.append((said.severity_nonlocalized or "NOTICE", said.message_primary or ""))

    def _answer(self, statement: Statement, file: str, *, keep_going: bool) -> Answer:
        self._notices.clear()
        control = self._controls().get(statement.nature)
        try:
            if control is not None:
                control()
                return Answer(statement, notices=tuple(self._notices))
            if self._means_nothing_here(statement):
                return Answer(statement)
            return self._execute(statement, keep_going=keep_going)
        except psycopg.Error as error:
            if self.connection.closed:
                raise database.translated(error) from None
            return Answer(statement, notices=tuple(self._notices), error=failure(error, statement, file))

    def _controls(self) -> dict[Nature, Callable[[], None]]:
        return {
            Nature.BEGIN: self._begin_block,
            Nature.COMMIT: self._commit_block,
            Nature.COMMIT_AND_CHAIN: self._chain,
            Nature.ROLLBACK: self._roll_back_block,
            Nature.PREPARE: self._refuse_prepare,
        }

    def _begin_block(self) -> None:
        if not self._in_block:
            self.connection.execute(_BLOCK)
            self._in_block = True

    def _commit_block(self) -> None:
        if self._in_block:
            try:
                self.connection.execute(_CHECK_CONSTRAINTS)
            except psycopg.Error:
                self._roll_back_block()
                raise
            self.connection.execute(b"release runbooks_block; reset role")
            self._in_block = False

    def _chain(self) -> None:
        self._commit_block()
        self._begin_block()

    def _roll_back_block(self) -> None:
        if self._in_block:
            self._back_to(b"runbooks_block")
            self._in_block = False

    def _refuse_prepare(self) -> None:
        raise psycopg.errors.FeatureNotSupported(f"PREPARE TRANSACTION cannot run {_UNSUPPORTED}")

    def _means_nothing_here(self, statement: Statement) -> bool:
        """SET LOCAL outside a block has no effect; SET TRANSACTION has none on what is checked."""
        words = statement.text.lower().split(maxsplit=2)[:2]
        return statement.kind == "variable_set_stmt" and (
            words == ["set", "transaction"] or (words == ["set", "local"] and not self._in_block)
        )

    def _execute(self, statement: Statement, *, keep_going: bool) -> Answer:
        guarded = keep_going or not self._in_block
        if guarded:
            self.connection.execute(b"savepoint runbooks_undo")
        try:
            cursor = self.connection.execute(statement.text.encode())
        except psycopg.Error:
            if guarded and not self.connection.closed:
                self._back_to(b"runbooks_undo")
            raise
        columns, rows = _read(cursor.pgresult)
        if guarded:
            self.connection.execute(b"release runbooks_undo")
        return Answer(statement, columns, rows, tuple(self._notices))

    def _back_to(self, savepoint: bytes) -> None:
        self.connection.execute(b"rollback to " + savepoint)
        self.connection.execute(b"release " + savepoint)

    def _end_of_file(self) -> None:
        if self.connection.closed:
            return
        self._roll_back_block()
        self.connection.execute(_NEW_SESSION)
        self._limit()


@contextmanager
def session(dsn: str, *, timeout: timedelta = TIMEOUT) -> Generator[Session]:
    """Open a session; everything that ran in it is undone when the block ends.

    Raises:
        Unavailable: nobody answers, or the connection is lost on the way.
    """
    with database.connect(dsn, application="supabase-runbooks contract") as connection:
        # Files deallocate what they like, and what we prepared would be gone with it.
        connection.prepare_threshold = None
        opened = Session(connection, timeout)
        opened.listen()
        opened.begin()
        try:
            yield opened
        finally:
            if not connection.closed:
                connection.rollback()


def read_script(path: Path) -> tuple[Script | None, str | None]:
    """Return a file's statements, or why it cannot be read."""
    try:
        return statements.parse(path.read_bytes().decode("utf-8-sig")), None
    except UnicodeDecodeError as error:
        return None, f"byte {error.start + 1} is not UTF-8, so the file cannot be read; save it as UTF-8"
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"


def failure(error: psycopg.Error, statement: Statement, file: str) -> verdict.Failure:
    """Return an error with its place in the file: the server's own position where it gives one."""
    diagnostic = error.diag
    line, column = statement.line, statement.column
    if diagnostic.statement_position:
        offset = int(diagnostic.statement_position) - 1
        below, across = statements.position(statement.text, offset)
        line, column = line + below - 1, across + (column - 1 if below == 1 else 0)
    return verdict.Failure(
        message=secrets.redact(diagnostic.message_primary or str(error).strip()),
        sqlstate=error.sqlstate,
        hint=diagnostic.message_hint,
        detail=diagnostic.message_detail,
        file=file,
        line=line,
        column=column,
    )


def _read(result: pq.abc.PGresult | None) -> tuple[tuple[Column, ...], tuple[tuple[str | None, ...], ...]]:
    """Read a result as text: a suite may select what Python has no type for, such as a date of infinity."""
    if result is None or result.status != pq.ExecStatus.TUPLES_OK:
        return (), ()
    width = range(result.nfields)
    columns = tuple(
        Column((result.fname(i) or b"").decode("utf-8", "replace"), result.ftype(i)) for i in width
    )
    return columns, tuple(tuple(_text(result.get_value(n, i)) for i in width) for n in range(result.ntuples))


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
