"""What must be made up together for one table to be tried, and whether the server has room for the locks of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ops import database, queries
from ops.rls_people import Probed
from ops.rls_reach import WRITES, Reach, Step

# The lock table is everybody's: when it is full, the app's statements fail as well.
_SHARE = 8
# Of the catalogs that are asked within the transaction, with their indexes.
_CATALOGS = 64
# Numbers of sequences are asked for so many at a time.
_MOST_SEQUENCES = 200


@dataclass(frozen=True)
class Group:
    """The tables whose rows one table's trial needs, and why there is no room for it.

    `deletes` says whether there is room for a delete, or for a change of its key, as well.
    """

    tables: frozenset[int]
    untried: str | None
    deletes: bool


@dataclass(frozen=True)
class Groups:
    """What hangs together in a database, and the most locks that one transaction of ours may take."""

    reach: Reach
    probed: Mapping[int, Probed]
    users: int | None
    most_locks: int

    def unsafe(self, table: int) -> str | None:
        """Return what a trial of a table would do that no transaction takes back."""
        return self.reach.why_not(Step(act, table) for act in WRITES)

    def unsafe_to_insert(self, table: int) -> str | None:
        """Return what a new row of a table would do that no transaction takes back."""
        return self.reach.why_not([Step("insert", table)])

    def of(self, table: int) -> Group:
        """Return the group of a table: what it points to, and what its policies and triggers look at."""
        members = self._members(table)
        touched = self._relations([Step("insert", oid) for oid in members | self._signed_up()])
        touched |= self._relations(self._own(table))
        touched |= self._pointed({*touched, *members}) | members
        # The server looks for rows that point to a deleted one in every table that could have some.
        deleted = self.reach.steps([Step("delete", table), Step("update", table)])
        looked = {step.oid for step in deleted if step.act != "call"}
        looked |= {
            child for step in deleted if step.act == "delete" for child in self.reach.children[step.oid]
        }
        locks = self._locks(touched)
        return Group(
            tables=frozenset(oid for oid in members if oid in self.probed),
            untried=self._no_room(locks, len(touched)) if locks > self.most_locks else None,
            deletes=self._locks(touched | looked) <= self.most_locks,
        )

    def _members(self, table: int) -> set[int]:
        members, left = set[int](), [table]
        while left:
            oid = left.pop()
            if oid in members:
                continue
            members.add(oid)
            reached = self._relations(self._own(oid) if oid == table else [Step("insert", oid)])
            left += [*(one for one in reached if one in self.probed), *self._pointed({oid})]
        return members

    def _own(self, table: int) -> list[Step]:
        """Return what a table's own code does when a row of it is tried, without that of tables that point to it."""
        runs = self.reach.runs
        changed = [runs.get(Step(act, table), []) for act in ("update", "delete")]
        own = [step for each in changed for what, steps in each if what for step in steps]
        return [Step("read", table), Step("insert", table), *own]

    def _signed_up(self) -> set[int]:
        return {self.users} if self.users else set()

    def _relations(self, starts: Iterable[Step]) -> set[int]:
        return {step.oid for step in self.reach.steps(starts) if step.act != "call"}

    def _pointed(self, tables: Iterable[int]) -> set[int]:
        return {parent for oid in tables for parent in self.reach.parents[oid]} - self._signed_up()

    def _locks(self, tables: Iterable[int]) -> int:
        return _CATALOGS + sum(
            self.reach.relations[oid].locks for oid in tables if oid in self.reach.relations
        )

    def _no_room(self, locks: int, tables: int) -> str:
        return (
            f"it hangs together with so many tables ({tables}) that its trial would take about {locks:,} locks at "
            f"once, and at most {self.most_locks:,} are taken, an eighth of what this server has room for. Try it on "
            "a copy with a larger max_locks_per_transaction."
        )


def most_locks(connection: database.Connection) -> int:
    """Return how many locks one transaction of a trial may take."""
    (room,) = connection.execute(queries.load("rls/room")).fetchone() or (0,)
    return int(room) // _SHARE


def counted(connection: database.Connection, most: int) -> dict[str, int | None]:
    """Return how far every sequence that this login may see has counted; each is locked until its statement ends."""
    oids = [oid for (oid,) in connection.execute(queries.load("rls/sequences"))]
    size = max(1, min(most, _MOST_SEQUENCES))
    found: dict[str, int | None] = {}
    for first in range(0, len(oids), size):
        values = {"oids": oids[first : first + size]}
        found |= dict(connection.execute(queries.load("rls/counted"), values).fetchall())
    return found
