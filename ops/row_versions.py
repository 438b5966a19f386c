"""The row versions of the catalogs: what tells, for little, which objects a change has touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import LiteralString, NamedTuple, cast

from ops import database, queries

Place = tuple[str, int]
Version = tuple[str, str]
_EVERYTHING = {"from": "(0,0)", "to": "(4294967295,0)"}


class Row(NamedTuple):
    """A catalog row: the object it is of, the object that one belongs to, and its name where others say it.

    `number` is a table's file node, or a column's number.
    """

    itself: tuple[int, int] | None
    owner: tuple[int, int]
    name: str | None
    number: int | None


Rows = dict[Version, Row]
Map = dict[Place, Rows]


def next_transaction(connection: database.Connection) -> str:
    """Return the number that the next transaction will have, as its text."""
    found = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()
    # 64 bits there, 32 in a row's xmin.
    return str(int(found[0]) % 2**32) if found else "3"


def catalogs() -> tuple[str, ...]:
    """Return the names of the catalogs that are read."""
    return tuple(_branches())


def read(connection: database.Connection, *, base: str) -> Map:
    """Read every catalog whole; rows of system objects only if they are newer than transaction `base`."""
    found: Map = {}
    query = queries.load("catalog/row_versions")
    for place, version, row in _rows(connection.execute(query, {**_EVERYTHING, "base": base}, prepare=True)):
        found.setdefault(place, {})[version] = row
    return found


def read_blocks(connection: database.Connection, places: Iterable[Place], *, base: str) -> Map:
    """Read these blocks only; each is in the answer, also when nothing is left there."""
    found: Map = {place: {} for place in places}
    with connection.pipeline():
        cursors = [
            connection.execute(
                _branches()[catalog], {"from": f"({first},0)", "to": f"({end},0)", "base": base}, prepare=True
            )
            for catalog, first, end in _ranges(found)
        ]
    for cursor in cursors:
        for place, version, row in _rows(cursor):
            found[place][version] = row
    return found


def _rows(cursor: Iterable[tuple[object, ...]]) -> Iterator[tuple[Place, Version, Row]]:
    for found in cursor:
        catalog, ctid, xmin, class_, oid, owner_class, owner, name, number = cast(
            "tuple[str, str, str, int | None, int | None, int, int, str | None, int | None]", found
        )
        itself = None if class_ is None or oid is None else (class_, oid)
        place = (catalog, int(ctid[1 : ctid.index(",")]))
        yield place, (ctid, xmin), Row(itself, (owner_class, owner), name, number)


def _ranges(places: Iterable[Place]) -> list[tuple[str, int, int]]:
    ranges: list[tuple[str, int, int]] = []
    for catalog, block in sorted(places):
        if ranges and ranges[-1][0] == catalog and ranges[-1][2] == block:
            ranges[-1] = (catalog, ranges[-1][1], block + 1)
        else:
            ranges.append((catalog, block, block + 1))
    return ranges


@cache
def _branches() -> dict[str, LiteralString]:
    """Return the branches of the one query, by the catalog that each reads."""
    lines = queries.load("catalog/row_versions").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("--"))
    branches = text.split("\nunion all\n")
    return {branch.split("'", 2)[1]: cast("LiteralString", branch) for branch in branches}
