"""A copy of a database's schema that is kept up to date for what a change costs, not for what exists.

The row versions of the catalogs tell which objects were touched; only those are described again, and, where a name is
gone, what may have said that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops import comparison, database, queries, schema
from ops.row_versions import Found, Versions
from ops.schema import Delta, Described, Key, Root
from ops.wal import Wal, Written

_WITH_ROWS = ("table", "materialized view")
_RELATIONS = (*_WITH_ROWS, "view", "foreign table", "sequence")
# What no other object says: that one of these is gone makes nobody's definition another one.
_UNSAID = frozenset(
    {"grant", "comment", "security label", "trigger", "policy", "rule", "default privileges", "column order"}
)
# What the texts of others follow although no name is gone: labels, storage; the schema of an extension's objects.
_FOLLOWED = frozenset({"type", "extension"})


@dataclass(frozen=True, slots=True)
class _Touched:
    """Objects whose rows were touched; `updated` had rows before and have rows now."""

    objects: set[Root]
    updated: set[Root]


@dataclass
class Mirror:
    """The schema as last seen, and by which row versions; `settled` says that the looking session does nothing else."""

    versions: Versions
    described: Described
    wal: Wal | None = None
    settled: bool = False
    rewritten: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, connection: database.Connection, wal: database.Connection | None = None, *, settled: bool = False
    ) -> Mirror:
        """Read everything once; `wal` is a superuser's login to any database of a server of our own.

        Raises:
            Unavailable: the connection is lost.
        """
        with schema.asking(connection, settled=settled):
            followed = Wal.follow(wal, connection) if wal else None
            versions = Versions.read(connection, width=1) if followed else Versions.read(connection)
            described = schema.describe(connection, schema.roots(connection))
        return cls(versions, _told(described), followed, settled)

    @property
    def snapshot(self) -> dict[Key, str]:
        """The whole schema as last seen."""
        return schema.flat(self.described.values())

    def refresh(self, connection: database.Connection) -> Delta:
        """Look again and return what has changed since the last look; `rewritten` then names the tables that got
        another file, since their rows were all written anew.

        Raises:
            Unavailable: the connection is lost.
        """
        with schema.asking(connection, settled=self.settled):
            found, globals_too = self._look(connection, self.wal.written(connection) if self.wal else None)
            now = self._describe(connection, self._touched(found), globals_too=globals_too)
        delta = self._delta(now)
        for root, texts in now.items():
            if texts:
                self.described[root] = texts
            else:
                self.described.pop(root, None)
        self.rewritten = self._rewritten(found)
        self.versions.keep(found)
        return delta

    def preview(self, connection: database.Connection) -> Delta:
        """Return what is different for a transaction that has not committed, and remember nothing of it."""
        with schema.asking(connection):
            found, globals_too = self._look(connection, self.wal.peek(connection) if self.wal else None)
            now = self._describe(connection, self._touched(found), globals_too=globals_too)
        delta = self._delta(now)
        if schema.is_privileged(connection):
            return delta
        return {key: change for key, change in delta.items() if key[0] not in schema.SECRETS}

    def relations(self, oids: Iterable[int]) -> dict[int, str]:
        """Return the names of those that are tables, views or sequences and not left out."""
        texts = {oid: self.described.get((schema.RELATION, oid), {}) for oid in oids}
        return {oid: identity for oid, keys in texts.items() for kind, identity in keys if kind in _RELATIONS}

    def _look(self, connection: database.Connection, written: Written | None) -> tuple[Found, bool]:
        if written is not None:
            return self.versions.at(connection, written.places), written.globals
        if self.wal is not None:
            return self.versions.everything(connection), True
        return self.versions.differing(connection), True

    def _touched(self, found: Found) -> _Touched:
        return _Touched(*self.versions.touched(found))

    def _describe(
        self, connection: database.Connection, touched: _Touched, *, globals_too: bool
    ) -> Described:
        """Describe what was touched, and what may say a name that is no more."""
        roots = _roots(connection, touched.objects)
        now = schema.describe(connection, roots | {schema.GLOBALS} if globals_too else roots)
        if self._is_role_renamed(now):
            rest = self.described.keys() | {schema.GLOBALS}
        else:
            rest = self._others(connection, now, touched.updated)
        return now | schema.describe(connection, rest - now.keys())

    def _others(self, connection: database.Connection, now: Described, updated: set[Root]) -> set[Root]:
        renamed = {root: False for root in updated if not (self.described.get(root) or now.get(root))}
        for root, texts in now.items():
            before = self.described.get(root)
            if before and texts and root != schema.GLOBALS:
                if _is_renamed(before, texts):
                    renamed[root] = False
                elif _columns(texts) - _columns(before):
                    renamed[root] = True
        if not renamed:
            return set()
        values = {**schema.pairs(renamed), "grown": list(renamed.values())}
        reached = queries.ask(connection, queries.load("catalog/dependents"), values).fetchall()
        # The mapping of a user says the name of its server.
        return _roots(connection, reached) | {schema.GLOBALS}

    def _is_role_renamed(self, now: Described) -> bool:
        if schema.GLOBALS not in now:
            return False
        before, after = (
            {name for kind, name in texts.get(schema.GLOBALS, ()) if kind == "role"}
            for texts in (self.described, now)
        )
        return bool(before - after and after - before)

    def _delta(self, now: Described) -> Delta:
        before = schema.flat(self.described.get(root, {}) for root in now)
        return comparison.between(before, schema.flat(now.values()))

    def _rewritten(self, found: Found) -> tuple[str, ...]:
        files = self.versions.files
        moved = (oid for oid, file in found.files.items() if files.get(oid, file) != file)
        texts = (self.described.get((schema.RELATION, oid), {}) for oid in moved)
        return tuple(sorted(identity for keys in texts for kind, identity in keys if kind in _WITH_ROWS))


def _told(described: Described) -> Described:
    return {root: texts for root, texts in described.items() if texts}


def _roots(connection: database.Connection, objects: Iterable[Root]) -> set[Root]:
    """Return the objects that stand on their own, to which these belong."""
    roots = set(objects)
    # A class has no parts where every oid is one of it: asked for all the same, since it costs nothing.
    found = queries.ask(connection, queries.load("catalog/parents"), schema.pairs(roots))
    for class_, oid, root_class, root in found.fetchall():
        roots.discard((class_, oid))
        roots.add((root_class, root))
    return roots


def _is_renamed(before: Mapping[Key, str], after: Mapping[Key, str]) -> bool:
    gone = any(kind not in _UNSAID for kind, _ in before.keys() - after.keys())
    return gone or any(before[key] != after.get(key) for key in before if key[0] in _FOLLOWED)


def _columns(texts: Mapping[Key, str]) -> set[Key]:
    return {key for key in texts if key[0] == "column"}
