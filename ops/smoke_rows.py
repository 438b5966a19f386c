"""The rows that a smoke writes through the API, where others can see them: announced, taken back, and looked for.

Each is announced in `runbooks.smoke_rows` before it is written and struck off when it is known to be gone, so that
what a smoke that broke off or was killed left is found.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ops import database, errors, queries, smoke_sql, written_tables
from ops.sample_rows import Row
from ops.settings import Deploy
from ops.written_tables import Table

# Whose rows are whose: who stands by for one process takes nothing back of another's.
WRITER = uuid4().hex


@dataclass
class Announced:
    """A row that is about to be written; `done` is how far it came, `left` whether SQL had to take it back."""

    identifier: str
    row: Row
    done: str = "not written"
    left: bool = False
    problem: str = ""


@contextmanager
def alone(dsn: str, application: str) -> Generator[None]:
    """Be the only smoke that goes through the API, so that nobody takes our row for one that was left.

    Raises:
        Unavailable: another one is under way.
    """
    with (
        database.connect(dsn, application=application, prepare_threshold=None) as connection,
        database.translating(),
        connection.transaction(),
    ):
        (free,) = connection.execute(queries.load("smoke/alone")).fetchone() or (False,)
        if not free:
            raise errors.Unavailable(
                "Another smoke is under way on this database, so this one has not begun. Wait for it."
            )
        yield


@contextmanager
def announced(connection: database.Connection, row: Row) -> Generator[Announced]:
    """Announce a row for the block that writes it; whatever ends the block, the row is taken back by SQL.

    Raises:
        Unavailable: the database does not answer.
    """
    one = Announced(f"{WRITER}-{uuid4().hex}", row)
    values = {"id": one.identifier, "relation": str(row.table), "key": Jsonb(row.identity)}
    with database.translating():
        connection.execute(queries.load("smoke/announce"), values)
    try:
        yield one
    except BaseException as error:
        said = _broken_off(connection, one)
        if isinstance(error, errors.OpsError):
            raise type(error)(f"{error} {said}", error.evidence) from None
        error.add_note(said)
        raise
    _end(connection, one)


def _broken_off(connection: database.Connection, one: Announced) -> str:
    by_hand = f"or somebody does: {_by_hand(one.row)}"
    try:
        # What the API has not answered it may still write, so only a row that is gone is struck off.
        if _take_back(connection, one):
            return "The row that the smoke wrote is taken back by SQL."
    except errors.OpsError as error:
        return f"THE ROW THAT THE SMOKE WROTE MAY STILL BE THERE ({error}): the next smoke takes it back, {by_hand}"
    return (
        f"No row of the smoke is there; should the API write it late, the next smoke takes it back, {by_hand}"
    )


def _end(connection: database.Connection, one: Announced) -> None:
    try:
        one.left = _take_back(connection, one)
    except errors.CheckFailed as error:
        one.problem = f"{one.row.table}: the smoke's row cannot be taken back ({error}): {_by_hand(one.row)}"
        return
    if not one.left and one.done in ("written", "read back", "changed"):
        one.problem = f"{one.row.table}: the smoke's row is hidden from the DSN's role: {_by_hand(one.row)}"
    elif not one.left:
        _strike_off(connection, one.identifier)


def _take_back(connection: database.Connection, one: Announced) -> bool:
    with database.translating():
        removed = _removed(connection, one.row.table, one.row.identity)
    if removed:
        _strike_off(connection, one.identifier)
    return removed > 0


def _strike_off(connection: database.Connection, identifier: str) -> None:
    with database.translating():
        connection.execute(queries.load("smoke/gone"), {"id": identifier})


def remove_left(connection: database.Connection, *, writer: str = "") -> list[str]:
    """Remove the rows that smokes left which broke off, and return a sentence for each.

    What one `writer` has just left may come late, so that its rows that are not there yet stay announced.

    Raises:
        Refused: one cannot be removed; the message says how.
        Unavailable: the database does not answer.
    """
    found: list[str] = []
    with database.translating():
        rows = connection.execute(queries.load("smoke/left"), {"writer": writer}).fetchall()
    for identifier, relation, key in rows:
        removed = _removed_left(connection, relation, key)
        if removed or not writer:
            _strike_off(connection, identifier)
        if removed:
            found.append(f"A smoke that was killed had left a row in {relation}; it is removed.")
    return found


def _removed_left(connection: database.Connection, relation: str, key: Mapping[str, Any]) -> int:
    with database.translating():
        there = written_tables.find(connection, Deploy(tables=(relation,)))
        try:
            return sum(_removed(connection, table, key) for table in there.found)
        except psycopg.errors.InsufficientPrivilege as error:
            raise errors.Refused(
                f"A smoke that was killed has left a row in {relation}, and this role may not remove it "
                f"({database.translated(error)}). Let somebody who may run: {_statement(there.found[0], key)}"
            ) from None


def _removed(connection: database.Connection, table: Table, key: Mapping[str, Any]) -> int:
    text = sql.SQL("delete from {} where {}").format(smoke_sql.name(table), smoke_sql.where(key))
    return connection.execute(text, smoke_sql.adapted(key)).rowcount


def _by_hand(row: Row) -> str:
    return _statement(row.table, row.identity)


def _statement(table: Table, key: Mapping[str, Any]) -> str:
    conditions = (
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(str(said))) for name, said in key.items()
    )
    text = sql.SQL("delete from {} where {};").format(
        smoke_sql.name(table), sql.SQL(" and ").join(conditions)
    )
    return text.as_string(None)
