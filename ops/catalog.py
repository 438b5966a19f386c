"""A copy of a database's schema that is kept up to date for what a change costs, not for what exists.

The row versions of the catalogs tell which objects were touched; only those are described again. A change of a
name is the exception: others may say that name, so everything is described again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ops import comparison, database, row_versions, schema
from ops.row_versions import Map, Row, Rows
from ops.schema import Delta, Key, Root
from ops.wal import Wal

Name = tuple[str, Root, int | None]


@dataclass
class Mirror:
    """The schema as last seen, and by which row versions."""

    base: str
    map: Map
    described: schema.Described
    snapshot: dict[Key, str]
    wal: Wal | None = None
    parents: dict[Root, Root] = field(default_factory=dict[Root, Root])
    rewritten: tuple[str, ...] = ()

    @classmethod
    def read(cls, connection: database.Connection, wal: database.Connection | None = None) -> Mirror:
        """Read everything once; `wal` is a superuser's login to any database of a server of our own.

        Raises:
            Unavailable: the connection is lost.
        """
        with database.translating():
            followed = Wal.follow(wal, connection) if wal else None
            base = row_versions.next_transaction(connection)
            seen = row_versions.read(connection, base=base)
        described = schema.describe(connection, schema.roots(connection))
        mirror = cls(base, seen, described, schema.flat(described.values()), followed)
        mirror._learn(row for rows in seen.values() for row in rows.values())
        return mirror

    def refresh(self, connection: database.Connection) -> Delta:
        """Look again and return what has changed since the last look; `rewritten` then names the tables that got
        another file, since their rows were all written anew.

        Raises:
            Unavailable: the connection is lost.
        """
        found = self._look(connection, self.wal.blocks(connection) if self.wal else None)
        wanted = self._touched(found)
        delta = self._describe(connection, wanted, keep=True)
        self.rewritten = self._rewritten(found)
        for place, rows in found.items():
            if rows:
                self.map[place] = rows
            else:
                self.map.pop(place, None)
        return delta

    def relations(self, oids: Iterable[int]) -> dict[int, str]:
        """Return the names of those that are tables, views or sequences and not left out."""
        texts = {oid: self.described.get((schema.RELATION, oid), {}) for oid in oids}
        return {
            oid: identity
            for oid, keys in texts.items()
            for kind, identity in keys
            if kind in (*_WITH_ROWS, "view", "foreign table", "sequence")
        }

    def preview(self, connection: database.Connection) -> Delta:
        """Return what is different for a transaction that has not committed, and remember nothing of it."""
        found = self._look(connection, None)
        return self._describe(connection, self._touched(found), keep=False)

    def _look(self, connection: database.Connection, places: set[row_versions.Place] | None) -> Map:
        with database.translating():
            if places is not None:
                return row_versions.read_blocks(connection, places, base=self.base)
            found = row_versions.read(connection, base=self.base)
            return {**{place: {} for place in self.map}, **found}

    def _touched(self, found: Map) -> set[Root]:
        """Return the roots whose rows are not the same; all of them where a name has changed."""
        gone: dict[Name, str] = {}
        come: dict[Name, str] = {}
        touched: list[Row] = []
        for place, rows in found.items():
            before = self.map.get(place, {})
            if before == rows:
                continue
            for version in before.keys() - rows.keys():
                touched.append(before[version])
                _note(gone, place, before[version])
            for version in rows.keys() - before.keys():
                touched.append(rows[version])
                _note(come, place, rows[version])
        self._learn(touched)
        roots = {schema.GLOBALS, *(self._root(row.owner) for row in touched)}
        renamed = any(come.get(key, name) != name for key, name in gone.items())
        return roots | self.described.keys() if renamed else roots

    def _learn(self, rows: Iterable[Row]) -> None:
        self.parents.update((row.itself, row.owner) for row in rows if row.itself and row.itself != row.owner)

    def _root(self, owner: Root) -> Root:
        for _ in range(4):
            if owner not in self.parents:
                break
            owner = self.parents[owner]
        return owner

    def _describe(self, connection: database.Connection, wanted: set[Root], *, keep: bool) -> Delta:
        before = schema.flat(self.described.get(root, {}) for root in wanted)
        now = schema.describe(connection, wanted)
        after = schema.flat(now.values())
        delta = comparison.between(before, after)
        if any(kind == "role" and text is None for (kind, _), (_, text) in delta.items()):
            # A role that is gone may have another name now, which many objects say.
            rest = self.described.keys() - wanted
            if rest:
                return self._describe(connection, wanted | rest, keep=keep)
        if keep:
            self._keep(now, delta)
        return delta

    def _keep(self, now: schema.Described, delta: Delta) -> None:
        for root, texts in now.items():
            if texts:
                self.described[root] = texts
            else:
                self.described.pop(root, None)
        for key, (_, text) in delta.items():
            if text is None:
                del self.snapshot[key]
            else:
                self.snapshot[key] = text

    def _rewritten(self, found: Map) -> tuple[str, ...]:
        before = _files(rows for place in found if (rows := self.map.get(place)) and place[0] == "pg_class")
        after = _files(rows for place, rows in found.items() if place[0] == "pg_class")
        others = [root for root, file in after.items() if before.get(root, file) != file]
        return tuple(
            sorted(
                identity
                for root in others
                for kind, identity in self.described.get(root, {})
                if kind in _WITH_ROWS
            )
        )


_WITH_ROWS = ("table", "materialized view")


def _files(places: Iterable[Rows]) -> dict[Root, int]:
    rows = (row for place in places for row in place.values())
    return {row.itself: row.number for row in rows if row.itself and row.number is not None}


def _note(names: dict[Name, str], place: row_versions.Place, row: Row) -> None:
    if row.itself and row.name is not None:
        column = row.number if place[0] == "pg_attribute" else None
        names[place[0], row.itself, column] = row.name
