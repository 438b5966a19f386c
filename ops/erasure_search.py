"""Where a subject's identifying values stand, in every text of the declared tables: before an erasure and after it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from ops import database, erasure_changes, erasure_reach, erasure_schema, secrets
from ops.erasure_changes import Change
from ops.erasure_reach import Reached, Row
from ops.erasure_schema import Schema
from ops.erasure_settings import Action, Erasure

# A shorter word stands in texts that are nobody's.
SHORTEST = 5
SHORTEST_KEY = 8


@dataclass(frozen=True, slots=True)
class Needles:
    """What is looked for: the values that identify, and that of the lookup, which may go on being a key."""

    identifying: tuple[str, ...]
    lookup: str | None
    too_short: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Needles({len(self.identifying)})"

    def remember(self) -> None:
        """Keep them out of all output of this process."""
        for value in (*self.identifying, *([self.lookup] if self.lookup else [])):
            secrets.remember(value)


def needles(wanted: Erasure, found: Reached) -> Needles:
    """Return what is looked for; `too_short` are columns whose value would be found everywhere."""
    own = wanted.tables[erasure_schema.qualified(wanted.table or "")]
    given = {
        name: found.values[name].strip()
        for name in wanted.identifying
        if name in found.values and not erasure_changes.is_written(own, name, found.values[name])
    }
    short = tuple(name for name, value in given.items() if value and len(value) < SHORTEST)
    lookup = found.values[wanted.lookup]
    return Needles(
        tuple(dict.fromkeys(value for value in given.values() if len(value) >= SHORTEST)),
        lookup if len(lookup) >= SHORTEST_KEY else None,
        short,
    )


def search(
    connection: database.Connection, schema: Schema, wanted: Erasure, looked_for: Needles
) -> dict[tuple[str, str], set[Row]]:
    """Return where one of them stands: the rows by table and column."""
    hits: dict[tuple[str, str], set[Row]] = {}
    for table in wanted.tables:
        keys = _keys(schema, wanted, table)
        for column in schema.tables[table].values():
            words = _words(looked_for, key=column.name in keys)
            if column.searched and words and (rows := _holding(connection, table, column.name, words)):
                hits[table, column.name] = rows
    return hits


def left(
    hits: dict[tuple[str, str], set[Row]], changes: Iterable[Change], wanted: Erasure
) -> tuple[list[str], list[str]]:
    """Return what would stay when the changes are made, and what of it is known to: sentences without the values."""
    going: dict[tuple[str, str], set[Row]] = {}
    for change in changes:
        if change.action == Action.DELETE:
            going.setdefault((change.table, ""), set()).update(change.rows)
        for column in change.sets:
            going.setdefault((change.table, column), set()).update(change.rows)
    unknown: list[str] = []
    known: list[str] = []
    for (table, column), rows in sorted(hits.items()):
        staying = rows - going.get((table, ""), set()) - going.get((table, column), set())
        if staying:
            place = f"{table}.{column}"
            said = f"{place} holds what identifies the subject in {len(staying)} rows"
            (known if place in wanted.known_mentions else unknown).append(said)
    return unknown, known


def _keys(schema: Schema, wanted: Erasure, table: str) -> set[str]:
    """Return the columns in which the lookup's value is but the key of a row that stays; an address is none."""
    subjects = erasure_schema.qualified(wanted.table or "")
    is_key = schema.tables[subjects][wanted.lookup].of_key
    if not is_key or not erasure_reach.survives(wanted, subjects):
        return set()
    linking = {name for key in schema.of(table) for name in key.columns}
    linking |= {name for key in schema.to(table) for name in key.referenced}
    linking |= {column for column, _ in erasure_reach.links(wanted.tables[table])}
    return linking | ({wanted.lookup} if table == subjects else set())


def _words(looked_for: Needles, *, key: bool) -> list[str]:
    values = [*looked_for.identifying]
    if looked_for.lookup and not key:
        values.append(looked_for.lookup)
    return sorted({form for value in values for form in _forms(value)})


def _forms(value: str) -> Iterator[str]:
    """Yield a value as it stands in a text, and in JSON in both of its spellings."""
    yield value
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1]


def _holding(connection: database.Connection, table: str, column: str, words: Sequence[str]) -> set[Row]:
    # Any case of the letters; byte by byte, since a collation may forbid to look for parts.
    query = sql.SQL(
        "select t.tableoid::bigint, t.ctid::text from {} t where exists (select from pg_catalog.unnest(%s::text[]) "
        'w (word) where pg_catalog.strpos(pg_catalog.lower(t.{}::text) collate "C", '
        'pg_catalog.lower(w.word) collate "C") > 0)'
    ).format(erasure_schema.identifier(table), sql.Identifier(column))
    return {(relation, place) for relation, place in connection.execute(query, [list(words)]).fetchall()}
