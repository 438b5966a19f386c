"""Row level security tried as each role: two people's rows are made up, everything is tried on them, nothing stays.

Each table has a transaction of its own that is rolled back, and each act a savepoint in it: locks are held until a
transaction ends, and the room for them is shared with the app. What no transaction takes back is said: sequences that
a trigger moved on. A table whose code does more than that, or that is too large, is not tried.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg.rows import dict_row

from ops import database, errors, queries, rls_groups, rls_people, rls_reach, smoke_sql
from ops.rls_contract import ROLES, Policy, RlsContract, TableContract
from ops.rls_groups import Group, Groups
from ops.rls_people import Person, Probed, Reference
from ops.rls_probe import Probe
from ops.sample_rows import Samples
from ops.written_tables import Table

MOST_ROWS = 1_000_000
# An act without a filter locks every row for as long as it takes, so that it is tried on small tables only.
MOST_ROWS_WHOLE = 1_000
_DATABASE_ROLES = {
    "anon": "anon",
    "owner": "authenticated",
    "other": "authenticated",
    "service_role": "service_role",
}


@dataclass
class Trial:
    """What came of it: the contract that holds, and what was touched."""

    contract: RlsContract
    touched: list[str] = field(default_factory=list[str])


def run(
    connection: database.Connection,
    *,
    schemas: Sequence[str],
    samples: Samples,
    most_rows: int = MOST_ROWS,
    most_rows_whole: int = MOST_ROWS_WHOLE,
) -> Trial:
    """Try every table of `schemas` as each role; nothing of it stays.

    Raises:
        Refused: this login may not act for the API's roles, or nobody can be signed up.
        Unavailable: somebody holds a lock that is needed, or the connection is lost.
    """
    with database.translating():
        with _rolled_back(connection):
            tables = _tables(connection, schemas)
            users = _users(connection)
            most = rls_groups.most_locks(connection)
            groups = Groups(
                rls_reach.find(connection), {each.table.oid: each for each in tables}, users, most
            )
        _can_sign_up(groups)
        before = rls_groups.counted(connection, most)
        turn = _Turn(connection, groups, samples, most_rows, most_rows_whole)
        found = {str(each): turn.contract(each) for each in tables}
        touched = _triggers(connection, [each for each in tables if found[str(each)].untried is None])
        touched += [
            f"the sequence {name} went on, by a trigger or by somebody else"
            for name, last in rls_groups.counted(connection, most).items()
            if before.get(name) != last
        ]
    return Trial(RlsContract(tables=found, written_by=connection.info.server_version // 10_000), touched)


@contextmanager
def _rolled_back(connection: database.Connection) -> Generator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute(queries.load("smoke/limits"))
        # Predicates are written with the schema of each name only where it is not on the search path.
        connection.execute("set local search_path = ''")
        yield


class _Turn:
    """Each table in its turn: in a transaction of its own, so that no more is locked than one table needs."""

    def __init__(
        self,
        connection: database.Connection,
        groups: Groups,
        samples: Samples,
        most_rows: int,
        most_rows_whole: int,
    ) -> None:
        self._connection = connection
        self._groups = groups
        self._samples = samples
        self._most_rows = most_rows
        self._most_rows_whole = most_rows_whole
        ordered = rls_people.in_order(groups.probed.values())
        self._place = {each.table.oid: place for place, each in enumerate(ordered)}
        self._owned = rls_people.owned(ordered, groups.users)

    def contract(self, probed: Probed) -> TableContract:
        """Try one table as each role."""
        contract = TableContract(enabled=probed.enabled, forced=probed.forced, policies=probed.policies)
        group = self._groups.of(probed.table.oid)
        if why := self._left_out(probed) or group.untried:
            return contract.model_copy(update={"untried": why})
        with _rolled_back(self._connection):
            return contract.model_copy(update=self._tried(probed, group))

    def _left_out(self, probed: Probed) -> str | None:
        if why := self._groups.unsafe(probed.table.oid):
            return f"{why} Try it on a copy of the database that reaches nobody."
        return _too_large(probed, self._most_rows)

    def _tried(self, probed: Probed, group: Group) -> dict[str, Any]:
        oid, users = probed.table.oid, self._groups.users
        owner, other = Person(), Person()
        rls_people.sign_up(self._connection, owner)
        rls_people.sign_up(self._connection, other)
        for each in sorted(group.tables, key=self._place.__getitem__):
            member = self._groups.probed[each]
            why = self._left_out(member) or self._settled(member, owner, other)
            if why and member is probed:
                return {"untried": why}
        row, moved = owner.rows[oid], _moved_by(probed, owner, other, users, self._owned)
        whole = probed.row_count <= self._most_rows_whole
        probe = Probe(self._connection, row, moved, whole=whole, deletes=group.deletes)
        people = {"anon": None, "owner": owner.id, "other": other.id, "service_role": None}
        acts = {role: probe.acts(_DATABASE_ROLES[role], people[role]) for role in ROLES}
        return {"acts": acts, "moved_by": ", ".join(moved) or None}

    def _settled(self, probed: Probed, *people: Person) -> str | None:
        why = None
        for person in people:
            why = why or rls_people.settle(
                self._connection,
                probed,
                person,
                self._groups.users,
                self._samples,
                unsafe=self._groups.unsafe_to_insert,
            )
        return why


def _tables(connection: database.Connection, schemas: Sequence[str]) -> list[Probed]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(queries.load("rls/probed"), {"schemas": list(schemas)}).fetchall()
    return [
        Probed(
            table=Table(row["schema"], row["name"], row["oid"]),
            enabled=row["enabled"],
            forced=row["forced"],
            row_count=row["row_count"],
            personal=tuple(row["personal"]),
            references=tuple(
                Reference(each["to"], tuple(each["columns"]), tuple(each["referenced"]))
                for each in row["references_to"]
            ),
            policies={name: Policy.model_validate(policy) for name, policy in row["policies"].items()},
        )
        for row in rows
    ]


def _users(connection: database.Connection) -> int | None:
    values = {"roles": ["anon", "authenticated", "service_role"]}
    users, missing = connection.execute(queries.load("rls/users"), values).fetchone() or (None, [])
    if missing:
        raise errors.Refused(
            f"This login may not act for {', '.join(missing)}, so nobody knows what they may do. Connect as the role "
            f"that owns the project's tables (postgres), or grant it: grant {', '.join(missing)} to "
            f"{connection.info.user};"
        )
    return users


def _can_sign_up(groups: Groups) -> None:
    if groups.users and (why := groups.unsafe_to_insert(groups.users)):
        raise errors.Refused(
            f"Nobody can be signed up for the trial: {rls_people.USERS} is not safe to write: {why} "
            "Try it on a copy of the database."
        )


def _too_large(probed: Probed, most_rows: int) -> str | None:
    if probed.row_count <= most_rows:
        return None
    return (
        f"it has about {probed.row_count:,} rows, more than the {most_rows:,} up to which a table is tried."
    )


def _triggers(connection: database.Connection, tables: Sequence[Probed]) -> list[str]:
    names = {each.table.oid: str(each) for each in tables}
    code = smoke_sql.code(connection, [each.table for each in tables])
    return [f"{row['what']} of {names[row['oid']]} ran" for row in code if row["what"].startswith("trigger ")]


def _moved_by(
    probed: Probed, owner: Person, other: Person, users: int | None, owned: frozenset[int]
) -> dict[str, Any]:
    """Return what makes the owner's row the other's: the first columns that hold another value for them."""
    mine, theirs = owner.pointing(probed, users), other.pointing(probed, users)
    pointing = [each.columns for each in probed.references if each.to in owned]
    for names in (*((name,) for name in probed.personal), *pointing):
        moved = {name: theirs[name] for name in names if name in theirs and theirs[name] != mine.get(name)}
        if len(moved) == len(names):
            return moved
    return {}
