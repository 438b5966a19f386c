"""The schema of a database as texts: every object, and what it is, in the server's own words.

An object that stands on its own (a table, a function, a publication) is a root; what belongs to it (columns,
policies, grants, comments) is described with it, so that a change costs one root and not the schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ops import database, queries

Key = tuple[str, str]
Snapshot = Mapping[Key, str]
Delta = Mapping[Key, tuple[str | None, str | None]]
Root = tuple[int, int]
Described = dict[Root, dict[Key, str]]

# Roles, settings and what else shows no row versions to everybody: described anew each time.
GLOBALS: Root = (0, 0)
NAMESPACE, TYPE, FUNCTION, RELATION = 2615, 1247, 1255, 1259
_ANY = ("grants", "comments")
_OF_RELATIONS = ("relations", "columns", "constraints", "indexes", "triggers", "sequences")


def snapshot(connection: database.Connection) -> Snapshot:
    """Describe the whole schema.

    What belongs to the system, to an extension, to this tool or to the history of migrations is left out.

    Raises:
        Unavailable: the connection is lost.
    """
    return flat(describe(connection, roots(connection)).values())


def roots(connection: database.Connection) -> set[Root]:
    """Return everything that is described on its own."""
    with database.translating():
        found = connection.execute(queries.load("schema/roots"))
        return {GLOBALS, *((int(classid), int(oid)) for classid, oid in found)}


def describe(connection: database.Connection, wanted: Collection[Root]) -> Described:
    """Describe these roots; one that is not there, or is nobody's business, has no texts.

    Names are qualified whatever the connection's search path is, since it is emptied.
    """
    described: Described = {root: {} for root in wanted}
    if not described:
        return described
    with database.translating(), connection.pipeline():
        connection.execute("select pg_catalog.set_config('search_path', '', false)")
        cursors = [
            connection.execute(queries.load(f"schema/{name}"), parameters, prepare=True)
            for name, parameters in _questions(described)
        ]
    for cursor in cursors:
        for classid, oid, kind, identity, definition in cursor:
            described.setdefault((classid, oid), {})[kind, identity] = definition or ""
    return described


def _questions(wanted: Iterable[Root]) -> list[tuple[str, dict[str, Any]]]:
    by_class: dict[int, list[int]] = {}
    for classid, oid in wanted:
        by_class.setdefault(classid, []).append(oid)
    asked: list[tuple[str, dict[str, Any]]] = []
    if by_class.pop(0, None):
        asked.append(("globals", {}))
    relations, functions, types = (by_class.get(each, []) for each in (RELATION, FUNCTION, TYPE))
    if relations:
        asked += [(name, {"oids": relations}) for name in _OF_RELATIONS]
    if functions:
        asked.append(("functions", {"oids": functions}))
    if types:
        asked.append(("types", {"oids": types}))
    if by_class:
        asked += [(name, _pairs(by_class)) for name in _ANY]
    others = {
        classid: oids for classid, oids in by_class.items() if classid not in (RELATION, FUNCTION, TYPE)
    }
    if others:
        asked += [(name, _pairs(others)) for name in ("others", "operators")]
    return asked


def _pairs(by_class: Mapping[int, list[int]]) -> dict[str, Any]:
    return {
        "classes": [classid for classid, oids in by_class.items() for _ in oids],
        "oids": [oid for oids in by_class.values() for oid in oids],
    }


def flat(described: Iterable[Mapping[Key, str]]) -> dict[Key, str]:
    """Put the texts of many roots into one mapping."""
    return {key: text for texts in described for key, text in texts.items()}
