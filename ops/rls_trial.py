"""Row level security tried as each role: two people's rows are made up, everything is tried on them, nothing stays.

All of it is one transaction that is rolled back, and each act a savepoint in it. What no transaction takes back is
said: sequences that a trigger moved on. A table whose triggers do more than that, or that is too large, is not tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row

from ops import database, errors, queries, rls_gaps, rls_people, rls_words, smoke_sql
from ops.checks import Finding
from ops.rls_contract import ACTS, ROLES, Acts, Outcome, Policy, RlsContract, TableContract
from ops.rls_people import Person, Probed, Reference
from ops.rls_settings import RlsTrial
from ops.rls_words import Called, Words
from ops.sample_rows import Row, Samples
from ops.written_tables import Table

MOST_ROWS = 1_000_000
# An act without a filter locks every row for as long as it takes, so that it is tried on small tables only.
MOST_ROWS_WHOLE = 1_000
_NOTHING_SAID = RlsTrial()


@dataclass
class Trial:
    """What came of it: the contract that holds, what was touched, and what the trial could not tell."""

    contract: RlsContract
    touched: list[str] = field(default_factory=list[str])
    gaps: tuple[Finding, ...] = ()


def run(
    connection: database.Connection,
    *,
    schemas: Sequence[str],
    samples: Samples,
    settings: RlsTrial = _NOTHING_SAID,
    only: frozenset[str] | None = None,
    most_rows: int = MOST_ROWS,
    most_rows_whole: int = MOST_ROWS_WHOLE,
) -> Trial:
    """Try every table of `schemas`, or only those named, as each role; nothing of it stays.

    Raises:
        Refused: this login may not act for the API's roles, or nobody can be signed up.
        Unavailable: somebody holds a lock that is needed, or the connection is lost.
    """
    with database.translating(), connection.transaction(force_rollback=True):
        connection.execute(queries.load("smoke/limits"))
        # Predicates are written with the schema of each name only where it is not on the search path.
        connection.execute("set local search_path = ''")
        tables = _tables(connection, schemas, settings)
        users = _users(connection)
        unsafe = _unsafe(connection, tables, users)
        before = _counted(connection)
        words = rls_people.propagated(tables, _words(connection, schemas, tables))
        people = [Person(who, settings) for who in settings.people]
        for person in people:
            rls_people.sign_up(connection, person)
            person.claim(connection, tables, words)
        untried: dict[int, str | None] = {}
        for probed in rls_people.in_order(tables):
            why = unsafe.get(probed.table.oid) or _too_large(probed, most_rows)
            holders = settings.holders(str(probed))
            for person in (each for each in people if each.who in holders):
                why = why or rls_people.settle(connection, probed, person, users, samples)
            untried[probed.table.oid] = why
        owned = rls_people.owned(tables, users, words, settings)
        found: dict[str, TableContract] = {}
        tokens = {each.who: each.claims for each in people}
        tokens |= {role: {"role": role} for role in ROLES if role not in tokens}
        for probed in tables:
            if not probed.served or (only is not None and str(probed) not in only):
                continue
            contract = TableContract(
                enabled=probed.enabled,
                forced=probed.forced,
                policies=probed.policies,
                untried=untried[probed.table.oid],
            )
            if contract.untried is None:
                row = next(each.rows[probed.table.oid] for each in people if probed.table.oid in each.rows)
                moved = rls_people.moved_by(probed, people, users, owned, words)
                probe = _Probe(connection, row, moved, whole=probed.row_count <= most_rows_whole)
                acts = {role: probe.acts(token["role"], token) for role, token in tokens.items()}
                contract = contract.model_copy(update={"acts": acts, "moved_by": ", ".join(moved) or None})
            found[str(probed)] = contract
        touched = _triggers(connection, [each for each in tables if untried[each.table.oid] is None])
        touched += [
            f"the sequence {name} went on, by a trigger or by somebody else"
            for name, last in _counted(connection).items()
            if before.get(name) != last
        ]
    contract = RlsContract(tables=found, written_by=connection.info.server_version // 10_000)
    tenants = frozenset(str(each) for each in tables if each.table.oid in owned.tenants)
    gaps = rls_gaps.find(contract, asking=words.asking, tenants=tenants, known=settings.known)
    return Trial(contract, touched, gaps)


def _tables(connection: database.Connection, schemas: Sequence[str], settings: RlsTrial) -> list[Probed]:
    values = {"schemas": list(schemas), "named": list(settings.tables)}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(queries.load("rls/probed"), values).fetchall()
    return [
        Probed(
            table=Table(row["schema"], row["name"], row["oid"]),
            served=row["served"],
            columns=tuple(row["columns"]),
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


def called(connection: database.Connection, schemas: Sequence[str]) -> list[Called]:
    """Return the functions of the project's own that policies of these schemas call."""
    with connection.cursor(row_factory=class_row(Called)) as cursor:
        return cursor.execute(queries.load("rls/policy_functions"), {"schemas": list(schemas)}).fetchall()


def _words(connection: database.Connection, schemas: Sequence[str], tables: Sequence[Probed]) -> Words:
    predicates = [
        (str(probed), predicate)
        for probed in tables
        for policy in probed.policies.values()
        for predicate in (policy.using, policy.check)
        if predicate
    ]
    return rls_words.read(
        predicates, called(connection, schemas), {str(each): each.columns for each in tables}
    )


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


