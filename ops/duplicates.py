"""Rows that are there twice: by the columns that a project names, or by all but those that the server fills.

Source: deploy-gate.md, `check_data_integrity.py --max-dup-chat`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import sql

from ops import settings
from ops.app_tables import Column, Table, Tables
from ops.findings import Duplicates, Finding
from ops.looking import Look

CHAT = "chat_history"
_QUESTION = "duplicates"
_ID = "id"
_COUNTS_SORTED = 160000
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
    about = str(same.table)
    suspected = look.ask(_QUESTION, about, _suspected(same, look.connection.info.server_version))
    counted = (
        look.ask(_QUESTION, about, _counted(same)) if suspected and suspected[0][0] else suspected and [_NONE]
    )
    if not counted:
        return None
    groups, surplus, examples = counted[0]
    return Duplicates(
        table=about,
        columns=tuple(column.name for column in same.columns),
        nulls_equal=same.nulls_equal,
        groups=groups,
        surplus=surplus,
        allowed=same.allowed,
        examples=tuple(examples or ()),
    )


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


def _suspected(same: Same, version: int) -> sql.Composed:
    """Count hashes that are there again: rows that are the same have the same one.

    Eight bytes each are sorted as plain numbers, within the server's work_mem or on disk; nothing else is kept of a
    row, and however many rows are the same, they cost no more than others.
    """
    # Sorted here, they can be sorted by many processes; but before 16 the count sorts them once more.
    sorting = sql.SQL("order by 1 " if version >= _COUNTS_SORTED else "")
    return sql.SQL(
        "select pg_catalog.count(hashes.hash) - pg_catalog.count(distinct hashes.hash) "
        "from (select {} as hash from {} t where {} {}offset 0) hashes"
    ).format(fingerprint(same), same.table.rows, _has_key(same), sorting)


def _counted(same: Same) -> sql.Composed:
    """Group by the columns themselves, and name rows of three groups, all found in one pass by their hash."""
    names = [sql.Identifier(f"twin {number}") for number in range(len(same.columns))]
    compared = [column.compared for column in same.columns]
    pairs = list(zip(compared, names, strict=True))
    again = zip(names, (sql.Identifier(column.name) for column in same.columns), strict=True)
    return sql.SQL(
        "with twins as materialized (select pg_catalog.count(*) as many, {values} from {rows} t where {has_key}"
        " group by {compared} having pg_catalog.count(*) > 1),"
        " few as materialized (select {hash} as twin_hash, {values} from (select {again} from twins limit 3) t)"
        " select pg_catalog.count(*), coalesce(pg_catalog.sum(many - 1), 0)::bigint,"
        " (select pg_catalog.jsonb_agg({example}) from (select {known_by} from"
        " (select {hash} as twin_hash, {values}, {known_by} from {rows} t) t"
        " join few using (twin_hash) where {alike} limit 6) pairs) from twins"
    ).format(
        values=sql.SQL(", ").join(sql.SQL("{} as {}").format(*pair) for pair in pairs),
        rows=same.table.rows,
        has_key=_has_key(same),
        compared=sql.SQL(", ").join(compared),
        hash=fingerprint(same),
        again=sql.SQL(", ").join(sql.SQL("{} as {}").format(*pair) for pair in again),
        example=same.table.example,
        known_by=same.table.known_by,
        alike=sql.SQL(" and ").join(
            sql.SQL("t.{0} is not distinct from few.{0}").format(name) for name in names
        ),
    )


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
