"""Which catalog blocks were written since the last look, read from the WAL of a server of our own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import psycopg

from ops import database, queries, row_versions
from ops.row_versions import Place

# Beyond this, reading the catalogs whole costs less than reading the WAL.
FARTHEST_BYTES = 32 * 1024 * 1024
# What is described as the globals, and has no row versions that everybody can see.
_GLOBALS = ("pg_authid", "pg_auth_members", "pg_db_role_setting", "pg_subscription", "pg_user_mapping")

Files = dict[tuple[bool, int], str]


@dataclass(frozen=True, slots=True)
class Written:
    """The blocks that were written, and whether roles, settings or the like were."""

    places: set[Place]
    globals: bool


@dataclass
class Wal:
    """The WAL as a superuser of the server reads it; `connection` may be to any database of it.

    `carried` are blocks that somebody had written and not yet committed at the last look.
    """

    connection: database.Connection
    database: int
    listed: str
    start: str
    carried: set[Place] = field(default_factory=set[Place])

    @classmethod
    def follow(cls, connection: database.Connection, observer: database.Connection) -> Wal | None:
        """Begin at the present position; `None` where this server or login cannot show its WAL."""
        if connection.info.server_version < 160000:
            return None
        try:
            connection.execute("create extension if not exists pg_walinspect schema pg_catalog")
            oid, position = _position(connection, observer)
            followed = cls(connection, oid, _listed(observer)[0], position)
            # Not everybody who may log in may read it.
            followed._read()
        except psycopg.Error:
            return None
        return followed

    def written(self, observer: database.Connection) -> Written | None:
        """Return the blocks written since the last call, or `None` where that is not known or too much to read."""
        end, found, is_somebody_writing = self._look(observer)
        if found is None:
            return self._lost(observer)
        self.start = end
        self.carried = found.places if is_somebody_writing else set()
        return found

    def peek(self, observer: database.Connection) -> Written | None:
        """Return the same, also what a transaction has written that has not committed, and remember nothing."""
        return self._look(observer)[1]

    def _look(self, observer: database.Connection) -> tuple[str, Written | None, bool]:
        try:
            end, rows = self._read()
            # Asked after the WAL was read: who writes now may have written before.
            listed, is_somebody_writing = _listed(observer)
        except psycopg.Error:
            if self.connection.closed or observer.closed:
                raise
            return "", None, True
        if rows is None or listed != self.listed:
            return end, None, True
        files = _files(listed)
        found = {(files[shared, file], block) for shared, file, block in rows}
        places = {place for place in found if place[0] not in _GLOBALS} | self.carried
        globals_too = any(name in _GLOBALS for name, _ in found)
        return end, Written(places, globals=globals_too), is_somebody_writing

    def _read(self) -> tuple[str, list[tuple[bool, int, int]] | None]:
        asked = {
            "start": self.start,
            "database": self.database,
            "filenodes": _filenodes(self.listed, shared=False),
            "shared": _filenodes(self.listed, shared=True),
            "farthest": FARTHEST_BYTES,
        }
        rows = queries.ask(self.connection, queries.load("catalog/blocks"), asked).fetchall()
        if not rows[0][1]:
            # What is rolled back, or committed without waiting for it, is not flushed.
            queries.ask(self.connection, queries.load("catalog/flush"))
            rows = queries.ask(self.connection, queries.load("catalog/blocks"), asked).fetchall()
        end, distance = str(rows[0][0]), int(rows[0][2])
        if distance > FARTHEST_BYTES:
            return end, None
        return end, [(shared, file, block) for _, _, _, shared, file, block in rows if file is not None]

    def _lost(self, observer: database.Connection) -> None:
        """Begin anew: a segment is gone, or a catalog was written anew and lies elsewhere."""
        self.database, self.start = _position(self.connection, observer)
        self.listed = _listed(observer)[0]
        self.carried = set()


def _position(connection: database.Connection, observer: database.Connection) -> tuple[int, str]:
    asked = {"name": observer.info.dbname}
    ((position, oid),) = connection.execute(queries.load("catalog/position"), asked).fetchall()
    return int(oid), str(position)


def _listed(observer: database.Connection) -> tuple[str, bool]:
    """Return the catalogs with their files, as one text, and whether a transaction is writing."""
    asked = {"catalogs": _names()}
    ((listed, writing),) = queries.ask(observer, queries.load("catalog/filenodes"), asked).fetchall()
    return str(listed), bool(writing)


@cache
def _names() -> str:
    return _array([*row_versions.catalogs(), *_GLOBALS])


@cache
def _filenodes(listed: str, *, shared: bool) -> str:
    return _array([file for of_all, file in _files(listed) if of_all == shared])


def _array(plain: Iterable[str | int]) -> str:
    """Return an array of plain words as the server writes it, which the driver would do anew for each look."""
    return "{" + ",".join(map(str, plain)) + "}"


@cache
def _files(listed: str) -> Files:
    each = (line.split(" ") for line in listed.splitlines())
    return {(shared == "t", int(file)): name for name, shared, file in each}
