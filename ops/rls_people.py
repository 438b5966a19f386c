"""Two people who have signed up, each with a row of every table: made up for a trial that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from ops import database, errors, sample_rows, smoke_sql
from ops.rls_contract import Policy
from ops.sample_rows import Row, Samples
from ops.written_tables import Table

USERS = "auth.users"


@dataclass(frozen=True)
class Reference:
    """A foreign key: these columns point to those of the table with that oid."""

    to: int
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


@dataclass(frozen=True)
class Probed:
    """A table of the API, as the catalog has it; `personal` columns hold whose a row is."""

    table: Table
    enabled: bool
    forced: bool
    row_count: int
    personal: tuple[str, ...]
    references: tuple[Reference, ...]
    policies: dict[str, Policy]

    def __str__(self) -> str:
        return str(self.table)


@dataclass
class Person:
    """Somebody who has signed up, and the rows that are theirs by oid of the table."""

    id: str = field(default_factory=lambda: str(uuid4()))
    rows: dict[int, Row] = field(default_factory=dict[int, Row])

    def pointing(self, probed: Probed, users: int | None) -> dict[str, Any]:
        """Return what the columns of a row of theirs hold that say whose it is."""
        values: dict[str, Any] = dict.fromkeys(probed.personal, self.id)
        for each in probed.references:
            if each.to == users and each.referenced == ("id",):
                values[each.columns[0]] = self.id
            elif (row := self.rows.get(each.to)) and all(name in row.values for name in each.referenced):
                values |= {
                    mine: row.values[theirs]
                    for mine, theirs in zip(each.columns, each.referenced, strict=True)
                }
        return values


def sign_up(connection: database.Connection, person: Person) -> None:
    """Make a user of the platform; triggers of the project's own may make more.

    Raises:
        Refused: the server does not let this login do so.
    """
    text = sql.SQL("insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, '{}')")
    mail = f"runbooks-{person.id}@example.invalid"
    try:
        with connection.transaction():
            connection.execute(text, (person.id, mail))
    except psycopg.Error as error:
        raise errors.Refused(
            f"No user could be made up, so nobody could be signed in for the trial: {database.translated(error)}"
        ) from None


def in_order(tables: Iterable[Probed]) -> list[Probed]:
    """Return the tables so that each comes after those it points to, as far as that goes."""
    left = {each.table.oid: each for each in tables}
    ordered: list[Probed] = []
    while left:
        free = [each for each in left.values() if not any(one.to in left for one in each.references)]
        for each in free or list(left.values()):
            ordered.append(each)
            del left[each.table.oid]
    return ordered


def owned(tables: Iterable[Probed], users: int | None) -> frozenset[int]:
    """Return the tables whose rows are somebody's: by a column of their own, or by a row that they point to."""
    found: set[int] = {users} if users else set()
    for each in in_order(tables):
        if each.personal or any(one.to in found for one in each.references):
            found.add(each.table.oid)
    return frozenset(found)


def settle(
    connection: database.Connection,
    probed: Probed,
    person: Person,
    users: int | None,
    samples: Samples,
    *,
    unsafe: Callable[[int], str | None],
) -> str | None:
    """Give a person a row of a table; return why that cannot be done, as when one that it needs is `unsafe` to make."""
    table = probed.table
    own = dict(samples.get(str(table)) or samples.get(table.name) or {})
    known: Mapping[str, Mapping[str, Any]] = {
        **samples,
        str(table): own | person.pointing(probed, users),
    }
    try:
        with connection.transaction():
            row = sample_rows.make(connection, table, known, fresh=True)
            if not row.key:
                return (
                    "it has neither a primary key nor a free column of text, so that its row cannot be found."
                )
            for parent in row.tables[:-1]:
                if why := unsafe(parent.oid):
                    return f"it needs a row of {parent}, which is not safe to make: {why}"
            person.rows[table.oid] = row
            try:
                with connection.transaction():
                    smoke_sql.insert(connection, row)
            except psycopg.errors.UniqueViolation:
                # A trigger has made it, as one makes a profile for whoever signs up.
                if not _is_there(connection, row):
                    raise
    except (psycopg.Error, errors.Refused, errors.CheckFailed) as error:
        person.rows.pop(table.oid, None)
        if isinstance(error, psycopg.Error) and database.is_transient(error.sqlstate):
            raise
        said = str(database.translated(error)) if isinstance(error, psycopg.Error) else str(error)
        return f"no row of it could be made up ({said}). Give one in [deploy.samples] of runbooks.toml."
    return None


def _is_there(connection: database.Connection, row: Row) -> bool:
    query = sql.SQL("select 1 from {} where {}").format(
        smoke_sql.name(row.table), smoke_sql.where(row.identity)
    )
    return connection.execute(query, smoke_sql.adapted(row.identity)).fetchone() is not None
