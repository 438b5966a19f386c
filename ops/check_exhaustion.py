"""Numbers that run out: of sequences, transaction ids and multixacts. Source: weekly-checks of the operator's day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from psycopg import sql
from pydantic import BaseModel, Field

from ops import queries
from ops.check_looks import check
from ops.checking import UNSEEN, Checking
from ops.checks import Finding
from ops.evidence import Evidence

_ALL_IDS = 2**31
_LATE = 0.9
_NAMED = 5
_AT_ONCE = 500


class _Sequence(BaseModel):
    schema_name: str = Field(alias="schema")
    relation: str
    numbers: str
    step: int
    lowest: Decimal
    highest: Decimal
    readable: bool
    last: int | None = None

    @property
    def name(self) -> str:
        return f"{self.schema_name}.{self.relation}"

    @property
    def used(self) -> float:
        """How much of the way to its end is behind it, from 0 to 1."""
        if self.last is None:
            return 0.0
        # Those that begin below zero by their type alone begin at zero.
        lowest, highest = max(self.lowest, Decimal(0)), self.highest
        if self.step < 0:
            lowest, highest = self.lowest, min(self.highest, Decimal(0))
        way = highest - lowest or Decimal(1)
        gone = (self.last - lowest) if self.step > 0 else (highest - self.last)
        return max(0.0, min(1.0, float(gone / way)))

    @property
    def left(self) -> int:
        """So many numbers it can still give out."""
        end = self.highest if self.step > 0 else self.lowest
        return max(0, int((end - (self.last or 0)) / self.step))


class _Ids(BaseModel):
    name: str
    xids: int
    multixacts: int
    oldest: str | None


@check("sequences")
def check_sequences(checking: Checking) -> Evidence:
    """Look how near each sequence is to its end, or to that of the column that it numbers."""
    found = _with_numbers(checking, checking.ask(queries.load("checks/sequences"), _Sequence))
    late = [each for each in found if each.used >= checking.settings.exhausted]
    hidden = [each.name for each in found if not each.readable]
    findings = [*(_ending(each) for each in late), *_hidden(hidden)]
    return checking.found(
        findings,
        f"None of {len(found)} sequences is near its end.",
        rows=[{"sequence": each.name, "numbers": each.numbers, "used": f"{each.used:.1%}"} for each in found],
    )


@check("transaction ids")
def check_transaction_ids(checking: Checking) -> Evidence:
    """Look how near each database is to the end of its transaction ids and multixacts."""
    found = checking.ask(queries.load("checks/transaction_ids"), _Ids)
    limit = checking.settings.transaction_ids
    findings = [
        _wrapping(each, what, age)
        for each in found
        for what, age in (("transaction ids", each.xids), ("multixacts", each.multixacts))
        if age / _ALL_IDS >= limit
    ]
    return checking.found(
        findings,
        f"The oldest transaction id is {max(each.xids for each in found):,} old, of {_ALL_IDS:,}.",
        rows=[each.model_dump() for each in found],
    )


def _with_numbers(checking: Checking, found: Sequence[_Sequence]) -> list[_Sequence]:
    """Ask each sequence for its last number, many at a time."""
    numbers: dict[int, int] = {}
    readable = [(index, each) for index, each in enumerate(found) if each.readable]
    for start in range(0, len(readable), _AT_ONCE):
        asked = sql.SQL(" union all ").join(
            sql.SQL("select {}::int, last_value, is_called from {}").format(
                sql.Literal(index), sql.Identifier(each.schema_name, each.relation)
            )
            for index, each in readable[start : start + _AT_ONCE]
        )
        with checking.reading() as connection:
            rows = connection.execute(asked).fetchall()
        numbers |= {index: last for index, last, called in rows if called}
    return [each.model_copy(update={"last": numbers.get(index)}) for index, each in enumerate(found)]


def _ending(sequence: _Sequence) -> Finding:
    of = f", which numbers {sequence.numbers}," if sequence.numbers else ""
    return Finding(
        kind="sequence-ending",
        object=sequence.name,
        severity="failed" if sequence.used >= _LATE else "attention",
        said=f"The sequence {sequence.name}{of} is {sequence.used:.0%} used: {sequence.left:,} numbers are left.",
        why="When none is left every insert fails.",
        todo="Make the column a bigint (a new column, filled in batches, and switched), or let the sequence begin "
        "below zero to win time.",
    )


def _hidden(names: Sequence[str]) -> Iterator[Finding]:
    if names:
        more = " and more" if len(names) > _NAMED else ""
        yield Finding(
            kind=UNSEEN,
            object="sequences that this login may not read",
            severity="attention",
            said=f"Not looked at: {len(names)} sequences that this login may not read: "
            f"{', '.join(names[:_NAMED])}{more}.",
            why="What nobody has looked at may be wrong.",
            todo="Grant it SELECT on them (pg_read_all_data does), or use another login.",
        )


def _wrapping(ids: _Ids, what: str, age: int) -> Finding:
    oldest = f"; the oldest is in {ids.oldest}" if ids.oldest else ""
    return Finding(
        kind=f"{what.replace(' ', '-')}-ending",
        object=f"database {ids.name}",
        severity="failed" if age / _ALL_IDS >= _LATE else "attention",
        said=f"{age:,} of {_ALL_IDS:,} {what} of the database {ids.name} are used ({age / _ALL_IDS:.0%}){oldest}.",
        why="At the end the database takes no more writes until it was vacuumed.",
        todo="Look what holds vacuum back (long or prepared transactions, forgotten slots: daily-checks names them), "
        "then VACUUM (FREEZE) the oldest tables.",
    )