def _unsafe(connection: database.Connection, tables: Sequence[Probed], users: int | None) -> dict[int, str]:
    values = {"oids": [*(each.table.oid for each in tables), *([users] if users else [])]}
    rows = connection.execute(queries.load("rls/unsafe"), values).fetchall()
    unsafe = {
        oid: f"its trigger {trigger} ({function}) does what no transaction takes back."
        for oid, trigger, function in rows
    }
    if users in unsafe:
        raise errors.Refused(
            f"Nobody can be signed up for the trial: {rls_people.USERS} is not safe to write, since {unsafe[users]} "
            "Try it on a copy of the database."
        )
    return unsafe


def _too_large(probed: Probed, most_rows: int) -> str | None:
    if probed.row_count <= most_rows:
        return None
    return (
        f"it has about {probed.row_count:,} rows, more than the {most_rows:,} up to which a table is tried."
    )


def _counted(connection: database.Connection) -> dict[str, int | None]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(queries.load("smoke/sequences")).fetchall()
    return {f"{row['schema']}.{row['name']}": row["last"] for row in rows}


def _triggers(connection: database.Connection, tables: Sequence[Probed]) -> list[str]:
    names = {each.table.oid: str(each) for each in tables}
    code = smoke_sql.code(connection, [each.table for each in tables])
    return [f"{row['what']} of {names[row['oid']]} ran" for row in code if row["what"].startswith("trigger ")]


class _Probe:
    """What a role can do to one row of one table."""

    def __init__(
        self, connection: database.Connection, row: Row, moved: dict[str, Any], *, whole: bool
    ) -> None:
        self._connection = connection
        self._row = row
        self._moved = moved
        self._whole = whole
        self._name = smoke_sql.name(row.table)
        self._where = smoke_sql.where(row.identity)
        self._identity = smoke_sql.adapted(row.identity)

    def acts(self, role: str, claims: Mapping[str, Any]) -> Acts:
        """Try everything as a role, with these claims in the token."""
        self._claims = json.dumps(claims)
        self._role = role
        tried: dict[str, Callable[[], Outcome]] = {
            "read": self._read,
            "insert": self._insert,
            "update": lambda: self._write(*self._changed()),
            "delete": lambda: self._write(sql.SQL("delete from {}").format(self._name), []),
            "move": lambda: self._write(*self._set(self._moved)) if self._moved else "untried",
        }
        return Acts.model_validate({act: tried[act]() for act in ACTS})

    def _read(self) -> Outcome:
        query = sql.SQL("select 1 from {} where {}").format(self._name, self._where)
        return self._try(query, self._identity)

    def _insert(self) -> Outcome:
        columns = sql.SQL(", ").join(map(sql.Identifier, self._row.values))
        places = sql.SQL(", ").join(sql.Placeholder() for _ in self._row.values)
        text = sql.SQL("insert into {} ({}) overriding system value values ({})")
        # The row is there already: who may insert it meets the primary key, and who may not is refused before that.
        return self._try(text.format(self._name, columns, places), smoke_sql.adapted(self._row.values))

    def _changed(self) -> tuple[sql.Composed, list[Any]]:
        name = self._row.change or next(iter(self._row.values))
        query = sql.SQL("select {}::text from {} where {}").format(
            sql.Identifier(name), self._name, self._where
        )
        (value,) = self._connection.execute(query, self._identity).fetchone() or (None,)
        return self._set({name: value})

    def _set(self, values: dict[str, Any]) -> tuple[sql.Composed, list[Any]]:
        pairs = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values)
        return sql.SQL("update {} set {}").format(self._name, pairs), smoke_sql.adapted(values)

    def _write(self, text: sql.Composed, values: list[Any]) -> Outcome:
        """Try a write of the row; and of all rows, for which no policy of reading counts, where these are few."""
        filtered = sql.SQL("{} where {}").format(text, self._where)
        outcome = self._try(filtered, values + self._identity)
        if outcome == "yes" or not self._whole:
            return outcome
        return "yes" if self._try(text, values, whole=True) == "yes" else outcome

    def _try(self, text: sql.Composed, values: list[Any], *, whole: bool = False) -> Outcome:
        version = sql.SQL("select ctid::text, xmin::text from {} where {}").format(self._name, self._where)
        connection = self._connection
        try:
            with connection.transaction(force_rollback=True):
                before = connection.execute(version, self._identity).fetchone() if whole else None
                connection.execute(
                    "select pg_catalog.set_config('request.jwt.claims', %(claims)s, true), "
                    "pg_catalog.set_config('request.jwt.claim.sub', %(claims)s::jsonb ->> 'sub', true), "
                    "pg_catalog.set_config('request.jwt.claim.email', %(claims)s::jsonb ->> 'email', true), "
                    "pg_catalog.set_config('request.jwt.claim.role', %(role)s, true), "
                    "pg_catalog.set_config('role', %(role)s, true)",
                    {"claims": self._claims, "role": self._role},
                )
                count = connection.execute(text, values).rowcount
                if not whole:
                    return "yes" if count else "no"
                connection.execute("set local role none")
                return "yes" if connection.execute(version, self._identity).fetchone() != before else "no"
        except psycopg.errors.InsufficientPrivilege:
            return "refused"
        except psycopg.errors.IntegrityError:
            # Policies are asked before constraints, so that the row was let through; of all rows it may be another.
            return "no" if whole else "yes"
        except psycopg.Error as error:
            if database.is_transient(error.sqlstate):
                raise
            # A trigger of the project's own that says no, says no.
            return "refused" if (error.sqlstate or "").startswith("P0") else "untried"
