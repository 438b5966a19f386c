"""Sequences that will give out a number that their table already has: what comes next fails as a duplicate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from ops import conditions, looking, queries
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look

_QUESTION = "sequences"


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence and the column that it numbers; `lowest` and `highest` are where it ends."""

    schema: str
    name: str
    table_oid: int
    column: str
    step: int
    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def taken(self) -> sql.Composable:
        """The condition that a row, called `t`, has a number that is still to come."""
        beyond = sql.SQL(">=" if self.step > 0 else "<=")
        return sql.SQL("{} {} ({})").format(sql.Identifier("t", self.column), beyond, self._next)

    @property
    def _next(self) -> sql.Composed:
        """The next number: the last one itself as long as the sequence was never called, nothing at its end."""
        # Not last_value + step, which beyond the largest number there is is an error.
        room = sql.SQL("<= {}" if self.step > 0 else ">= {}").format(
            sql.Literal((self.highest if self.step > 0 else self.lowest) - self.step)
        )
        return sql.SQL(
            "select case when not s.is_called then s.last_value"
            " when s.last_value {room} then s.last_value + {step} end from {it} s"
        ).format(
            room=room,
            step=sql.Literal(self.step),
            it=sql.Identifier(self.schema, self.name),
        )

    def mended(self, look: Look, table: Table) -> str:
        """Return the statement that sets the sequence behind what the table has."""
        extreme = sql.SQL("max" if self.step > 0 else "min")
        statement = sql.SQL("select setval({}, (select {}({}) from {}))").format(
            sql.Literal(sql.Identifier(self.schema, self.name).as_string()),
            extreme,
            sql.Identifier(self.column),
            table.identifier,
        )
        return statement.as_string(look.connection)


def read(look: Look, tables: Tables) -> tuple[Sequence, ...]:
    """Return the sequences that number rows of the app's tables."""
    values = {"oids": [table.oid for table in tables.of_app]}
    return tuple(looking.catalog(look.connection, queries.load("integrity/sequences"), Sequence, values))


def find(look: Look, tables: Tables, sequences: tuple[Sequence, ...]) -> Iterator[Finding]:
    """Yield the sequences that are behind their tables.

    A sequence knows no transactions: it is read as it is now, the rows as they were when the look began.
    """
    by_oid = {table.oid: table for table in tables.of_app}
    for each in sequences:
        table = by_oid[each.table_oid]
        about = f"{each} of {table}.{each.column}"
        found = conditions.met(look, _QUESTION, table, {"": each.taken}, about=about).get("")
        if found:
            yield Finding(
                kind="sequence",
                object=about,
                count=found.count,
                examples=found.examples,
                why=f"The next number of {each} is not beyond what {table}.{each.column} has: {found.count:,} rows "
                "have numbers that it is still to give out, and an INSERT that gets one of them fails as a duplicate. "
                "Rows were loaded with their numbers.",
                remedy=f"Run `{each.mended(look, table)}`.",
            )
