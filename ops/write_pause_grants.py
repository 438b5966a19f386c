"""Rights to write: taken away from the app's roles, and given back exactly as they were.

Compared is what `aclexplode` says: who has which right on what, from whom, and whether it may be handed on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ops import database, queries
from ops.pause_settings import WritePause

# The object, the role or the right is gone: dropped since, with whatever was given on it.
_GONE = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedObject,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.InvalidCatalogName,
)
_AT_ONCE = 200


class Grant(NamedTuple):
    """A right of one role on one object or column; the names are quoted as the server quotes them.

    `by_owner` says that it is taken and given with the owner's rights; else it takes the role of who has given it.
    """

    kind: str
    name: str
    part: str | None
    privilege: str
    grantable: bool
    grantee: str
    grantor: str
    by_owner: bool

    def __str__(self) -> str:
        column = f" ({self.part})" if self.part else ""
        return f"{self.privilege}{column} on {self.kind} {self.name} to {self.grantee} by {self.grantor}"


class Given(NamedTuple):
    """A right as it stands, whether the app writes by it, and in which of two ways this login may take it away."""

    grant: Grant
    paused: bool
    ours: bool
    settable: bool


def read(connection: database.Connection, settings: WritePause) -> tuple[Given, ...]:
    """Return every right to write that somebody has who does not own the object."""
    values = {"roles": list(settings.roles), "functions": settings.functions}
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("write_pause/grants"), values).fetchall()
    return tuple(
        Given(Grant(*(row[name] for name in Grant._fields)), row["paused"], row["ours"], row["settable"])
        for row in found
    )


def revoke(
    connection: database.Connection, settings: WritePause
) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    """Take the app's rights away, in the caller's transaction; return what went, and what is not this login's to take.

    What somebody else had from one of these roles goes with it, and is among what went.
    """
    before = read(connection, settings)
    # Handed-on rights first: so that nothing is taken by CASCADE that can be taken by name.
    handed_on = [each.grant for each in before if each.paused and each.settable and not each.grant.by_owner]
    _each(connection, handed_on, _revoking)
    _each(connection, [each.grant for each in before if each.paused and each.ours], _revoking)
    between = read(connection, settings)
    # Who has the right to hand it on takes away, without a word, only what it has given itself.
    stubborn = {
        each.grant: each.grant._replace(by_owner=False)
        for each in between
        if each.paused and each.settable and each.grant.by_owner
    }
    _each(connection, [*stubborn.values()], _revoking)
    after = read(connection, settings)
    kept = {each.grant for each in after}
    gone = tuple(stubborn.get(each.grant, each.grant) for each in before if each.grant not in kept)
    return gone, tuple(each.grant for each in after if each.paused)


def give_back(connection: database.Connection, grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Give rights back, in the caller's transaction; return those that cannot be: what they are on is gone."""
    left = [*grants]
    lost: list[Grant] = []
    lost += _each(connection, [each for each in left if each.by_owner], _granting)
    rest = [each for each in left if not each.by_owner]
    while rest:
        # Who hands a right on must have it again first.
        waiting = {(each.name, each.part, each.privilege, each.grantee) for each in rest if each.grantable}
        ready = [
            each for each in rest if (each.name, each.part, each.privilege, each.grantor) not in waiting
        ] or rest
        lost += _each(connection, ready, _granting)
        rest = [each for each in rest if each not in ready]
    return tuple(lost)


def _each(
    connection: database.Connection,
    grants: Sequence[Grant],
    said: Callable[[Sequence[Grant]], sql.Composed],
) -> list[Grant]:
    """Run a statement for the rights of each object that are alike: all at once, or one by one where that fails."""
    groups = [[*group] for _, group in itertools.groupby(sorted(grants, key=_alike), key=_alike)]
    try:
        with connection.transaction():
            for first in range(0, len(groups), _AT_ONCE):
                some = groups[first : first + _AT_ONCE]
                connection.execute(sql.SQL("; ").join(said(group) for group in some))
    except (*_GONE, psycopg.errors.InsufficientPrivilege):
        return [each for group in groups for each in group if not _alone(connection, said(group))]
    return []


def _alone(connection: database.Connection, statement: sql.Composed) -> bool:
    try:
        with connection.transaction():
            connection.execute(statement)
    except (*_GONE, psycopg.errors.InsufficientPrivilege):
        return False
    return True


def _alike(grant: Grant) -> tuple[Any, ...]:
    return (*grant._replace(privilege="", part=grant.part or ""),)


def _revoking(grants: Sequence[Grant]) -> sql.Composed:
    return _as_grantor(
        grants[0], sql.SQL("revoke {} from {} cascade").format(_rights(grants), _grantee(grants))
    )


def _granting(grants: Sequence[Grant]) -> sql.Composed:
    onwards = sql.SQL(" with grant option") if grants[0].grantable else sql.SQL("")
    return _as_grantor(
        grants[0], sql.SQL("grant {} to {}{}").format(_rights(grants), _grantee(grants), onwards)
    )


def _as_grantor(grant: Grant, statement: sql.Composed) -> sql.Composed:
    """The owner's grants are anybody's who has the owner's rights; those of others only their own."""
    if grant.by_owner:
        return statement
    return sql.SQL("set local role {}; {}; reset role").format(_named(grant.grantor), statement)


def _rights(grants: Sequence[Grant]) -> sql.Composed:
    part = sql.SQL(" ({})").format(_named(grants[0].part)) if grants[0].part else sql.SQL("")
    rights = sql.SQL(", ").join(sql.SQL("{}{}").format(_named(each.privilege), part) for each in grants)
    first = grants[0]
    return sql.SQL("{} on {} {}").format(rights, _named(first.kind), _named(first.name))


def _grantee(grants: Sequence[Grant]) -> sql.SQL:
    return _named(grants[0].grantee)


def _named(text: str) -> sql.SQL:
    # The names are the server's own quoting (format %I), and the other words its catalog's.
    return sql.SQL(cast("Any", text))
