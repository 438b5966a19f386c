"""What a query must return, as TOML says it, compared with what Postgres returned."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from ops.read_only import Answer
from ops.release_settings import ReleaseGate

_NUMBERS = (int, float, Decimal)
_TIMES = (datetime, date, time)


def same(expected: Any, found: Any) -> bool:
    """Whether a value of TOML or JSON stands for a value of Postgres.

    Numbers are compared by their value whatever their type; a text is also another kind's value that is written so
    (a uuid, a time with its zone, a number of more digits than TOML has); a boolean only a boolean; nothing is null.
    """
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, _NUMBERS):
        return isinstance(found, _NUMBERS) and _same_number(expected, found)
    if isinstance(expected, str):
        return _written(expected, found)
    if isinstance(expected, _TIMES):
        return type(expected) is type(found) and expected == found
    if isinstance(expected, Mapping):
        return isinstance(found, Mapping) and _same_table(
            cast("Mapping[str, Any]", expected), cast("Mapping[str, Any]", found)
        )
    if isinstance(expected, Sequence) and isinstance(found, list | tuple):
        return _each(cast("Sequence[Any]", expected), cast("Sequence[Any]", found))
    return False


def wrongs(gate: ReleaseGate, answer: Answer) -> Iterator[str]:
    """Yield what an answer does not have of what a gate expects; none is well."""
    if not answer.whole:
        yield f"more than {len(answer.rows):,} rows, of which not all are read: ask for fewer"
    if gate.empty:
        if answer.rows:
            yield f"{_rows(answer)} where none is expected"
        return
    if not answer.rows:
        yield "no row"
        return
    if gate.not_null:
        yield from _nulls(answer)
    if gate.contains:
        yield from _missing(gate.contains, answer)
    if gate.equals is not None and not _equal(gate.equals, answer):
        yield _unequal(gate.equals, answer)


def wanted(gate: ReleaseGate) -> str:
    """Return in words what a gate expects."""
    said = (
        "no row" if gate.empty else "",
        "a row without a null" if gate.not_null else "",
        f"rows with {', '.join(gate.contains)}" if gate.contains else "",
        shown(gate.equals) if gate.equals is not None else "",
    )
    return "; ".join(filter(None, said))


def shown(value: Any) -> str:
    """Return a value as a person reads it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {shown(one)}" for key, one in cast("Mapping[str, Any]", value).items())
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, cast('Sequence[Any]', value)))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)


def _same_number(expected: float | Decimal, found: float | Decimal) -> bool:
    if isinstance(expected, float) and isinstance(found, float):
        return expected == found or (math.isnan(expected) and math.isnan(found))
    # By what is written: 0.1 of TOML is the numeric 0.1, though the float is not quite.
    return Decimal(str(expected)) == Decimal(str(found))


def _written(expected: str, found: Any) -> bool:
    if isinstance(found, str):
        return expected == found
    if isinstance(found, int | float | Decimal):
        try:
            return Decimal(expected) == Decimal(str(found))
        except InvalidOperation:
            return False
    if isinstance(found, bytes):
        return expected == f"\\x{found.hex()}"
    if found is None or isinstance(found, list | tuple | Mapping):
        return False
    try:
        return TypeAdapter(cast("type[Any]", type(found))).validate_strings(expected) == found
    except (ValidationError, PydanticSchemaGenerationError):
        return expected == str(found)


def _same_table(expected: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return expected.keys() == found.keys() and all(same(value, found[key]) for key, value in expected.items())


def _each(expected: Sequence[Any], found: Sequence[Any]) -> bool:
    return len(expected) == len(found) and all(map(same, expected, found))


def _equal(expected: Any, answer: Answer) -> bool:
    one = len(answer.rows) == 1
    if one and len(answer.columns) == 1 and same(expected, answer.rows[0][0]):
        return True
    if isinstance(expected, Mapping):
        return one and _row(cast("Mapping[str, Any]", expected), answer, 0)
    if isinstance(expected, list | tuple):
        rows = cast("Sequence[Any]", expected)
        return len(rows) == len(answer.rows) and all(_row(row, answer, n) for n, row in enumerate(rows))
    return False


def _row(expected: Any, answer: Answer, number: int) -> bool:
    row = answer.rows[number]
    if isinstance(expected, Mapping):
        named = dict(zip(answer.columns, row, strict=True))
        # A name that two columns have says nothing of either.
        once = len(named) == len(answer.columns)
        table = cast("Mapping[str, Any]", expected)
        if once and all(key in named and same(value, named[key]) for key, value in table.items()):
            return True
    if isinstance(expected, list | tuple) and _each(cast("Sequence[Any]", expected), row):
        return True
    return len(row) == 1 and same(expected, row[0])


def _nulls(answer: Answer) -> Iterator[str]:
    if not answer.columns:
        yield "a row without a column"
    null = (
        name for row in answer.rows for name, value in zip(answer.columns, row, strict=True) if value is None
    )
    for name in dict.fromkeys(null):
        yield f"{name} is null"


def _missing(expected: Sequence[str], answer: Answer) -> Iterator[str]:
    values = [row[0] for row in answer.rows if row]
    there = {value for value in values if isinstance(value, str)}
    missing = [
        each for each in expected if each not in there and not any(_written(each, value) for value in values)
    ]
    if missing:
        yield f"without {', '.join(missing)}"


def _unequal(expected: Any, answer: Answer) -> str:
    if isinstance(expected, Mapping):
        absent = [key for key in cast("Mapping[str, Any]", expected) if key not in answer.columns]
        if absent:
            return f"no column {absent[0]}"
    wrong = not isinstance(expected, list | tuple) and len(answer.rows) != 1
    return f"{_rows(answer)} where one is expected" if wrong else ""


def _rows(answer: Answer) -> str:
    return f"{len(answer.rows):,} row{'' if len(answer.rows) == 1 else 's'}"
