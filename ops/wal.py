"""Which catalog blocks were written since the last look, read from the WAL of a server of our own."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from ops import database, queries, row_versions
from ops.row_versions import Place

# Beyond this, reading the catalogs whole costs less than reading the WAL.
FARTHEST_BYTES = 32 * 1024 * 1024


@dataclass
class Wal:
    """The WAL as a superuser of the server reads it; `connection` may be to any database of it."""

    connection: database.Connection
    database: int
    filenodes: dict[int, str]
    start: str

    @classmethod
    def follow(cls, connection: database.Connection, observer: database.Connection) -> Wal | None:
        """Begin at the present position; `None` where this server or login cannot show its WAL."""
        if connection.info.server_version < 160000:
            return None
        try:
            connection.execute("create extension if not exists pg_walinspect schema pg_catalog")
            found = connection.execute(
                queries.load("catalog/position"), {"name": observer.info.dbname}
            ).fetchone()
        except psycopg.Error:
            return None
        return cls(connection, int(found[1]), _filenodes(observer), str(found[0])) if found else None

    def blocks(self, observer: database.Connection) -> set[Place] | None:
        """Return the blocks written since the last call, or `None` where that is not known or too much to read."""
        try:
            self.connection.execute(queries.load("catalog/flush"), prepare=True)
            ((end, distance),) = self.connection.execute(
                queries.load("catalog/distance"), {"start": self.start}, prepare=True
            ).fetchall()
            if distance > FARTHEST_BYTES:
                return self._lost(observer, str(end))
            rows = self._written(str(end))
        except psycopg.Error:
            return self._lost(observer, None)
        self.start = str(end)
        return {(self.filenodes[filenode], block) for filenode, block in rows}

    def _written(self, end: str) -> list[tuple[int, int]]:
        asked = {
            "start": self.start,
            "end": end,
            "database": self.database,
            "filenodes": list(self.filenodes),
        }
        rows = self.connection.execute(queries.load("catalog/blocks"), asked, prepare=True)
        return [(int(filenode), int(block)) for filenode, block in rows]

    def _lost(self, observer: database.Connection, end: str | None) -> None:
        """Begin anew: a segment is gone, or a catalog was rewritten and lies elsewhere."""
        self.filenodes = _filenodes(observer)
        if end is None:
            ((end, _),) = self.connection.execute(
                queries.load("catalog/position"), {"name": observer.info.dbname}
            ).fetchall()
        self.start = str(end)


def _filenodes(observer: database.Connection) -> dict[int, str]:
    found = observer.execute(queries.load("catalog/filenodes"), {"catalogs": list(row_versions.catalogs())})
    return {int(filenode): str(name) for name, filenode in found}
