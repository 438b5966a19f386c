"""Rows that are there twice: by the columns that a project names, or by all but those that the server fills.

Source: deploy-gate.md, `check_data_integrity.py --max-dup-chat`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from ops import settings
from ops.app_tables import Column, Table, Tables
from ops.findings import Duplicates, Finding
from ops.looking import Look

CHAT = "chat_history"
_QUESTION = "duplicates"
FEW = 100_000
_ID = "id"
_NONE = (0, 0, ())
# The types of which a hash takes a call; the others go through a record of one value.
_HASHES = {
    "smallint": "hashint2extended",
    "integer": "hashint4extended",
    "bigint": "hashint8extended",
    "text": "hashtextextended",
    "character varying": "hashtextextended",
    "character": "hashbpcharextended",
    "numeric": "hash_numeric_extended",
    "uuid": "uuid_hash_extended",
    "jsonb": "jsonb_hash_extended",
}


@dataclass(frozen=True, slots=True)
class Same:
    """By what two rows of a table are the same one, and how many too many there may be."""

    table: Table
    columns: tuple[Column, ...]
    nulls_equal: bool
    allowed: int


def chosen(tables: Tables, wanted: settings.Integrity) -> tuple[Same, ...]:
    """Return what is compared: the tables of the configuration, and chat_history if it is there.

    Raises:
        Refused: a configured table or column does not exist.
    """
    found = [_configured(tables, wanted, name, key) for name, key in wanted.keys.items()]
    chat = tables.named(CHAT)
    if chat and chat not in [same.table for same in found]:
        columns = tuple(_said(chat))
        if columns:
            # A whole row: what it does not have is part of what it says, unlike in a key.
            found.insert(0, Same(chat, columns, nulls_equal=True, allowed=wanted.max_duplicates))
    return tuple(same for same in found if not tables.leaves_out(same.table))


def _configured(tables: Tables, wanted: settings.Integrity, name: str, key: settings.Key) -> Same:
    where = f"integrity.keys.{name}"
    table = tables.table(name, key=where)
    columns = tuple(table.column(column, key=where) for column in key.columns)
    allowed = wanted.max_duplicates if key.max_duplicates is None else key.max_duplicates
    return Same(table, columns, key.nulls_equal, allowed)


def _said(table: Table) -> Iterator[Column]:
    """The columns of a row that its writer has thought of: not its id, its times, or what the server makes."""
    for column in table.columns:
        if not (column.time or column.made or column.name == _ID or table.key == (column.name,)):
            yield column


def look(look: Look, same: Same) -> Duplicates | None:
    """Count the rows that are there again; `None` if there is no answer."""
    counted = _answer(look, same)
    if counted is None:
        return None
    groups, surplus, examples = counted
    return Duplicates(
        table=str(same.table),
        columns=tuple(column.name for column in same.columns),
        nulls_equal=same.nulls_equal,
        groups=groups,
        surplus=surplus,
        allowed=same.allowed,
        examples=tuple(examples or ()),
    )


def _answer(look: Look, same: Same) -> tuple[Any, ...] | None:
    about = str(same.table)
    suspected = look.ask(_QUESTION, about, _suspected(same))
    if not suspected:
        return None
    ((hashes, rows),) = suspected
    if not rows:
        return _NONE
    counted = look.ask(_QUESTION, about, _among_few(same, hashes) if rows <= FEW else _among_all(same))
    return counted[0] if counted else None


def finding(found: Duplicates) -> Finding:
    """Say what too many duplicates mean."""
    columns = ", ".join(found.columns)
    return Finding(
        kind="duplicates",
        object=found.table,
        count=found.surplus,
        examples=found.examples,
        why=f"{found.surplus:,} rows of {found.table} are there again with the same {columns} "
        f"({found.groups:,} groups); {found.allowed:,} may be. A retry or two writers stored the same thing twice.",
        remedy="Delete all but the first of each group, and add a unique index on these columns (or make the write "
        "idempotent), so that it cannot come back.",
    )


def _suspected(same: Same) -> sql.Composed:
    """Name hashes that are there again, and count their rows: rows that are the same have the same one.

    Eight bytes each are sorted as plain numbers, within the server's work_mem or on disk; nothing else is kept of a
    row, and however many rows are the same, they cost no more than others.
    """
    # Sorted below, they can be sorted by many processes, and are grouped as they come.
    return sql.SQL(
        "select pg_catalog.array_agg(hash), pg_catalog.sum(many)::bigint from"
        " (select hash, pg_catalog.count(*) as many"
        " from (select {} as hash from {} t where {} order by 1 offset 0) hashes"
        " group by hash having pg_catalog.count(*) > 1 limit {}) again"
    ).format(fingerprint(same), same.table.rows, _has_key(same), sql.Literal(FEW + 1))


def _among_few(same: Same, hashes: list[int]) -> sql.Composed:
    """Group only rows whose hash another row has; these are found in one pass."""
    return sql.SQL(
        "with suspects as materialized (select {values}, {known_by} from {rows} t"
        " where {has_key} and {hash} = any ({hashes}::bigint[])),"
        " twins as materialized (select pg_catalog.count(*) as many, {names} from suspects group by {names}"
        " having pg_catalog.count(*) > 1),"
        " few as materialized (select * from twins limit 3)"
        " select pg_catalog.count(*), coalesce(pg_catalog.sum(many - 1), 0)::bigint,"
        " (select pg_catalog.jsonb_agg({example}) from"
        " (select {known_by} from suspects t join few on {alike} limit 6) pairs) from twins"
    ).format(hashes=sql.Literal(hashes), **_spelled(same))


def _among_all(same: Same) -> sql.Composed:
    """Group all rows, and name rows of three groups, all found in one pass by their hash."""
    return sql.SQL(
        "with twins as materialized (select pg_catalog.count(*) as many, {values} from {rows} t where {has_key}"
        " group by {compared} having pg_catalog.count(*) > 1),"
        " few as materialized (select {hash} as twin_hash, {values} from (select {again} from twins limit 3) t)"
        " select pg_catalog.count(*), coalesce(pg_catalog.sum(many - 1), 0)::bigint,"
        " (select pg_catalog.jsonb_agg({example}) from (select {known_by} from"
        " (select {hash} as twin_hash, {values}, {known_by} from {rows} t) t"
        " join few using (twin_hash) where {alike} limit 6) pairs) from twins"
    ).format(**_spelled(same))


def _spelled(same: Same) -> dict[str, sql.Composable]:
    """What the parts of both are called; what is compared of each column has a name of its own."""
    names = [sql.Identifier(f"twin {number}") for number in range(len(same.columns))]
    compared = [column.compared for column in same.columns]
    columns = [sql.Identifier(column.name) for column in same.columns]
    return {
        "hash": fingerprint(same),
        "rows": same.table.rows,
        "has_key": _has_key(same),
        "known_by": same.table.known_by,
        "example": same.table.example,
        "names": _listed(names),
        "compared": _listed(compared),
        "values": _listed(sql.SQL("{} as {}").format(*each) for each in zip(compared, names, strict=True)),
        "again": _listed(sql.SQL("{} as {}").format(*each) for each in zip(names, columns, strict=True)),
        "alike": sql.SQL(" and ").join(
            sql.SQL("t.{0} is not distinct from few.{0}").format(each) for each in names
        ),
    }


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _has_key(same: Same) -> sql.Composable:
    if same.nulls_equal:
        return sql.SQL("true")
    return sql.SQL(" and ").join(
        sql.SQL("{} is not null").format(sql.Identifier(column.name)) for column in same.columns
    )


def fingerprint(same: Same) -> sql.Composable:
    """Return an expression of eight bytes that is the same for rows that are the same."""
    return sql.SQL(" # ").join(_hash(column, seed) for seed, column in enumerate(same.columns, 1))


def _hash(column: Column, seed: int) -> sql.Composed:
    value, by = column.compared, _HASHES.get(column.type if column.hashable else "text")
    called = (
        sql.SQL("pg_catalog.{}({}, {})").format(sql.Identifier(by), value, sql.Literal(seed))
        if by
        else sql.SQL("pg_catalog.hash_record_extended(row({}), {})").format(value, sql.Literal(seed))
    )
    return sql.SQL("coalesce({}, {})").format(called, sql.Literal(seed))
