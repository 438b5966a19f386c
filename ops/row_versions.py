"""The row versions of the catalogs: what tells, for little, which objects a change has touched.

A place is a number of neighbouring blocks of one catalog. Of each is kept which objects have rows there, and for
each object a sum over the versions of its rows: where that is not the same, the object was touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import TupleRow

from ops import database, queries

Place = tuple[str, int]
Object = tuple[int, int]
# By class and oid in one number, which takes a third of the room.
Sums = dict[int, int]

# Where no WAL tells the blocks, their sums are compared: by so many that asking and reading cost about the same.
WIDE = 16
_AT_ONCE = 24
_OID = 2**32 - 1


@dataclass
class Found:
    """What lies in some places now; `files` are the file nodes of the tables there."""

    places: dict[Place, Sums] = field(default_factory=dict[Place, Sums])
    files: dict[int, int] = field(default_factory=dict[int, int])
    sizes: dict[str, int] = field(default_factory=dict[str, int])


@dataclass
class Versions:
    """The catalogs as last seen; rows of the system's own objects only if newer than transaction `base`."""

    base: str
    width: int
    places: dict[Place, Sums] = field(default_factory=dict[Place, Sums])
    files: dict[int, int] = field(default_factory=dict[int, int])
    sizes: dict[str, int] = field(default_factory=dict[str, int])
    totals: dict[Place, int] = field(default_factory=dict[Place, int])

    @classmethod
    def read(cls, connection: database.Connection, *, width: int = WIDE) -> Versions:
        """Read every catalog; a place has `width` blocks."""
        versions = cls(_next_transaction(connection), width)
        versions.keep(versions.everything(connection))
        return versions

    def everything(self, connection: database.Connection) -> Found:
        """Look everywhere, and at every place where something was."""
        sizes = _sizes(connection)
        places = {(catalog, n) for catalog, size in sizes.items() for n in range(-(-size // self.width))}
        return self.at(connection, places | self.places.keys(), sizes)

    def differing(self, connection: database.Connection) -> Found:
        """Look at the places whose total is another one, and at new ones."""
        known = [place for place in self.places if place[0] in self.sizes]
        cursor = queries.ask(connection, queries.load("catalog/sizes"), {"catalogs": list(catalogs())})
        totals = [queries.ask(connection, _total(p[0]), self._range(p)) for p in known]
        sizes = {str(name): int(size) for name, size in cursor}
        found = {
            place: int((row.fetchone() or (0,))[0] or 0) for place, row in zip(known, totals, strict=True)
        }
        places = {place for place, total in found.items() if total != self.totals.get(place, 0)}
        places |= {
            (catalog, n)
            for catalog, size in sizes.items()
            for n in range(-(-size // self.width))
            if (catalog, n) not in self.places
        }
        return self.at(connection, places, sizes)

    def at(
        self, connection: database.Connection, places: Collection[Place], sizes: dict[str, int] | None = None
    ) -> Found:
        """Look at these places; each is in the answer, also when nothing is left there."""
        found = Found({place: {} for place in places}, sizes=sizes or self.sizes)
        ordered = sorted(found.places)
        cursors = [self._asked(connection, some) for some in _batches(ordered)]
        for number, one, file, total in (row for cursor in cursors for row in cursor.fetchall()):
            found.places[ordered[number]][one] = total
            if file is not None:
                found.files[one & _OID] = file
        return found

    def _asked(
        self, connection: database.Connection, places: Sequence[tuple[int, Place]]
    ) -> psycopg.Cursor[TupleRow]:
        values: dict[str, Any] = {"base": self.base}
        for at, (number, place) in enumerate(places):
            first = place[1] * self.width
            values |= {
                f"place{at}": number,
                f"from{at}": f"({first},0)",
                f"to{at}": f"({first + self.width},0)",
            }
        return queries.ask(connection, _summed(tuple(place[0] for _, place in places)), values)

    def touched(self, found: Found) -> tuple[set[Object], set[Object]]:
        """Return the objects whose rows are not the same, and those of them that had rows before and have now."""
        gone: set[int] = set()
        come: set[int] = set()
        for place, sums in found.places.items():
            before = self.places.get(place, {})
            if before != sums:
                gone.update(one for one, total in before.items() if sums.get(one) != total)
                come.update(one for one, total in sums.items() if before.get(one) != total)
        return _objects(gone | come), _objects(gone & come)

    def keep(self, found: Found) -> None:
        """Remember what was found."""
        self.places.update(found.places)
        self.files.update(found.files)
        self.sizes = found.sizes
        for place, sums in found.places.items():
            self.totals[place] = reduce(lambda one, other: one ^ other, sums.values(), 0)

    def _range(self, place: Place) -> dict[str, str]:
        first = place[1] * self.width
        return {"from": f"({first},0)", "to": f"({first + self.width},0)", "base": self.base}


@cache
def catalogs() -> tuple[str, ...]:
    """Return the names of the catalogs that are read."""
    return tuple(_branches())


def _next_transaction(connection: database.Connection) -> str:
    found = connection.execute("select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text")
    # 64 bits there, 32 in a row's xmin.
    return str(int((found.fetchone() or ("3",))[0]) % 2**32)


def _sizes(connection: database.Connection) -> dict[str, int]:
    found = connection.execute(queries.load("catalog/sizes"), {"catalogs": list(catalogs())})
    return {str(name): int(size) for name, size in found}


def _objects(numbers: Iterable[int]) -> set[Object]:
    return {(number >> 32, number & _OID) for number in numbers}


def _batches(places: Sequence[Place]) -> Iterator[Sequence[tuple[int, Place]]]:
    """Return the places with their numbers, so many at a time as one query can well ask for."""
    numbered = list(enumerate(places))
    for at in range(0, len(numbered), _AT_ONCE):
        yield numbered[at : at + _AT_ONCE]


@cache
def _summed(catalogs: tuple[str, ...]) -> LiteralString:
    """Return the query for places of these catalogs, each with parameters of its own."""
    one = (
        "select %(place{0})s::integer, (r.class << 32) + r.oid, pg_catalog.max(r.file), "
        "pg_catalog.bit_xor(r.version) from ({1}) r group by 2"
    )
    texts = (
        one.format(
            at, _branches()[name].replace("%(from)s", f"%(from{at})s").replace("%(to)s", f"%(to{at})s")
        )
        for at, name in enumerate(catalogs)
    )
    return cast("LiteralString", "\nunion all\n".join(texts))


@cache
def _total(catalog: str) -> LiteralString:
    return f"select pg_catalog.bit_xor(r.version) from ({_branches()[catalog]}) r"  # noqa: S608 - a file of ours


@cache
def _branches() -> dict[str, LiteralString]:
    """Return the branches of the one query, by the catalog that each reads."""
    _, _, text = queries.load("catalog/row_versions").partition("`base`.\n")
    return {branch.split("'", 2)[1]: branch for branch in text.split("\nunion all\n")}
