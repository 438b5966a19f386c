"""The tables of a database as its app sees them, found by the names that a project's configuration has for them."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from psycopg import sql

from ops import database, errors, looking, queries

_PREFERRED = "public"
_PLACE = sql.SQL(
    "pg_catalog.jsonb_build_object('table', tableoid::pg_catalog.regclass::text, 'ctid', ctid::text)"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `type` is the base type of a domain, `made` says that the server makes its values."""

    name: str
    type: str
    hashable: bool
    time: bool
    made: bool

    @property
    def compared(self) -> sql.Composable:
        """What of a value is compared: itself, or its text where its type knows no equality."""
        column = sql.Identifier(self.name)
        return column if self.hashable else sql.SQL("{}::pg_catalog.text").format(column)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns and primary key; a partitioned one stands for its partitions."""

    oid: int
    schema: str
    name: str
    partitioned: bool
    of_app: bool
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def rows(self) -> sql.Composable:
        """What stands after FROM: the rows of this table without those of tables that inherit from it."""
        return self.identifier if self.partitioned else sql.SQL("only {}").format(self.identifier)

    @property
    def known_by(self) -> sql.Composable:
        """The columns by which a row is named in evidence: its primary key or else its place."""
        return sql.SQL(", ").join(map(sql.Identifier, self.key)) if self.key else sql.SQL("tableoid, ctid")

    @property
    def example(self) -> sql.Composable:
        """How a row is named in evidence, made of the columns it is known by: never what else it holds."""
        if not self.key:
            return _PLACE
        pairs = (sql.SQL("{}, {}").format(sql.Literal(name), sql.Identifier(name)) for name in self.key)
        return sql.SQL("pg_catalog.jsonb_build_object({})").format(sql.SQL(", ").join(pairs))

    def column(self, name: str, *, key: str) -> Column:
        """Return a column that the configuration names under `key`.

        Raises:
            Refused: the table has no such column.
        """
        for column in self.columns:
            if name in (column.name, quoted(column.name)):
                return column
        raise errors.Refused(
            f"runbooks.toml: {key}: {self} has no column {name!r}, so its rows are not looked at."
            f"{nearest(name, [column.name for column in self.columns])}"
        )


@dataclass(frozen=True)
class Tables:
    """All tables beside the system's; `left_out` are globs of those that are not looked at."""

    found: tuple[Table, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, connection: database.Connection, *, columns: bool = True, left_out: Sequence[str] = ()
    ) -> Tables:
        """Read the catalog once; without `columns` the tables have none, which is quicker."""
        found = tuple(looking.catalog(connection, queries.load("integrity/tables"), _table))
        return cls(_with_columns(connection, found) if columns else found, tuple(left_out))

    @cached_property
    def _by_name(self) -> dict[str, list[Table]]:
        found: dict[str, list[Table]] = {}
        for table in self.found:
            for name in _spellings(table):
                found.setdefault(name, []).append(table)
        return found

    @cached_property
    def of_app(self) -> tuple[Table, ...]:
        return tuple(each for each in self.found if each.of_app and not self.leaves_out(each))

    def leaves_out(self, table: Table) -> bool:
        """Whether a table is one of those that are not looked at."""
        return any(
            fnmatch.fnmatchcase(name, glob) for glob in self.left_out for name in (table.name, str(table))
        )

    def named(self, name: str) -> Table | None:
        """Return the app's table of this name, if there is just one, that of `public` before others."""
        found = _preferred([table for table in self._by_name.get(name, []) if table in self.of_app])
        return found[0] if len(found) == 1 else None

    def has(self, name: str) -> bool:
        """Whether there is any table of this name."""
        return bool(self._by_name.get(name))

    def table(self, name: str, *, key: str) -> Table:
        """Return the table that the configuration names under `key`: `name`, `schema.name`, quoted or not.

        Raises:
            Refused: there is none of this name, or more than one.
        """
        found = _preferred(self._by_name.get(name, []))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(map(str, found))
            raise errors.Refused(
                f"runbooks.toml: {key}: {name!r} can be {names}. Name the schema as well, as in {str(found[0])!r}."
            )
        known = [*(t.name for t in self.found), *map(str, self.found)]
        raise errors.Refused(
            f"runbooks.toml: {key}: there is no table {name!r} in this database, so its rows are not looked at."
            f"{nearest(name, known)}"
        )


def quoted(name: str) -> str:
    """Return a name as it is written in SQL with quotes."""
    return '"' + name.replace('"', '""') + '"'


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a sentence about the known name that is most like this one, or nothing."""
    by_folded = {each.casefold(): each for each in known}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f" The nearest is {by_folded[near[0]]!r}." if near else ""


def _preferred(tables: list[Table]) -> list[Table]:
    preferred = [table for table in tables if table.schema == _PREFERRED]
    return preferred if len(preferred) == 1 else tables


def _spellings(table: Table) -> set[str]:
    names = {table.name, quoted(table.name)}
    schemas = {table.schema, quoted(table.schema)}
    return names | {f"{schema}.{name}" for schema in schemas for name in names}


def _table(*, key: Sequence[str], **values: Any) -> Table:
    return Table(key=tuple(key), columns=(), **values)


def _with_columns(connection: database.Connection, tables: tuple[Table, ...]) -> tuple[Table, ...]:
    values = {"oids": [table.oid for table in tables]}
    text = queries.load("integrity/columns")
    columns: dict[int, list[Column]] = {}
    for relation, column in looking.catalog(connection, text, _column, values):
        columns.setdefault(relation, []).append(column)
    return tuple(replace(table, columns=tuple(columns.get(table.oid, ()))) for table in tables)


def _column(*, relation: int, **values: Any) -> tuple[int, Column]:
    return relation, Column(**values)
