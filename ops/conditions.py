"""How many rows of a table are as they should not be, for many conditions in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from ops.app_tables import Table
from ops.findings import Example
from ops.looking import Look

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Met:
    """How many rows meet a condition, and a few of them."""

    count: int
    examples: tuple[Example, ...]


def met(
    look: Look,
    question: str,
    table: Table,
    conditions: Mapping[str, sql.Composable],
    *,
    about: str | None = None,
) -> dict[str, Met]:
    """Return those of the named conditions, of rows of a table called `t`, that are met.

    The rows are read once; where there is more than one condition, again for the examples of those that are met.
    """
    about = about or str(table)
    if len(conditions) == 1:
        ((name, condition),) = conditions.items()
        return {name: found} if (found := _one(look, question, table, condition, about)) else {}
    counted = look.ask(question, about, _counted(table, conditions)) if conditions else None
    found = dict(zip(conditions, counted[0], strict=True)) if counted else {}
    return {
        name: Met(count, _named(look, question, about, table, conditions[name]))
        for name, count in found.items()
        if count
    }


def _one(look: Look, question: str, table: Table, condition: sql.Composable, about: str) -> Met | None:
    # By itself it may ask about another table, which in a filter could not be answered by a join.
    query = sql.SQL(
        "with met as materialized (select {} from {} t where {}) select pg_catalog.count(*),"
        " (select pg_catalog.jsonb_agg({}) from (select * from met limit {}) few) from met"
    ).format(table.known_by, table.rows, condition, table.example, sql.Literal(EXAMPLES))
    counted = look.ask(question, about, query)
    if not counted or not counted[0][0]:
        return None
    return Met(counted[0][0], tuple(counted[0][1]))


def _named(
    look: Look, question: str, about: str, table: Table, condition: sql.Composable
) -> tuple[Example, ...]:
    query = sql.SQL("select {} from {} t where {} limit {}").format(
        table.example, table.rows, condition, sql.Literal(EXAMPLES)
    )
    return tuple(example for (example,) in look.ask(question, about, query) or ())


def _counted(table: Table, conditions: Mapping[str, sql.Composable]) -> sql.Composed:
    counts = sql.SQL(", ").join(
        sql.SQL("pg_catalog.count(*) filter (where {})").format(each) for each in conditions.values()
    )
    either = sql.SQL(" or ").join(sql.SQL("({})").format(each) for each in conditions.values())
    return sql.SQL("select {} from {} t where {}").format(counts, table.rows, either)
