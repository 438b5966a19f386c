"""Rows that refer to rows which are not there: of every foreign key, and of the relations that a project declares.

A foreign key can have orphans: it was added NOT VALID, or rows came in while triggers were off.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from ops import conditions, errors, looking, queries, settings
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look

QUESTION = "orphans"
_EQUAL = sql.SQL("=")


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a table that refer to those of another; `constraint` is its number where there is one."""

    name: str
    child: Table
    parent: Table
    columns: tuple[str, ...]
    referenced: tuple[str, ...]
    operators: tuple[sql.Composable, ...]
    constraint: int | None = None
    match_full: bool = False
    period: bool = False

    def __str__(self) -> str:
        return f"{self.child}: {self.name}"

    @property
    def orphaned(self) -> sql.Composable:
        """The condition that a row of the child, called `t`, refers to nothing."""
        columns = [sql.Identifier("t", column) for column in self.columns]
        if self.match_full:
            refers = sql.SQL("pg_catalog.num_nonnulls({}) > 0").format(sql.SQL(", ").join(columns))
        else:
            refers = sql.SQL(" and ").join(sql.SQL("{} is not null").format(column) for column in columns)
        return sql.SQL("{} and not {}").format(refers, self._covered() if self.period else self._there())

    def _there(self) -> sql.Composed:
        return sql.SQL("exists (select from {} p where {})").format(
            self.parent.rows, self._same(len(self.columns))
        )

    def _covered(self) -> sql.Composed:
        """Whether the periods of all rows that it refers to hold its own: one alone need not."""
        return sql.SQL(
            "coalesce((select pg_catalog.range_agg({}) operator(pg_catalog.@>) {} from {} p where {}), false)"
        ).format(
            sql.Identifier("p", self.referenced[-1]),
            sql.Identifier("t", self.columns[-1]),
            self.parent.rows,
            self._same(len(self.columns) - 1),
        )

    def _same(self, many: int) -> sql.Composed:
        pairs = zip(self.referenced[:many], self.operators, self.columns, strict=False)
        return sql.SQL(" and ").join(
            sql.SQL("{} {} {}").format(sql.Identifier("p", one), operator, sql.Identifier("t", other))
            for one, operator, other in pairs
        )


def declared(tables: Tables, relations: Sequence[settings.Relation]) -> tuple[Reference, ...]:
    """Return the relations that the project declares.

    Raises:
        Refused: a table or column does not exist, or the columns of the two sides are not as many.
    """
    return tuple(_declared(tables, each, number) for number, each in enumerate(relations, 1))


def _declared(tables: Tables, relation: settings.Relation, number: int) -> Reference:
    key = f"integrity.relations (number {number})"
    child, parent = tables.table(relation.table, key=key), tables.table(relation.to, key=key)
    columns = tuple(child.column(name, key=key).name for name in relation.columns)
    referenced = tuple(parent.column(name, key=key).name for name in relation.to_columns) or parent.key
    if len(columns) != len(referenced):
        named = f"({', '.join(referenced)})" if referenced else "no primary key"
        raise errors.Refused(
            f"runbooks.toml: {key}: {child} names {len(columns)} columns ({', '.join(columns)}) and {parent} has "
            f"{named}, so they cannot be compared. Name as many in to_columns."
        )
    name = f"({', '.join(columns)}) to {parent} ({', '.join(referenced)})"
    return Reference(name, child, parent, columns, referenced, (_EQUAL,) * len(columns))


def constrained(look: Look, tables: Tables) -> tuple[Reference, ...]:
    """Return the foreign keys of the app's tables."""
    values = {"oids": [table.oid for table in tables.of_app]}
    text = queries.load("integrity/foreign_keys")
    return tuple(looking.catalog(look.connection, text, _constrained, values))


def _constrained(**row: Any) -> Reference:
    sides = [
        Table(
            oid=row["child"],
            schema=row[f"{side}_schema"],
            name=row[f"{side}_name"],
            partitioned=row[f"{side}_partitioned"],
            of_app=True,
            key=tuple(row["key"]) if side == "child" else (),
            columns=(),
        )
        for side in ("child", "parent")
    ]
    operators = zip(row["operator_schemas"], row["operators"], strict=True)
    return Reference(
        name=row["name"],
        child=sides[0],
        parent=sides[1],
        columns=tuple(row["columns"]),
        referenced=tuple(row["referenced"]),
        operators=tuple(
            # An operator has no quotes; the server says the name of one that is there.
            sql.SQL("operator({}.{})").format(sql.Identifier(schema), sql.SQL(name))
            for schema, name in operators
        ),
        constraint=row["oid"],
        match_full=row["match_full"],
        period=row["period"],
    )


def find(look: Look, references: Sequence[Reference]) -> Iterator[tuple[Reference, Finding]]:
    """Yield the references that lead nowhere, with what is to be said of them."""
    for each in references:
        found = conditions.met(look, QUESTION, each.child, {"": each.orphaned}, about=str(each)).get("")
        if found:
            yield each, _finding(each, found)


def _finding(reference: Reference, found: conditions.Met) -> Finding:
    columns = ", ".join(reference.columns)
    how = (
        "it was added NOT VALID, or rows came in while triggers were off"
        if reference.constraint
        else "no constraint guards it"
    )
    return Finding(
        kind="orphans",
        object=str(reference),
        count=found.count,
        examples=found.examples,
        why=f"{found.count:,} rows of {reference.child} refer by {columns} to rows that {reference.parent} does not "
        f"have ({how}). Joins lose these rows, and a restore of the constraint fails.",
        remedy="Delete these rows, empty the reference, or bring back the rows that they refer to; then "
        + ("validate the constraint." if reference.constraint else "add a foreign key."),
    )
