"""What is done with which rows: one statement for all of it, since keys in a circle cannot be deleted one by one.

The checks of foreign keys, and what they do by themselves (ON DELETE), come when the whole statement has ended. Every
row is touched once, so that no order of the tables matters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psycopg import sql

from ops import database, erasure_reach, erasure_schema
from ops.erasure_reach import Reached, Row
from ops.erasure_schema import Schema
from ops.erasure_settings import Action, ErasedTable, Erasure, Value

RANDOM = "{random}"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass(frozen=True)
class Change:
    """Rows of one table with which the same is done; `what` says it without anything of the subject."""

    table: str
    rows: tuple[Row, ...]
    what: str
    action: str
    sets: Mapping[str, Value | None]

    @property
    def counted(self) -> dict[str, object]:
        """What a plan is about: how many rows of which table, and what becomes of them."""
        return {"table": self.table, "rows": len(self.rows), "action": self.action, "what": self.what}

    def statement(self, name: str) -> sql.Composed:
        """Return the part of the one statement that does it; its values are those of `values`."""
        table, among = erasure_schema.identifier(self.table), erasure_reach.among("x", name)
        if self.action == Action.DELETE:
            return sql.SQL("delete from {} x where {} returning 1").format(table, among)
        sets = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), _written(value, f"{name}_{number}"))
            for number, (column, value) in enumerate(self.sets.items())
        )
        return sql.SQL("update {} x set {} where {} returning 1").format(table, sets, among)

    def values(self, name: str) -> dict[str, object]:
        """Return the values of `statement`."""
        given = {f"{name}_{number}": _text(value) for number, value in enumerate(self.sets.values())}
        return {**given, **erasure_reach.places(self.rows, name)}


def _written(value: Value | None, name: str) -> sql.Composable:
    if value is None:
        return sql.SQL("null")
    if isinstance(value, str) and RANDOM in value:
        made = sql.SQL("pg_catalog.replace({}::text, '{{random}}', pg_catalog.gen_random_uuid()::text)")
        return made.format(sql.Placeholder(name))
    return sql.Placeholder(name)


def _text(value: Value | None) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None if value is None else str(value)


def due(
    connection: database.Connection, schema: Schema, wanted: Erasure, found: Reached
) -> tuple[Change, ...]:
    """Return all that is to be done; what was done before is not done again."""
    return tuple(
        change
        for table in sorted({*found.mine, *(key.child for key in found.referring)})
        if table in wanted.tables
        for change in _of_table(connection, schema, wanted, found, table)
    )


def _of_table(
    connection: database.Connection, schema: Schema, wanted: Erasure, found: Reached, table: str
) -> Iterator[Change]:
    declared, mine = wanted.tables[table], found.of(table)
    if declared.action is Action.DELETE and mine:
        yield Change(table, tuple(sorted(mine)), "deleted", Action.DELETE, {})
    empties: dict[Row, set[str]] = {}
    for key in schema.of(table):
        columns = erasure_reach.emptied(schema, declared, key)
        rows = found.referring.get(key, set()) if columns else set[Row]()
        for row in rows if declared.action is not Action.DELETE else rows - mine:
            empties.setdefault(row, set()).update(columns)
    anonymised: set[Row] = set()
    if declared.action is Action.ANONYMISE and mine:
        anonymised = _undone(connection, schema, declared, table, mine)
    groups: dict[tuple[bool, tuple[str, ...]], list[Row]] = {}
    for row in sorted({*empties, *anonymised}):
        groups.setdefault((row in anonymised, tuple(sorted(empties.get(row, ())))), []).append(row)
    for (own, columns), rows in sorted(groups.items()):
        sets = {**dict.fromkeys(columns), **(_sets(declared) if own else {})}
        what = (
            f"{', '.join(sets)} {'anonymised' if own else 'emptied, since it refers to a row of the subject'}"
        )
        yield Change(table, tuple(rows), what, "anonymise" if own else "detach", sets)


def _sets(declared: ErasedTable) -> dict[str, Value | None]:
    return {**declared.set, **dict.fromkeys(declared.null)}


def _undone(
    connection: database.Connection, schema: Schema, declared: ErasedTable, table: str, rows: set[Row]
) -> set[Row]:
    """Return the rows that are not anonymised yet."""
    conditions: list[sql.Composable] = []
    values: dict[str, object] = {}
    for number, (name, value) in enumerate(_sets(declared).items()):
        column = sql.Identifier("t", name)
        if value is None:
            conditions.append(sql.SQL("{} is not null").format(column))
            continue
        said = sql.Placeholder(f"v{number}")
        if isinstance(value, str) and RANDOM in value:
            values[f"v{number}"] = value
            pattern = sql.SQL("coalesce({}::text, '') !~ {}").format(column, said)
            values[f"v{number}"] = f"^{_UUID.join(map(_literal, value.split(RANDOM)))}$"
            conditions.append(pattern)
        else:
            values[f"v{number}"] = _text(value)
            kind = sql.SQL(schema.tables[table][name].type)
            conditions.append(sql.SQL("{}::text is distinct from {}::{}::text").format(column, said, kind))
    query = sql.SQL("select t.tableoid::bigint, t.ctid::text from {} t where ({}) and {}").format(
        erasure_schema.identifier(table), sql.SQL(" or ").join(conditions), erasure_reach.among("t")
    )
    found = connection.execute(query, {**values, **erasure_reach.places(sorted(rows))}).fetchall()
    return {(relation, place) for relation, place in found}


def is_written(declared: ErasedTable, column: str, text: str) -> bool:
    """Whether a text is what an erasure writes into this column."""
    value = declared.set.get(column)
    if isinstance(value, str) and RANDOM in value:
        return re.fullmatch(_UUID.join(map(re.escape, value.split(RANDOM))), text) is not None
    return value is not None and _text(value) == text


def _literal(text: str) -> str:
    return "".join(one if one.isalnum() else f"\\{one}" for one in text)


def carry_out(connection: database.Connection, changes: tuple[Change, ...]) -> list[int]:
    """Do all of it in one statement, and return how many rows each part of it has touched."""
    parts: list[sql.Composable] = []
    counts: list[sql.Composable] = []
    values: dict[str, object] = {}
    for number, change in enumerate(changes):
        name = f"c{number}"
        parts.append(sql.SQL("{} as ({})").format(sql.Identifier(name), change.statement(name)))
        counts.append(sql.SQL("(select pg_catalog.count(*) from {})").format(sql.Identifier(name)))
        values |= change.values(name)
    query = sql.SQL("with {} select {}").format(sql.SQL(", ").join(parts), sql.SQL(", ").join(counts))
    touched = connection.execute(query, values).fetchone() or ()
    connection.execute("set constraints all immediate")
    return [int(count) for count in touched]
