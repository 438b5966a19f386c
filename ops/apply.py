"""Run one file against a target: in one transaction with its history and journal rows, or unit by unit.

Source: staging-rehearsal.md, sections 4 and 5.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import psycopg
import tenacity
from psycopg import pq

from ops import database, errors, execution, journal, marks, queries, secrets, statements, units
from ops.attempts import LOGGER
from ops.execution import StatementFailed
from ops.target import Target
from ops.verdict import Failure, Lock

ATTEMPTS = 3
# Cannot run in a transaction block; unsafe use of a new enum value; invalid transaction termination.
NEEDS_NO_TRANSACTION = frozenset({"25001", "55P04", "2D000"})
# The modes of INSERT, UPDATE, DELETE, TRUNCATE, DROP and of every rewrite; a dropped table holds the last.
MAY_WRITE = frozenset({"RowExclusiveLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
# From this version on a backend says how much WAL it has written.
_TELLS_WAL = 180000
Inspect = Callable[[database.Connection, frozenset[int] | None], bool]


@dataclass(frozen=True, slots=True)
class Held:
    """The modes in which a relation was held just before the commit, and the rows written to it."""

    modes: tuple[str, ...]
    written: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running one file did.

    `held` is by oid, since a relation that was dropped has no name in its own transaction; `named` fills `locks`
    and `rows_written` from it. `touched` holds the oids of the tables that it may have written or changed, or is
    `None` where that cannot be known; `withdrawn` says that `inspect` looked at the uncommitted result and had it
    rolled back; `resumed` that an interrupted run had begun it.
    """

    failure: Failure | None = None
    transactional: bool = True
    attempts: int = 1
    duration_ms: float = 0.0
    held: Mapping[int, Held] = field(default_factory=dict[int, Held])
    locks: tuple[Lock, ...] = ()
    touched: frozenset[int] | None = frozenset()
    rows_written: int = 0
    wal_bytes: int | None = None
    notes: tuple[str, ...] = ()
    withdrawn: bool = False
    resumed: bool = False

    @property
    def ok(self) -> bool:
        return self.failure is None and not self.withdrawn

    def named(self, names: Mapping[int, str]) -> Outcome:
        """Return this with locks and rows said by name; relations without one (indexes, TOAST) are left out."""
        # A table that was dropped and made again has one name and two oids.
        known = sorted((names[oid], oid) for oid in self.held if oid in names)
        locks = dict.fromkeys((name, mode) for name, oid in known for mode in self.held[oid].modes)
        return replace(
            self,
            locks=tuple(Lock(object=name, mode=mode) for name, mode in locks),
            rows_written=sum(self.held[oid].written for _, oid in known),
        )


def run(
    target: Target,
    script: statements.Script,
    entry: journal.Entry,
    *,
    inspect: Inspect | None = None,
    begun: bool | None = None,
) -> Outcome:
    """Run a file once, again while its error is transient (at most three attempts), and say what it did.

    A file that turns out not to be transactional is run again unit by unit. `inspect` sees the result of a
    transactional file before it commits and may have it rolled back. `begun` is what `is_begun` has said, where it was
    asked already.

    Raises:
        Unavailable: the connection was lost, or could not be opened, three times.
    """
    return persist(
        lambda again: _once(
            target, script, entry, inspect=inspect, again=again, begun=None if again else begun
        ),
        entry.file,
        transactional=script.transactional,
    )


def persist(once: Callable[[bool], Outcome], file: str, *, transactional: bool) -> Outcome:
    """Call `once`, which learns whether it was called before, until its error is not transient, or three times.

    Raises:
        Unavailable: the connection was lost, or could not be opened, three times.
    """
    notes: list[str] = []
    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=0.5, max=5) + tenacity.wait_random(0, 0.5),
        retry=tenacity.retry_if_exception(_may_pass),
        before_sleep=lambda state: notes.append(_attempt_note(state)),
        reraise=True,
    )
    count = 0

    def attempt() -> Outcome:
        nonlocal count
        count += 1
        with database.translating():
            return once(count > 1)

    try:
        outcome = attempts(attempt)
    except StatementFailed as error:
        if error.cut:
            raise errors.Unavailable(f"{file}: the connection was lost {count} times: {error}") from None
        outcome = Outcome(failure=error.failure, transactional=transactional)
    return replace(outcome, attempts=count, notes=(*outcome.notes, *notes))


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, errors.Unavailable) or (isinstance(error, StatementFailed) and error.transient)


