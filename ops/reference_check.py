"""A restored database beside a reference: the same rows, the same policies, sequences that are not behind."""

from __future__ import annotations

from collections.abc import Iterator

from ops import database, errors, reference
from ops.app_tables import Table, Tables
from ops.backups import Problem
from ops.reference import Reference

_TODO = "Do not rely on this backup. Find out what damaged it, and take another one."


def look(dsn: str, expected: Reference) -> tuple[Problem, ...]:
    """Compare all that a reference holds with a database that was recovered to its place in the WAL.

    Raises:
        CheckFailed: the catalog cannot be read.
        Unavailable: the connection is lost.
    """
    with database.connect(dsn, autocommit=False) as connection, database.translating():
        reference.prepare(connection)
        tables = {str(table): table for table in Tables.read(connection, columns=False).found}
        here = [tables[name] for name in expected.tables if name in tables]
        found, unread = _each(connection, here)
        described = reference.describe(connection, here)
        sequences = reference.counted(connection)
        connection.rollback()
    return (
        *unread,
        *(each for each in _rows(expected, found) if each.object not in {one.object for one in unread}),
        *_described(expected, described),
        *_sequences(expected, sequences, exact=True),
    )


def shape(dsn: str, expected: Reference) -> tuple[Problem, ...]:
    """Say which of the tables, policies and rights of a reference are not there, wherever it was recovered to.

    Raises:
        Unavailable: the connection is lost.
    """
    with database.connect(dsn, autocommit=False) as connection, database.translating():
        tables = {str(table): table for table in Tables.read(connection, columns=False).found}
        described = reference.describe(connection, [tables[n] for n in expected.tables if n in tables])
        sequences = reference.counted(connection)
        connection.rollback()
    missing = tuple(gone(name) for name in expected.tables if name not in tables)
    return (*missing, *_described(expected, described), *_sequences(expected, sequences, exact=False))


def _each(
    connection: database.Connection, tables: list[Table]
) -> tuple[dict[str, reference.TableReference], tuple[Problem, ...]]:
    """Read each table; that one cannot be read says nothing of the others."""
    found: dict[str, reference.TableReference] = {}
    unread: list[Problem] = []
    for table in tables:
        try:
            with database.translating(), connection.transaction():
                found |= reference.read(connection, [table])
        except errors.CheckFailed as error:
            said = f"The rows of {table} cannot be read: {error}."
            unread.append(Problem(kind="rows-unreadable", object=str(table), said=said, todo=_TODO))
    return found, tuple(unread)


def _rows(expected: Reference, found: dict[str, reference.TableReference]) -> Iterator[Problem]:
    for name, wanted in expected.tables.items():
        got = found.get(name)
        if got is None:
            yield gone(name)
        elif got.rows != wanted.rows:
            said = f"{name} has {got.rows:,} rows, and had {wanted.rows:,} at the same place in the WAL."
            yield Problem(kind="rows-missing", object=name, said=said, todo=_TODO, blocks=expected.exact)
        elif got.hash and wanted.hash and got.hash != wanted.hash:
            said = f"{name} has as many rows as at the same place in the WAL ({got.rows:,}), and they are not the same."
            yield Problem(kind="rows-differ", object=name, said=said, todo=_TODO, blocks=expected.exact)


def gone(name: str) -> Problem:
    """Return what it means that a critical table is not there."""
    return Problem(kind="table-missing", object=name, said=f"The table {name} is not there.", todo=_TODO)


def _described(expected: Reference, found: dict[str, dict[str, str]]) -> Iterator[Problem]:
    for name, wanted in expected.described.items():
        if name not in found:
            continue
        for what, definition in wanted.items():
            got = found[name].get(what)
            if got != definition:
                kind = what.split(" ")[0]
                how = "is not there" if got is None else "is another one"
                yield Problem(
                    kind=f"{kind}-missing" if got is None else f"{kind}-differs",
                    object=what,
                    said=f"The {what} of {name} {how}.",
                    todo="Compare it with production: runbooks compare.",
                )


def _sequences(expected: Reference, found: dict[str, int], *, exact: bool) -> Iterator[Problem]:
    for name, wanted in expected.sequences.items():
        got = found.get(name)
        # The WAL is up to 32 numbers ahead of a sequence, so that a recovered one may have skipped some.
        if got is None or got < wanted:
            said = f"The sequence {name} stands at {got if got is not None else 'nothing'}, and stood at {wanted}."
            yield Problem(kind="sequence-behind", object=name, said=said, todo=_TODO, blocks=exact)
