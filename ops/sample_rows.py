"""A row that a table takes: what it must hold, made up, and the rows it must point to.

Numbers that the server would count are given too, so that no sequence is advanced: that is not rolled back.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from psycopg import sql
from psycopg.rows import dict_row

from ops import database, errors, queries
from ops.written_tables import Table

MARKER = "runbooks-smoke"
_DEEPEST = 5
_CHOICE = re.compile(r"= ANY \(+ARRAY\['((?:[^']|'')*)'|= '((?:[^']|'')*)'")
_HIGHEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**62}
_FIXED = {
    "boolean": "false",
    "date": "2026-01-01",
    "interval": "1 second",
    "json": "{}",
    "jsonb": "{}",
    "bytea": "\\x00",
    "inet": "127.0.0.1",
    "cidr": "127.0.0.1/32",
    "tsvector": "smoke",
    "xml": "<smoke/>",
}
Samples = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Column:
    """A column, as far as whoever writes it must know it."""

    name: str
    type: str
    category: str
    required: bool
    has_default: bool
    identity: str
    generated: bool
    counted: bool
    key: bool
    is_unique: bool
    label: str | None
    checked: str | None

    @property
    def is_text(self) -> bool:
        return self.category == "S" and self.type != '"char"'

    @property
    def must_be_given(self) -> bool:
        if self.generated:
            return False
        return self.counted or self.key or (self.required and not self.has_default)


@dataclass(frozen=True)
class Row:
    """A row to be written; `parents` are written first, `text` may be changed to any text.

    `change` is a column that may be set anew, if only to what it is.
    """

    table: Table
    values: dict[str, Any]
    key: tuple[str, ...]
    text: str | None
    change: str | None
    marked: bool
    counts_always: bool
    parents: tuple[Row, ...] = field(default=())

    @property
    def identity(self) -> dict[str, Any]:
        """The values by which this row, and no other, is found."""
        return {name: self.values[name] for name in self.key}

    @property
    def is_told_apart(self) -> bool:
        """Whether the row reads otherwise when it is changed; what is set to what it is does not."""
        return self.text is not None and self.text not in self.key

    @property
    def tables(self) -> list[Table]:
        """This row's table and those of the rows it points to."""
        return [*(table for parent in self.parents for table in parent.tables), self.table]


def make(
    connection: database.Connection, table: Table, samples: Samples, *, depth: int = 0, fresh: bool = False
) -> Row:
    """Make a row up; `samples` are values of the project's own by table, `fresh` wants no unique value twice.

    Raises:
        Refused: a column takes nothing that can be made up; the message says which sample is needed.
    """
    if depth > _DEEPEST:
        raise errors.Refused(
            f"{table} points to a row that points to a row, {depth} deep, so none can be made up. {_advice(table)}"
        )
    there = columns(connection, table)
    given = dict(samples.get(str(table)) or samples.get(table.name) or {})
    values, parents = _referenced(connection, table, there, given, samples, depth=depth, fresh=fresh)
    for column in there.values():
        if column.name not in values and (column.must_be_given or (fresh and _needs_fresh(column))):
            values[column.name] = _value(table, column)
    text, marked = _marked(there, values, given, {name for name in values if name in given})
    key = tuple(column.name for column in there.values() if column.key and column.name in values)
    return Row(
        table,
        values,
        key or ((text,) if text else ()),
        text,
        text or _changed(there, key),
        marked,
        any(column.identity == "a" for column in there.values()),
        tuple(parents),
    )


def tenant(column: Column) -> Any:
    """Return a value that names somebody: no two are the same."""
    base = column.type.partition("(")[0]
    return _HIGHEST[base] - random.randrange(10**6) if base in ("integer", "bigint") else str(uuid4())  # noqa: S311


def columns(connection: database.Connection, table: Table) -> dict[str, Column]:
    """Return the columns of a table by name."""
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("smoke/columns"), {"oid": table.oid}).fetchall()
    return {row["name"]: Column(**row) for row in found}


