"""Indexes that a build left INVALID, and constraints that were never checked against the rows before them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from psycopg import sql
from psycopg.rows import class_row

from ops import conditions, queries
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look


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
    """A constraint; `expression` is what a row must not make false, `owner` its table or domain."""

    oid: int
    name: str
    type: str
    schema: str
    owner: str
    partitioned: bool
    expression: str | None
    key: list[str]

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
    with look.connection.cursor(row_factory=class_row(_Index)) as cursor:
        found = cursor.execute(queries.load("integrity/indexes"), values, prepare=False).fetchall()
    for index in found:
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
    with look.connection.cursor(row_factory=class_row(_Constraint)) as cursor:
        found = cursor.execute(queries.load("integrity/constraints"), values, prepare=False).fetchall()
    for each in found:
        rows = _breaking(look, each)
        count = orphans.get(each.oid, 0) if each.type == "f" else rows.count if rows else 0
        yield Finding(
            kind="constraint",
            object=f"{each.table}: {each.name}",
            count=count,
            examples=rows.examples if rows else (),
            why=f"{each.name} of {each.table} was never checked against the rows that were there before it"
            f"{_broken(each, count)}.",
            remedy=_validation(each, count),
        )


def _breaking(look: Look, constraint: _Constraint) -> conditions.Met | None:
    if constraint.expression is None:
        return None
    # The server's own text of a constraint that is there.
    broken = sql.SQL("({}) is false").format(sql.SQL(cast("Any", constraint.expression)))
    about = f"{constraint.table}: {constraint.name}"
    return conditions.met(look, "constraints", constraint.table, {"": broken}, about=about).get("")


def _broken(constraint: _Constraint, count: int) -> str:
    if constraint.expression is None and constraint.type != "f":
        return "; whether any breaks it is not known for a domain"
    return f", and {count:,} of them break it" if count else ", and none breaks it"


def _validation(constraint: _Constraint, count: int) -> str:
    kind = "table" if constraint.expression or constraint.type == "f" else "domain"
    name = sql.Identifier(constraint.name).as_string()
    statement = f"alter {kind} {constraint.table.identifier.as_string()} validate constraint {name}"
    return f"{'Mend these rows, then run' if count else 'Run'} `{statement}`; it lets writers work."
