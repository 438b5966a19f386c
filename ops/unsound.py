"""Indexes that a build left INVALID, and constraints that were never checked against the rows before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from ops import conditions, looking, queries
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look

_QUESTION = "constraints"


@dataclass(frozen=True, slots=True)
class _Index:
    name: str
    identifier: str
    table_name: str
    partitioned: bool
    is_unique: bool
    building: bool


@dataclass(frozen=True, slots=True)
class _Constraint:
    """A constraint; `type` is c, f or n, `column` what must not be null, `owner` its table or domain."""

    oid: int
    name: str
    type: str
    schema: str
    owner: str
    partitioned: bool
    of_domain: bool
    column: str | None
    key: list[str]

    def __str__(self) -> str:
        return f"{self.table}: {self.name}"

    @property
    def table(self) -> Table:
        return Table(
            oid=0,
            schema=self.schema,
            name=self.owner,
            partitioned=self.partitioned,
            of_app=True,
            key=tuple(self.key),
            columns=(),
        )


def find_indexes(look: Look, tables: Tables) -> Iterator[Finding]:
    """Yield the indexes that are not valid."""
    values = {"oids": [table.oid for table in tables.of_app]}
    for index in looking.catalog(look.connection, queries.load("integrity/indexes"), _Index, values):
        yield Finding(
            kind="index", object=index.name, count=1, why=_why_invalid(index), remedy=_remedy_of(index)
        )


def _why_invalid(index: _Index) -> str:
    if index.building:
        return f"{index.name} of {index.table_name} is being built by a session right now, and is not used until then."
    unique = " and does not keep its columns unique" if index.is_unique else ""
    return f"{index.name} of {index.table_name} is INVALID: it is paid for by every write, answers no query{unique}."


def _remedy_of(index: _Index) -> str:
    if index.building:
        return "Wait until it is done, and run this again."
    if index.partitioned:
        return "Make the index on each partition that has none, and attach it (`alter index ... attach partition`)."
    return f"Run `reindex index concurrently {index.identifier}`, or drop it and build it again."


def find_constraints(look: Look, tables: Tables, orphans: Mapping[int, int]) -> Iterator[Finding]:
    """Yield the constraints that are not validated, with the rows that break them.

    `orphans` are those rows of foreign keys, by the number of the constraint.
    """
    values = {"oids": [table.oid for table in tables.of_app]}
    for each in looking.catalog(look.connection, queries.load("integrity/constraints"), _Constraint, values):
        rows = _breaking(look, each)
        count = orphans.get(each.oid, 0) if each.type == "f" else rows.count if rows else 0
        yield Finding(
            kind="constraint",
            object=str(each),
            count=count,
            examples=rows.examples if rows else (),
            why=f"{each.name} of {each.table} was never checked against the rows that were there before it"
            f"{_broken(each, count)}.",
            remedy=_validation(each, count),
        )


def _breaking(look: Look, constraint: _Constraint) -> conditions.Met | None:
    broken = _condition(look, constraint)
    if broken is None:
        return None
    return conditions.met(look, _QUESTION, constraint.table, {"": broken}, about=str(constraint)).get("")


def _condition(look: Look, constraint: _Constraint) -> sql.Composable | None:
    """Return the condition that a row breaks the constraint; the server's own text of one that is there."""
    if constraint.column is not None:
        return sql.SQL("{} is null").format(sql.Identifier("t", constraint.column))
    if constraint.of_domain or constraint.type != "c":
        return None
    asking = sql.SQL(
        "select pg_catalog.pg_get_expr(conbin, conrelid) from pg_catalog.pg_constraint where oid = {}"
    )
    told = look.ask(_QUESTION, str(constraint), asking.format(sql.Literal(constraint.oid)))
    return sql.SQL("({}) is false").format(sql.SQL(told[0][0])) if told and told[0][0] else None


def _broken(constraint: _Constraint, count: int) -> str:
    if constraint.of_domain:
        return "; whether any breaks it is not known for a domain"
    return f", and {count:,} of them break it" if count else ", and none breaks it"


def _validation(constraint: _Constraint, count: int) -> str:
    kind = "domain" if constraint.of_domain else "table"
    name = sql.Identifier(constraint.name).as_string()
    statement = f"alter {kind} {constraint.table.identifier.as_string()} validate constraint {name}"
    return f"{'Mend these rows, then run' if count else 'Run'} `{statement}`; it lets writers work."
