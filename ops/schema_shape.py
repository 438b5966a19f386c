"""The tables of a project's own schemas as its documentation shows them, read from a live database at one moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, LiteralString, TypeVar

from psycopg.rows import kwargs_row

from ops import database, declaration, queries

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `filled` is its default or how it is generated."""

    name: str
    type: str
    nullable: bool
    filled: str
    in_key: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A constraint, an index or a policy, in the server's words."""

    name: str
    definition: str
    comment: str


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `optional`: a row may have no parent; `single`: a parent has at most one such row."""

    name: str
    parent_schema: str
    parent_name: str
    columns: tuple[str, ...]
    optional: bool
    single: bool

    @property
    def parent(self) -> tuple[str, str]:
        return self.parent_schema, self.parent_name


@dataclass(frozen=True)
class Relation:
    """A table or a view."""

    oid: int
    schema: str
    name: str
    kind: str
    secured: bool
    partitions: int
    comment: str | None
    columns: list[Column] = field(default_factory=list[Column])
    constraints: list[Part] = field(default_factory=list[Part])
    indexes: list[Part] = field(default_factory=list[Part])
    policies: list[Part] = field(default_factory=list[Part])
    foreign_keys: list[ForeignKey] = field(default_factory=list[ForeignKey])

    @property
    def key(self) -> tuple[str, str]:
        return self.schema, self.name

    @property
    def is_table(self) -> bool:
        return self.kind.endswith("table")

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def read(connection: database.Connection) -> tuple[Relation, ...]:
    """Return the tables and views of the project's own schemas, ordered by name.

    Raises:
        Unavailable: the connection is lost.
    """
    schemas = declaration.own_schemas(connection)
    with database.translating(), connection.transaction(force_rollback=True):
        connection.execute("set transaction isolation level repeatable read, read only")
        # So that names are qualified, whatever the login's search path is.
        connection.execute("set local search_path = ''")
        found = _asked(connection, queries.load("schema_document/relations"), Relation, {"schemas": schemas})
        by_oid = {relation.oid: relation for relation in found}
        for name, make in (
            ("columns", Column),
            ("constraints", Part),
            ("indexes", Part),
            ("policies", Part),
            ("foreign_keys", _foreign_key),
        ):
            text = queries.load(f"schema_document/{name}")
            for oid, part in _asked(connection, text, _of(make), {"oids": list(by_oid)}):
                getattr(by_oid[oid], name).append(part)
    return tuple(found)


def _asked(
    connection: database.Connection, text: LiteralString, make: Callable[..., _Row], values: dict[str, Any]
) -> list[_Row]:
    # Not prepared: behind a transaction pooler the next one may meet a backend that does not know it.
    with connection.cursor(row_factory=kwargs_row(make)) as cursor:
        return cursor.execute(text, values, prepare=False).fetchall()


def _of(make: Callable[..., Any]) -> Callable[..., tuple[int, Any]]:
    def made(*, relation: int, **values: Any) -> tuple[int, Any]:
        return relation, make(**values)

    return made


def _foreign_key(*, columns: list[str], **values: Any) -> ForeignKey:
    return ForeignKey(columns=tuple(columns), **values)
