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
    """Return those of the named conditions that rows meet; the rows are read once, and again for examples only."""
    if not conditions:
        return {}
    about = about or str(table)
    counted = look.ask(question, about, _counted(table, conditions))
    found = dict(zip(conditions, counted[0], strict=True)) if counted else {}
    return {
        name: Met(count, named(look, question, about, table, conditions[name]))
        for name, count in found.items()
        if count
    }


def named(
    look: Look, question: str, about: str, table: Table, condition: sql.Composable
) -> tuple[Example, ...]:
    """Return a few rows that meet a condition, by their keys; the table is called `t` in it."""
    query = sql.SQL("select {} from {} t where {} limit {}").format(
        table.example, table.rows, condition, sql.Literal(EXAMPLES)
    )
    return tuple(example for (example,) in look.ask(question, about, query) or ())


def _counted(table: Table, conditions: Mapping[str, sql.Composable]) -> sql.Composed:
    if len(conditions) == 1:
        # In a filter beside it, a question about another table could not be answered by a join.
        (condition,) = conditions.values()
        return sql.SQL("select pg_catalog.count(*) from {} t where {}").format(table.rows, condition)
    counts = sql.SQL(", ").join(
        sql.SQL("pg_catalog.count(*) filter (where {})").format(each) for each in conditions.values()
    )
    either = sql.SQL(" or ").join(sql.SQL("({})").format(each) for each in conditions.values())
    return sql.SQL("select {} from {} t where {}").format(counts, table.rows, either)
