"""The tables and foreign keys of a database, as far as an erasure needs to know them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import LiteralString

from psycopg import sql
from psycopg.rows import class_row

from ops import database, queries


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `searched` where somebody's name may stand in it."""

    table_name: str
    name: str
    type: LiteralString
    required: bool
    generated: bool
    of_key: bool
    searched: bool
    hidden: bool


@dataclass(frozen=True, slots=True, eq=False)
class ForeignKey:
    """Columns of a table that refer to those of another, or of the same."""

    name: str
    child: str
    parent: str
    columns: list[str]
    referenced: list[str]
    operator_schemas: list[str]
    operators: list[LiteralString]
    match_full: bool
    period: bool

    @property
    def link(self) -> str:
        """Its columns, as `runbooks.toml` names them."""
        return ", ".join(self.columns)

    @property
    def refers(self) -> sql.Composable:
        """The condition that a row `c` of the child refers to a row `p` of the parent."""
        pairs = zip(self.referenced, self.operator_schemas, self.operators, self.columns, strict=True)
        return sql.SQL(" and ").join(
            sql.SQL("{} operator({}.{}) {}").format(
                sql.Identifier("p", one), sql.Identifier(schema), sql.SQL(name), sql.Identifier("c", other)
            )
            for one, schema, name, other in pairs
        )


@dataclass(frozen=True)
class Schema:
    """All of them."""

    tables: dict[str, dict[str, Column]] = field(default_factory=dict[str, dict[str, Column]])
    foreign_keys: tuple[ForeignKey, ...] = ()

    def to(self, parent: str) -> list[ForeignKey]:
        """Return the foreign keys that lead to a table."""
        return [each for each in self.foreign_keys if each.parent == parent]

    def of(self, child: str) -> list[ForeignKey]:
        """Return the foreign keys of a table."""
        return [each for each in self.foreign_keys if each.child == child]

    def emptied(self, key: ForeignKey) -> list[str]:
        """Return the columns that are emptied so that a row refers to nothing by this key, none where that cannot be.

        A column that another foreign key shares is left alone where it can be.
        """
        known = self.tables[key.child]
        free = [name for name in key.columns if not (known[name].required or known[name].of_key)]
        if key.match_full:
            return free if len(free) == len(key.columns) else []
        shared = {name for each in self.of(key.child) if each is not key for name in each.columns}
        return [name for name in free if name not in shared] or free


def identifier(table: str) -> sql.Identifier:
    """Return the name of a table, quoted."""
    schema, _, name = table.rpartition(".")
    return sql.Identifier(schema or "public", name)


def qualified(table: str) -> str:
    """Return the name of a table with its schema."""
    return table if "." in table else f"public.{table}"


def read(connection: database.Connection) -> Schema:
    """Read the catalogs."""
    tables: dict[str, dict[str, Column]] = {}
    with connection.cursor(row_factory=class_row(Column)) as columns:
        for each in columns.execute(queries.load("erasure/columns")):
            tables.setdefault(each.table_name, {})[each.name] = each
    with connection.cursor(row_factory=class_row(ForeignKey)) as keys:
        found = keys.execute(queries.load("erasure/foreign_keys")).fetchall()
    return Schema(tables, tuple(each for each in found if each.child in tables))


def spelled(names: Iterable[str]) -> str:
    """Return names as TOML has a list of them."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