def _referenced(
    connection: database.Connection,
    table: Table,
    columns: Mapping[str, Column],
    given: dict[str, Any],
    samples: Samples,
    *,
    depth: int,
    fresh: bool,
) -> tuple[dict[str, Any], list[Row]]:
    values, parents = dict(given), list[Row]()
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        references = cursor.execute(queries.load("smoke/references"), {"oid": table.oid}).fetchall()
    for each in references:
        names: list[str] = each["columns"]
        if all(name in values for name in names) or not any(columns[name].must_be_given for name in names):
            continue
        there = Table(each["schema"], each["table"], each["oid"])
        # A row that may be pointed to only once is pointed to already.
        unique = any(columns[name].is_unique for name in names)
        existing = None if unique else _existing(connection, there, each["referenced"])
        if existing is None:
            parent = make(connection, there, samples, depth=depth + 1, fresh=True)
            parents.append(parent)
            existing = tuple(_of_parent(parent, name, table) for name in each["referenced"])
        values |= dict(zip(names, existing, strict=True))
    return values, parents


def _existing(connection: database.Connection, table: Table, names: list[str]) -> tuple[Any, ...] | None:
    query = sql.SQL("select {} from {} limit 1").format(
        sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in names),
        sql.Identifier(table.schema, table.name),
    )
    with database.translating():
        return connection.execute(query).fetchone()


def _of_parent(parent: Row, name: str, table: Table) -> Any:
    if name not in parent.values:
        raise errors.Refused(
            f"{table} needs {parent.table}.{name}, which cannot be made up. {_advice(table)}"
        )
    return parent.values[name]


def _needs_fresh(column: Column) -> bool:
    return column.is_unique and not column.generated and not column.has_default


def _marked(
    columns: Mapping[str, Column], values: dict[str, Any], given: Mapping[str, Any], own: set[str]
) -> tuple[str | None, bool]:
    """Return a column of text that may hold any text, and whether it holds the marker; an optional one is filled."""
    free = [c for c in columns.values() if c.is_text and c.checked is None and not c.generated and not c.key]
    made = [c.name for c in free if c.name in values and c.name not in own and _is_marker(values[c.name])]
    if made:
        return made[0], True
    for column in free:
        if column.name not in values and not column.has_default and not _length(column.type, shorter=20):
            values[column.name] = _marker(column.type)
            return column.name, True
    named = [c.name for c in columns.values() if c.key and c.name in values and _is_marker(values[c.name])]
    return None, bool(named)


def _changed(columns: Mapping[str, Column], key: tuple[str, ...]) -> str | None:
    """Return a column that an app may set, rather not one of the key."""
    settable = [c.name for c in columns.values() if not c.generated and c.identity != "a"]
    return next((name for name in settable if name not in key), next(iter(settable), None))


def _is_marker(value: object) -> bool:
    return isinstance(value, str) and value.startswith(MARKER)


def _value(table: Table, column: Column) -> Any:
    if column.label is not None:
        return column.label
    chosen = _CHOICE.search(column.checked or "")
    if chosen and not column.counted:
        return (chosen[1] if chosen[1] is not None else chosen[2]).replace("''", "'")
    if column.is_text:
        return _marker(column.type)
    if column.category == "A":
        return "{}"
    base = column.type.partition("(")[0]
    made = _made(base, column)
    if made is None:
        raise errors.Refused(
            f"The smoke can make up no value for {table}.{column.name} ({column.type}), so it wrote nothing. "
            f"{_advice(table, column.name)}"
        )
    return made


def _made(base: str, column: Column) -> Any:
    if base in _HIGHEST:
        # Far from what is counted, so that it meets nobody's row.
        top = _HIGHEST[base]
        return top - random.randrange(min(10**6, top // 4)) if column.counted or column.is_unique else 1  # noqa: S311
    if base in ("numeric", "real", "double precision", "money"):
        return "0"
    if base == "uuid":
        return str(uuid4())
    if base.startswith(("timestamp", "time")):
        return "2026-01-01 00:00:00+00" if base.startswith("timestamp") else "00:00:00+00"
    if column.category == "R":
        return "empty"
    if base.rpartition(".")[2] == "vector":
        return f"[{','.join('0' * int(column.type.partition('(')[2].rstrip(')') or 1))}]"
    return _FIXED.get(base)


def _marker(kind: str) -> str:
    text = f"{MARKER}-{uuid4().hex}"
    found = _length(kind)
    return text[:found] if found else text


def _length(kind: str, *, shorter: int = 10**9) -> int | None:
    found = re.search(r"\((\d+)\)", kind)
    return int(found[1]) if found and int(found[1]) < shorter else None


def _advice(table: Table, column: str = "COLUMN") -> str:
    return f"Give one in runbooks.toml: [deploy.samples.{str(table)!r}] {column} = …"
