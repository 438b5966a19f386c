"""Run a file that cannot be one transaction: unit by unit, each with its journal rows, and on after an interruption.

Source: design.md, section 6 ("What cannot be one transaction").
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from ops import database, execution, index_progress, interrupted, journal
from ops.execution import StatementFailed
from ops.statements import Statement, Unit
from ops.target import Target


def run(
    connection: database.Connection, target: Target, units: tuple[Unit, ...], entry: journal.Entry
) -> list[str]:
    """Run the units that are not done yet and return what is worth noting.

    Raises:
        StatementFailed: a statement did not run; what its unit did is undone, or cleaned up.
        Unavailable: the lock of the database is lost, or another session still builds the same index.
    """
    try:
        return _run(connection, target, units, entry)
    except psycopg.Error as error:
        # It was our own statement, and only the file can have spoilt what it works on.
        raise execution.failed(error, None, entry.file, connection) from None


def _run(
    connection: database.Connection, target: Target, units: tuple[Unit, ...], entry: journal.Entry
) -> list[str]:
    progress = journal.progress(connection, entry)
    notes: list[str] = []
    for number, unit in enumerate(units):
        if number in progress.done:
            notes.append(f"unit {number + 1} of {len(units)} was done before an interruption")
            for statement in filter(_sets_the_session, unit.statements):
                execution.execute(connection, target, statement, entry.file)
        elif unit.transactional:
            _together(connection, target, unit, entry, number)
        else:
            notes += _alone(connection, target, unit.statements[0], entry, number, progress.begun.get(number))
    return notes


def _together(
    connection: database.Connection, target: Target, unit: Unit, entry: journal.Entry, number: int
) -> None:
    connection.execute("begin")
    for statement in unit.statements:
        execution.execute(connection, target, statement, entry.file)
    execution.settle_locally(connection, entry.file)
    journal.verify_held(connection, target.holder)
    journal.mark(connection, entry, run=target.run, unit=number, done=True)
    connection.execute("commit")


def _alone(
    connection: database.Connection,
    target: Target,
    statement: Statement,
    entry: journal.Entry,
    number: int,
    begun: journal.Witness | None,
) -> list[str]:
    notes: list[str] = []
    finished = False
    if begun is not None:
        finished, notes = interrupted.clean_up(connection, statement, begun, file=entry.file)
    if not finished:
        witness = interrupted.witness(connection, statement)
        with _as_ourselves(connection, entry.file):
            journal.verify_held(connection, target.holder)
            journal.mark(connection, entry, run=target.run, unit=number, done=False, witness=witness)
        _run_alone(connection, target, statement, entry, witness)
    with _as_ourselves(connection, entry.file):
        journal.mark(connection, entry, run=target.run, unit=number, done=True)
    return notes


def _run_alone(
    connection: database.Connection,
    target: Target,
    statement: Statement,
    entry: journal.Entry,
    witness: journal.Witness,
) -> None:
    with _without_timeouts(connection):
        try:
            with index_progress.shown(connection, target, statement):
                execution.execute(connection, target, statement, entry.file)
            interrupted.verify(connection, statement, file=entry.file)
        except StatementFailed as error:
            if not error.cut:
                interrupted.sweep(connection, statement, witness)
            raise


@contextmanager
def _without_timeouts(connection: database.Connection) -> Generator[None]:
    # CONCURRENTLY waits for old snapshots by design, and is left INVALID when a timeout kills it.
    names = ("lock_timeout", "statement_timeout")
    before = [
        connection.execute("select pg_catalog.current_setting(%s)", (name,)).fetchone() for name in names
    ]
    connection.execute("set lock_timeout = 0; set statement_timeout = 0")
    yield
    for name, value in zip(names, before, strict=True):
        connection.execute("select pg_catalog.set_config(%s, %s, false)", (name, value[0] if value else "0"))


@contextmanager
def _as_ourselves(connection: database.Connection, file: str) -> Generator[None]:
    connection.execute("begin")
    execution.settle_locally(connection, file)
    yield
    connection.execute("commit")


def _sets_the_session(statement: Statement) -> bool:
    """Whether a later unit relies on what this statement did to the session, which an interruption ended."""
    if statement.kind == "variable_set_stmt":
        return not statement.text.lower().startswith("set local")
    return statement.kind == "select_stmt" and "set_config" in statement.text.lower()
