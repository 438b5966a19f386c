"""Which rows are a subject's: those that `runbooks.toml` names, and all that foreign keys lead to from there.

Rows are told by where they lie (table and ctid), which holds for one snapshot, or as long as the tables are locked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from ops import database, erasure_schema, errors
from ops.erasure_schema import ForeignKey, Schema
from ops.erasure_settings import Action, ErasedTable, Erasure

Row = tuple[int, str]
_AT_ONCE = 20_000


@dataclass
class Reached:
    """What was found: the subject's rows by table, and for each foreign key the rows that lead to one of them."""

    subjects: int = 0
    values: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    mine: dict[str, set[Row]] = field(default_factory=dict[str, set[Row]])
    referring: dict[ForeignKey, set[Row]] = field(default_factory=dict[ForeignKey, set[Row]])

    def of(self, table: str) -> set[Row]:
        """Return the subject's rows of one table."""
        return self.mine.get(table, set())

    def strangers(self, key: ForeignKey) -> set[Row]:
        """Return the rows that refer to one of the subject's by this key, and are not the subject's themselves."""
        return self.referring.get(key, set()) - self.of(key.child)


def links(declared: ErasedTable) -> Iterator[tuple[str, str]]:
    """Yield the columns of `by` that no foreign key needs, each with the column of the subject's row that it holds."""
    for link in declared.by or ():
        column, equals, other = (part.strip() for part in link.partition("="))
        yield column, other if equals else ""


def find(connection: database.Connection, schema: Schema, wanted: Erasure, value: str) -> Reached:
    """Find the subject whose `lookup` has this value, and every row that belongs to it or refers to it.

    Raises:
        Refused: several rows have the value, or it is none of the column's type.
    """
    found = Reached(values={wanted.lookup: value})
    subjects = erasure_schema.qualified(wanted.table or "")
    roots = _equal(connection, subjects, wanted.lookup, value)
    if len(roots) > 1:
        raise errors.Refused(
            f"{len(roots)} rows of {subjects} have what the subject's secret says in {wanted.lookup}, so nobody knows "
            "whose rows are meant. Name a lookup that tells subjects apart."
        )
    found.subjects = len(roots)
    if roots:
        found.values |= _values(connection, schema, subjects, next(iter(roots)))
    todo: list[tuple[str, set[Row]]] = []
    _add(found, todo, subjects, roots)
    for table, rows in _named(connection, schema, wanted, found):
        _add(found, todo, table, rows)
    while todo:
        parent, rows = todo.pop()
        for key in schema.to(parent):
            referring = _referring(connection, key, rows)
            found.referring.setdefault(key, set()).update(referring)
            declared = wanted.tables.get(key.child)
            if declared and follows(declared, key):
                _add(found, todo, key.child, referring)
    return found


def follows(declared: ErasedTable, key: ForeignKey) -> bool:
    """Whether a row that refers to one of the subject's by this key is the subject's too."""
    if key.link in declared.detach or key.link in declared.leave:
        return False
    return declared.by is None or key.link in declared.by


def _add(found: Reached, todo: list[tuple[str, set[Row]]], table: str, rows: Iterable[Row]) -> None:
    new = set(rows) - found.of(table)
    if new:
        found.mine.setdefault(table, set()).update(new)
        todo.append((table, new))


def _named(
    connection: database.Connection, schema: Schema, wanted: Erasure, found: Reached
) -> Iterator[tuple[str, set[Row]]]:
    """Yield the rows that are the subject's by a column that no foreign key stands for."""
    for table, declared in wanted.tables.items():
        keys = {key.link for key in schema.of(table)}
        for column, other in links(declared):
            value = found.values.get(other or wanted.lookup)
            if (other or column not in keys) and "," not in column and value is not None:
                try:
                    yield table, _equal(connection, table, column, value)
                except psycopg.DataError:
                    raise errors.Refused(
                        f"{table}.{column} cannot have the value of the subject's {other or wanted.lookup}, which is "
                        "of another type. Say which column of the subject's row it holds: "
                        f'"{column} = COLUMN" under `by`.'
                    ) from None


def _equal(connection: database.Connection, table: str, column: str, value: str) -> set[Row]:
    query = sql.SQL("select t.tableoid::bigint, t.ctid::text from {} t where t.{} = %s").format(
        erasure_schema.identifier(table), sql.Identifier(column)
    )
    return {(relation, place) for relation, place in connection.execute(query, [value]).fetchall()}


def _values(connection: database.Connection, schema: Schema, table: str, row: Row) -> dict[str, str]:
    """Return the values of the subject's row, as texts; they are kept in no record."""
    names = list(schema.tables[table])
    texts = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in names)
    query = sql.SQL("select {} from {} t where t.tableoid = %s and t.ctid = %s::tid").format(
        texts, erasure_schema.identifier(table)
    )
    said = connection.execute(query, row).fetchone() or ()
    return {name: text for name, text in zip(names, said, strict=False) if text is not None}


def _referring(connection: database.Connection, key: ForeignKey, rows: set[Row]) -> set[Row]:
    query = sql.SQL(
        "select distinct c.tableoid::bigint, c.ctid::text from {} c join {} p on {} where {}"
    ).format(
        erasure_schema.identifier(key.child), erasure_schema.identifier(key.parent), key.refers, among("p")
    )
    found: set[Row] = set()
    listed = sorted(rows)
    for start in range(0, len(listed), _AT_ONCE):
        told = connection.execute(query, places(listed[start : start + _AT_ONCE]))
        found.update((relation, place) for relation, place in told.fetchall())
    return found


def among(alias: str, name: str = "") -> sql.Composed:
    """Return the condition that a row is one of those that `places` gives under the same name."""
    table, tids, relations = (
        sql.Identifier(alias),
        sql.Placeholder(f"tids{name}"),
        sql.Placeholder(f"relations{name}"),
    )
    # The first half finds the rows, the second tells the partitions apart.
    return sql.SQL(
        "{table}.ctid = any ({tids}::tid[]) and ({table}.tableoid, {table}.ctid) in "
        "(select u.r, u.t from rows from (pg_catalog.unnest({relations}::oid[]), pg_catalog.unnest({tids}::tid[])) "
        "u (r, t))"
    ).format(table=table, tids=tids, relations=relations)


def places(rows: Sequence[Row], name: str = "") -> Mapping[str, list[object]]:
    """Return the values of `among`."""
    return {f"relations{name}": [each for each, _ in rows], f"tids{name}": [place for _, place in rows]}


def emptied(schema: Schema, declared: ErasedTable, key: ForeignKey) -> list[str]:
    """Return the columns of this key that an erasure empties in rows that are not the subject's, if any."""
    return schema.emptied(key) if key.link in declared.detach else []


def survives(wanted: Erasure, table: str) -> bool:
    """Whether the subject's rows of this table are there afterwards."""
    declared = wanted.tables.get(table)
    return declared is not None and declared.action is not Action.DELETE
