"""Two people who have signed up, each with a row of every table: made up for a trial that is rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from ops import database, errors, rls_words, sample_rows, smoke_sql
from ops.rls_contract import Policy
from ops.rls_settings import RlsTrial
from ops.rls_words import Claim, Place, Words
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
    """A table of the API, as the catalog has it; `personal` columns hold whose a row is.

    One that is not `served` is no part of the contract: policies look there who belongs to whom.
    """

    table: Table
    served: bool
    columns: tuple[str, ...]
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
    """Somebody who has signed up, the rows that are theirs by oid of the table, and the claims of their token.

    `claimed` are the columns that hold one of these claims.
    """

    who: str
    settings: RlsTrial = field(default_factory=RlsTrial)
    id: str = field(default_factory=lambda: str(uuid4()))
    rows: dict[int, Row] = field(default_factory=dict[int, Row])
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    claimed: Mapping[Place, Claim] = field(default_factory=dict[Place, Claim])

    def __post_init__(self) -> None:
        own = {"sub": self.id, "role": "authenticated", "aud": "authenticated"}
        self.claims = {"email": self.email} | self.settings.claims.get(self.who, {}) | own

    @property
    def email(self) -> str:
        given = self.settings.claims.get(self.who, {}).get("email")
        return given if isinstance(given, str) else f"runbooks-{self.id}@example.invalid"

    def pointing(self, probed: Probed, users: int | None) -> dict[str, Any]:
        """Return what the columns of a row of theirs hold that say whose it is."""
        values: dict[str, Any] = dict.fromkeys(probed.personal, self.id)
        for name in probed.columns:
            claim = self.claimed.get((str(probed), name))
            if claim and (value := rls_words.at(self.claims, claim)) is not None:
                values[name] = value
        for each in probed.references:
            if each.to == users and each.referenced == ("id",):
                values[each.columns[0]] = self.id
            elif (row := self.rows.get(each.to)) and all(name in row.values for name in each.referenced):
                values |= {
                    mine: row.values[theirs]
                    for mine, theirs in zip(each.columns, each.referenced, strict=True)
                }
        return values | self.settings.of(self.who, str(probed))

    def claim(self, connection: database.Connection, tables: Iterable[Probed], words: Words) -> None:
        """Make up the claims that policies compare with a column, where none are given."""
        self.claimed = words.claimed
        for probed in tables:
            mine = {name: words.claimed.get((str(probed), name)) for name in probed.columns}
            if not any(mine.values()):
                continue
            there = sample_rows.columns(connection, probed.table)
            for name, claim in mine.items():
                if claim and rls_words.at(self.claims, claim) is None:
                    given = self.settings.of(self.who, str(probed)).get(name)
                    made = sample_rows.tenant(there[name]) if given is None else given
                    self.claims = rls_words.put(self.claims, claim, made)


def sign_up(connection: database.Connection, person: Person) -> None:
    """Make a user of the platform; triggers of the project's own may make more.

    Raises:
        Refused: the server does not let this login do so.
    """
    text = sql.SQL("insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, '{}')")
    try:
        with connection.transaction():
            connection.execute(text, (person.id, person.email))
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


def propagated(tables: Iterable[Probed], words: Words) -> Words:
    """Return the words with the columns to which those with a claim point: the row of a tenant has its id."""
    names = {each.table.oid: str(each) for each in tables}
    claimed = dict(words.claimed)
    for probed in reversed(in_order(tables)):
        for each in probed.references:
            claim = claimed.get((str(probed), each.columns[0]))
            if claim and len(each.columns) == 1 and each.to in names:
                claimed.setdefault((names[each.to], each.referenced[0]), claim)
    return replace(words, claimed=claimed)


@dataclass(frozen=True)
class Owned:
    """The tables whose rows are somebody's, and of these the tenants: a person belongs to them."""

    all: frozenset[int]
    tenants: frozenset[int]


def owned(tables: Iterable[Probed], users: int | None, words: Words, settings: RlsTrial) -> Owned:
    """Return the tables whose rows are somebody's.

    That says a column of their own, a row that they point to, or what links a person to them: a row of another table
    that is somebody's, in which a policy or its function looks the tenant up.
    """
    ordered = in_order(tables)
    found: set[int] = {users} if users else set()
    tenants: set[int] = set()
    while True:
        before = len(found)
        for each in ordered:
            has = each.personal or any((str(each), name) in words.claimed for name in each.columns)
            if has or settings.apart(str(each)) or any(one.to in found for one in each.references):
                found.add(each.table.oid)
        if len(found) == before:
            linked = {
                one.to
                for each in ordered
                if each.table.oid in found
                for one in each.references
                if one.to not in found and any((str(each), name) in words.linked for name in one.columns)
            }
            if not linked:
                return Owned(frozenset(found), frozenset(tenants))
            tenants |= linked
            found |= linked


def moved_by(
    probed: Probed, people: Sequence[Person], users: int | None, owned: Owned, words: Words
) -> dict[str, Any]:
    """Return what makes the owner's row the other's: the first columns that hold another value for them.

    Those that the policies of the table name come first, and of these the ones that say to which tenant a row belongs.
    """
    mine, theirs = (each.pointing(probed, users) for each in people[:2])
    persons = [(name,) for name in probed.personal]
    claimed = [(name,) for name in probed.columns if (str(probed), name) in words.claimed]
    given = [(name,) for name in people[0].settings.apart(str(probed))]
    pointing = [each.columns for each in probed.references if each.to in owned.all]
    tenants = [each.columns for each in probed.references if each.to in owned.all - {users}]
    named = [
        columns
        for columns in (*tenants, *claimed, *given, *persons, *pointing)
        if all((str(probed), name) in words.named for name in columns)
    ]
    for names in (*named, *persons, *claimed, *given, *pointing):
        moved = {name: theirs[name] for name in names if name in theirs and theirs[name] != mine.get(name)}
        if len(moved) == len(names):
            return moved
    return {}


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
        return (
            f"no row of it could be made up ({said}). Give one in [deploy.samples] of runbooks.toml, "
            "or one for each person in [rls.rows.owner] and [rls.rows.other]."
        )
    return None


def _is_there(connection: database.Connection, row: Row) -> bool:
    query = sql.SQL("select 1 from {} where {}").format(
        smoke_sql.name(row.table), smoke_sql.where(row.identity)
    )
    return connection.execute(query, smoke_sql.adapted(row.identity)).fetchone() is not None
