"""Sequences that will give out a number that their table already has, or none: what is inserted next fails.

A session that keeps numbers in its cache gives out lower ones than these; nobody else can see them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from ops import conditions, looking, queries
from ops.app_tables import Table, Tables
from ops.findings import Finding
from ops.looking import Look

_QUESTION = "sequences"
_ENDS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1, "numeric": 2**63 - 1}
_LOADED = "Rows were loaded with their numbers."


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
    cycles: bool
    cached: int
    alone_unique: bool

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def upwards(self) -> bool:
        return self.step > 0

    @property
    def end(self) -> int:
        return self.highest if self.upwards else self.lowest

    @property
    def taken(self) -> sql.Composable:
        """The condition that a row, called `t`, has a number that is still to come.

        Of a sequence that goes around that is the next one alone: rows of the last round may be gone by their turn.
        """
        number, to_come = sql.Identifier("t", self.column), self.following
        if self.cycles:
            return sql.SQL("{} = ({})").format(number, to_come)
        between = sql.SQL("{} {} ({}) and {} {} {}").format(
            *(number, sql.SQL(">=" if self.upwards else "<="), to_come),
            *(number, sql.SQL("<=" if self.upwards else ">="), sql.Literal(self.end)),
        )
        if abs(self.step) == 1:
            return between
        # Those between are somebody else's, as where two servers take turns.
        return sql.SQL("{} and pg_catalog.mod({}::pg_catalog.numeric - ({}), {}) = 0").format(
            between, number, to_come, sql.Literal(abs(self.step))
        )

    @property
    def following(self) -> sql.Composed:
        """The next number: the last one itself as long as the sequence was never called, nothing at its end."""
        # Not last_value + step, which beyond the largest number there is is an error.
        room = sql.SQL("<= {}" if self.upwards else ">= {}").format(sql.Literal(self.end - self.step))
        around = (
            sql.Literal(self.lowest if self.upwards else self.highest) if self.cycles else sql.SQL("null")
        )
        return sql.SQL(
            "select case when not s.is_called then s.last_value"
            " when s.last_value {room} then s.last_value + {step} else {around} end from {it} s"
        ).format(room=room, step=sql.Literal(self.step), around=around, it=self.identifier)

    def mended(self, look: Look, table: Table) -> str:
        """Return the statement that sets the sequence behind what the table has; it never sets it back."""
        extreme = sql.SQL("max" if self.upwards else "min")
        statement = sql.SQL("select setval({}, (select {}({})::bigint from {} t where {}))").format(
            sql.Literal(self.identifier.as_string()),
            extreme,
            sql.Identifier("t", self.column),
            table.rows,
            self.taken,
        )
        return statement.as_string(look.connection)


def read(look: Look, tables: Tables) -> tuple[Sequence, ...]:
    """Return the sequences that number rows of the app's tables."""
    values = {"oids": [table.oid for table in tables.of_app]}
    found = looking.catalog(look.connection, queries.load("integrity/sequences"), Sequence, values)
    by_oid = {table.oid: table for table in tables.of_app}
    return tuple(each for each in found if _type(by_oid[each.table_oid], each) in _ENDS)


def find(look: Look, tables: Tables, sequences: tuple[Sequence, ...]) -> Iterator[Finding]:
    """Yield the sequences that are behind their tables, or at an end.

    A sequence knows no transactions: it is read as it is now, the rows as they were when the look began.
    """
    by_oid = {table.oid: table for table in tables.of_app}
    for each in sequences:
        table = by_oid[each.table_oid]
        about, unanswered = f"{each} of {table}.{each.column}", len(look.unseen)
        found = conditions.met(look, _QUESTION, table, {"": each.taken}, about=about).get("")
        if found:
            yield Finding(
                kind="sequence",
                object=about,
                count=found.count,
                examples=found.examples,
                why=_why(each, table, found.count),
                remedy=_remedy(look, each, table),
            )
        if found or len(look.unseen) > unanswered:
            continue
        told = look.ask(_QUESTION, about, each.following)
        if told and (why := _why_ended(each, table, told[0][0])):
            yield Finding(kind="sequence", object=about, count=0, why=why, remedy=_room(each, table))


def _type(table: Table, sequence: Sequence) -> str:
    return next((column.type for column in table.columns if column.name == sequence.column), "")


def _why(sequence: Sequence, table: Table, count: int) -> str:
    fails = "fails as a duplicate" if sequence.alone_unique else "has a number that another row has"
    how = "It goes around, and rows of an earlier round are there." if sequence.cycles else _LOADED
    return (
        f"The next number of {sequence} is not beyond what {table}.{sequence.column} has: {count:,} rows "
        f"have numbers that it is still to give out, and an INSERT that gets one of them {fails}. {how}"
    )


def _remedy(look: Look, sequence: Sequence, table: Table) -> str:
    if sequence.cycles:
        return "Remove the rows of the earlier round in time, or give the sequence more room before it goes around."
    again = (
        f" Sessions that are connected keep up to {sequence.cached:,} numbers of before: let the app connect again."
        if sequence.cached > 1
        else ""
    )
    return f"Run `{sequence.mended(look, table)}`.{again}"


def _why_ended(sequence: Sequence, table: Table, following: int | None) -> str:
    if following is None:
        return f"{sequence} has given out its last number ({sequence.end:,}), so the next INSERT into {table} fails."
    kind = _type(table, sequence)
    if -_ENDS[kind] - 1 <= following <= _ENDS[kind]:
        return ""
    return (
        f"The next number of {sequence} is {following:,}, which {table}.{sequence.column} ({kind}) cannot hold, so the "
        f"next INSERT into {table} fails."
    )


def _room(sequence: Sequence, table: Table) -> str:
    full, narrow = abs(sequence.end) >= _ENDS["bigint"], _type(table, sequence) not in ("bigint", "numeric")
    if full and not narrow:
        return (
            "No type has more numbers: set it back, with setval(), to where a long range of numbers is free."
        )
    column = sql.Identifier(sequence.column).as_string()
    wider = f"`alter table {table.identifier.as_string()} alter column {column} type bigint`"
    end = "maxvalue" if sequence.upwards else "minvalue"
    more = f"`alter sequence {sequence.identifier.as_string()} as bigint no {end}`"
    rewriting = f"run {wider}, which writes the table anew and makes everybody wait"
    if not narrow:
        return f"Run {more}, if the sequence may go on."
    return f"Give it more room: {rewriting}{'' if full else f', then {more}'}."
