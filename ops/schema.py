"""The schema of a database as texts: every object, and what it is, in the server's own words.

An object that stands on its own (a table, a function, a publication) is a root; what belongs to it (columns,
policies, grants, comments) is described with it, so that a change costs one root and not the schema.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

from psycopg import pq

from ops import database, queries

Key = tuple[str, str]
Snapshot = Mapping[Key, str]
Delta = Mapping[Key, tuple[str | None, str | None]]
Root = tuple[int, int]
Described = dict[Root, dict[Key, str]]

# Roles, settings and what else shows no row versions to everybody: described anew each time.
GLOBALS: Root = (0, 0)
NAMESPACE, TYPE, FUNCTION, RELATION = 2615, 1247, 1255, 1259
# A definition may have to wait for somebody who holds its table.
LOCK_TIMEOUT = timedelta(seconds=10)
# What only a superuser is told.
SECRETS = frozenset({"user mapping options", "subscription connection"})
# Digests of secrets are good for comparing within this process, and for nothing else.
_SALT = {"salt": secrets.token_hex(16)}
_GLOBAL = ("schema/globals",)
_SECRET = (*_GLOBAL, "schema/secrets")
_ANY = ("schema/grants", "schema/comments")
_OTHERS = ("schema/others", "schema/operators")
_OF_RELATIONS = (
    "schema/relations",
    "schema/columns",
    "schema/constraints",
    "schema/indexes",
    "schema/triggers",
    "schema/sequences",
)


def snapshot(connection: database.Connection) -> Snapshot:
    """Describe the whole schema.

    What belongs to the system, to an extension, to this tool or to the history of migrations is left out.

    Raises:
        Unavailable: the connection is lost.
    """
    with asking(connection):
        return flat(describe(connection, roots(connection)).values())


def settle(connection: database.Connection) -> None:
    """Make a session one that only asks questions, for its whole life."""
    with database.translating():
        connection.execute(queries.load("schema/settings"), _how(local=False))


@contextmanager
def asking(connection: database.Connection, *, settled: bool = False) -> Generator[None]:
    """Ask questions about the schema: names are qualified in the answers, whatever the search path was.

    The connection's settings are afterwards what they were; nothing is done to one that is `settled`.

    Raises:
        Unavailable: the connection is lost, or somebody holds a lock for too long.
    """
    inside = connection.info.transaction_status != pq.TransactionStatus.IDLE
    try:
        with database.translating(), connection.pipeline():
            if settled:
                yield
                return
            if not inside:
                connection.execute("begin")
            before = queries.ask(connection, queries.load("schema/settings"), _how(local=True))
            yield
            # Neither is rolled back, since the driver would then prepare every statement anew.
            if inside:
                _put_back(connection, before.fetchall())
            else:
                connection.execute("commit")
    except BaseException:
        if not (inside or settled or connection.closed):
            connection.rollback()
        raise


def _put_back(connection: database.Connection, settings: list[tuple[str, str, str]]) -> None:
    values = {"names": [name for name, _, _ in settings], "values": [value for _, value, _ in settings]}
    queries.ask(connection, queries.load("schema/settings_back"), values)


def _how(*, local: bool) -> dict[str, Any]:
    return {"lock_timeout": f"{LOCK_TIMEOUT.total_seconds() * 1000:.0f}ms", "local": local}


def roots(connection: database.Connection) -> set[Root]:
    """Return everything that is described on its own."""
    found = connection.execute(queries.load("schema/roots"))
    return {GLOBALS, *((int(classid), int(oid)) for classid, oid in found)}


def describe(connection: database.Connection, wanted: Collection[Root]) -> Described:
    """Describe these roots; one that is not there, or is nobody's business, has no texts."""
    described: Described = {root: {} for root in wanted}
    cursors = [
        queries.ask(connection, text, parameters)
        for text, parameters in _questions(described, privileged=is_privileged(connection))
    ]
    for cursor in cursors:
        for classid, oid, kind, identity, definition in cursor.fetchall():
            # The same words stand in a schema many times over.
            key = sys.intern(kind), identity
            described.setdefault((classid, oid), {})[key] = sys.intern(definition or "")
    return described


def is_privileged(connection: database.Connection) -> bool:
    """Whether this login is told the secrets of user mappings and subscriptions."""
    return connection.info.parameter_status("is_superuser") == "on"


def _questions(wanted: Iterable[Root], *, privileged: bool) -> Iterator[tuple[LiteralString, dict[str, Any]]]:
    by_class: dict[int, list[int]] = {}
    for classid, oid in wanted:
        by_class.setdefault(classid, []).append(oid)
    if by_class.pop(0, None):
        yield (queries.union(*_SECRET), _SALT) if privileged else (queries.union(*_GLOBAL), {})
    if by_class:
        yield queries.union(*_ANY), pairs(_all(by_class))
    if oids := by_class.pop(RELATION, None):
        yield queries.union(*_OF_RELATIONS, given=("schema/asked",)), {"oids": oids}
    if oids := by_class.pop(FUNCTION, None):
        yield queries.load("schema/functions"), {"oids": oids}
    if oids := by_class.pop(TYPE, None):
        yield queries.load("schema/types"), {"oids": oids}
    if by_class:
        yield queries.union(*_OTHERS), {**pairs(_all(by_class)), **_SALT}


def pairs(roots: Iterable[Root]) -> dict[str, list[int]]:
    """Return the parameters that say which roots are meant."""
    known = list(roots)
    return {"classes": [classid for classid, _ in known], "oids": [oid for _, oid in known]}


def _all(by_class: Mapping[int, list[int]]) -> Iterable[Root]:
    return ((classid, oid) for classid, oids in by_class.items() for oid in oids)


def flat(described: Iterable[Mapping[Key, str]]) -> dict[Key, str]:
    """Put the texts of many roots into one mapping."""
    return {key: text for texts in described for key, text in texts.items()}