def _attempt_note(state: tenacity.RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    said = f"attempt {state.attempt_number} of {ATTEMPTS}: {secrets.redact(str(error))}"
    LOGGER.warning("%s", said)
    return said


def _once(
    target: Target,
    script: statements.Script,
    entry: journal.Entry,
    *,
    inspect: Inspect | None,
    again: bool,
    begun: bool | None,
) -> Outcome:
    if again and (arrived := already(target, entry)):
        return arrived
    whole = script.transactional
    try:
        # The same login looks and runs the file: it costs more than most files do.
        with target.login(kept=whole and not again and not marks.may_leave(script.text)) as connection:
            if begun is None:
                begun = (again or not target.throw_away) and is_begun(connection, entry)
            whole = whole and not begun
            if whole:
                return _in_one_transaction(connection, target, script, entry, inspect=inspect)
            parts = statements.one_by_one(script) if script.transactional else script.units
            outcome = _unit_by_unit(connection, target, parts, entry)
            return replace(outcome, resumed=begun and not again)
    except StatementFailed as error:
        if not whole or error.failure.sqlstate not in NEEDS_NO_TRANSACTION:
            raise
        note = f"run statement by statement: {error.failure.message}"
    with target.login() as connection:
        outcome = _unit_by_unit(connection, target, statements.one_by_one(script), entry)
    return replace(outcome, notes=(note,))


def already(target: Target, entry: journal.Entry) -> Outcome | None:
    """Return the outcome of an attempt whose commit had reached the server before the connection was lost."""
    with target.login() as connection:
        if not journal.completed(connection, entry, run=target.run):
            return None
    return Outcome(touched=None, notes=("the commit of the last attempt had reached the server",))


def is_begun(connection: database.Connection, entry: journal.Entry) -> bool:
    """Say whether a run went through the file unit by unit, and was interrupted in its midst."""
    with database.translating():
        progress = journal.progress(connection, entry)
    return bool(progress.begun or progress.done)


def _in_one_transaction(
    connection: database.Connection,
    target: Target,
    script: statements.Script,
    entry: journal.Entry,
    *,
    inspect: Inspect | None,
) -> Outcome:
    began = time.perf_counter()
    if connection.info.transaction_status == pq.TransactionStatus.IDLE:
        connection.execute("begin")
    for statement in script.statements if not script.units else script.units[0].statements:
        execution.execute(connection, target, statement, entry.file)
    execution.settle(connection, entry.file)
    outcome = _footprint(connection) if inspect or target.measured else Outcome(touched=None)
    if inspect and not inspect(connection, outcome.touched):
        connection.execute("rollback")
        return replace(outcome, withdrawn=True)
    _commit(connection, target, entry)
    elapsed = (time.perf_counter() - began) * 1000
    return replace(outcome, duration_ms=round(elapsed, 3), wal_bytes=_wal_bytes(connection, target))


def _commit(connection: database.Connection, target: Target, entry: journal.Entry) -> None:
    try:
        journal.verify_held(connection, target.holder)
        with connection.pipeline():
            journal.complete(connection, entry, run=target.run)
            if _tells_wal(connection, target):
                connection.execute("select pg_catalog.pg_stat_force_next_flush()")
            connection.execute("commit")
    except psycopg.Error as error:
        raise execution.failed(error, None, entry.file, connection) from None


def _unit_by_unit(
    connection: database.Connection, target: Target, parts: tuple[statements.Unit, ...], entry: journal.Entry
) -> Outcome:
    began = time.perf_counter()
    notes = units.run(connection, target, parts, entry)
    connection.execute("begin")
    execution.settle(connection, entry.file)
    _commit(connection, target, entry)
    elapsed = (time.perf_counter() - began) * 1000
    wal = _wal_bytes(connection, target)
    return Outcome(
        transactional=False, duration_ms=round(elapsed, 3), touched=None, wal_bytes=wal, notes=tuple(notes)
    )


def _footprint(connection: database.Connection) -> Outcome:
    found = queries.ask(connection, queries.load("apply/footprint")).fetchall()
    held = {int(oid): Held(tuple(modes), int(written)) for oid, modes, written in found}
    touched = frozenset(oid for oid, relation in held.items() if MAY_WRITE.intersection(relation.modes))
    return Outcome(held=held, touched=touched)


def _wal_bytes(connection: database.Connection, target: Target) -> int | None:
    if not _tells_wal(connection, target):
        return None
    found = queries.ask(connection, queries.load("apply/wal")).fetchone()
    return target.written(connection, int(found[0])) if found and found[0] is not None else None


def _tells_wal(connection: database.Connection, target: Target) -> bool:
    return target.measured and connection.info.server_version >= _TELLS_WAL
