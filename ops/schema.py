"""The schema of a database as texts: every object, and what it is, in the server's own words.

An object that stands on its own (a table, a function, a publication) is a root; what belongs to it (columns,
policies, grants, comments) is described with it, so that a change costs one root and not the schema.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

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
_ANY = ("grants", "comments")
_OF_RELATIONS = ("relations", "columns", "constraints", "indexes", "triggers", "sequences")


def snapshot(connection: database.Connection) -> Snapshot:
    """Describe the whole schema.

    What belongs to the system, to an extension, to this tool or to the history of migrations is left out.

    Raises:
        Unavailable: the connection is lost.
    """
    with asking(connection):
        return flat(describe(connection, roots(connection)).values())


@contextmanager
def asking(connection: database.Connection) -> Generator[None]:
    """Ask questions about the schema: names are qualified in the answers, whatever the search path was.

    The connection's settings are afterwards what they were.

    Raises:
        Unavailable: the connection is lost, or somebody holds a lock for too long.
    """
    inside = connection.info.transaction_status != pq.TransactionStatus.IDLE
    try:
        with database.translating(), connection.pipeline():
            if not inside:
                connection.execute("begin")
            before = connection.execute(
                queries.load("schema/settings"), {"lock_timeout": _milliseconds()}, prepare=True
            )
            yield
            # Neither is rolled back, since the driver would then prepare every statement anew.
            if inside:
                _put_back(connection, before.fetchall())
            else:
                connection.execute("commit")
    except BaseException:
        if not (inside or connection.closed):
            connection.rollback()
        raise


def _put_back(connection: database.Connection, settings: list[tuple[str, str, str]]) -> None:
    values = {"names": [name for name, _, _ in settings], "values": [value for _, value, _ in settings]}
    connection.execute(queries.load("schema/settings_back"), values, prepare=True)


def _milliseconds() -> str:
    return f"{LOCK_TIMEOUT.total_seconds() * 1000:.0f}ms"


def roots(connection: database.Connection) -> set[Root]:
    """Return everything that is described on its own."""
    found = connection.execute(queries.load("schema/roots"))
    return {GLOBALS, *((int(classid), int(oid)) for classid, oid in found)}


def describe(connection: database.Connection, wanted: Collection[Root]) -> Described:
    """Describe these roots; one that is not there, or is nobody's business, has no texts."""
    described: Described = {root: {} for root in wanted}
    cursors = [
        connection.execute(queries.load(f"schema/{name}"), parameters, prepare=True)
        for name, parameters in _questions(described, privileged=is_privileged(connection))
    ]
    for cursor in cursors:
        for classid, oid, kind, identity, definition in cursor:
            # The same words stand in a schema many times over.
            key = sys.intern(kind), identity
            described.setdefault((classid, oid), {})[key] = sys.intern(definition or "")
    return described


def is_privileged(connection: database.Connection) -> bool:
    """Whether this login is told the secrets of user mappings and subscriptions."""
    return connection.info.parameter_status("is_superuser") == "on"


def _questions(wanted: Iterable[Root], *, privileged: bool) -> list[tuple[str, dict[str, Any]]]:
    by_class: dict[int, list[int]] = {}
    for classid, oid in wanted:
        by_class.setdefault(classid, []).append(oid)
    asked: list[tuple[str, dict[str, Any]]] = []
    if by_class.pop(0, None):
        asked.append(("globals", {}))
        if privileged:
            asked.append(("secrets", _SALT))
    relations, functions, types = (by_class.get(each, []) for each in (RELATION, FUNCTION, TYPE))
    if relations:
        asked += [(name, {"oids": relations}) for name in _OF_RELATIONS]
    if functions:
        asked.append(("functions", {"oids": functions}))
    if types:
        asked.append(("types", {"oids": types}))
    if by_class:
        asked += [(name, pairs(_all(by_class))) for name in _ANY]
    others = {
        classid: oids for classid, oids in by_class.items() if classid not in (RELATION, FUNCTION, TYPE)
    }
    if others:
        asked += [("others", {**pairs(_all(others)), **_SALT}), ("operators", pairs(_all(others)))]
    return asked


def pairs(roots: Iterable[Root]) -> dict[str, list[int]]:
    """Return the parameters that say which roots are meant."""
    known = list(roots)
    return {"classes": [classid for classid, _ in known], "oids": [oid for _, oid in known]}


def _all(by_class: Mapping[int, list[int]]) -> Iterable[Root]:
    return ((classid, oid) for classid, oids in by_class.items() for oid in oids)


def flat(described: Iterable[Mapping[Key, str]]) -> dict[Key, str]:
    """Put the texts of many roots into one mapping."""
    return {key: text for texts in described for key, text in texts.items()}
