"""The tables that the app writes: as configured, or those of the runbook that this project has."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ops import database, queries
from ops.settings import Deploy

# deploy-gate.md: "Verify DB role permissions on logs/chat_history/connections".
DEFAULT = ("logs", "chat_history", "connections")


@dataclass(frozen=True)
class Table:
    """A table by its schema and name, as they are in the catalog."""

    schema: str
    name: str
    oid: int

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class AppTables:
    """Tables that exist, and the names of those that should and do not."""

    found: tuple[Table, ...]
    missing: tuple[str, ...]


def find(connection: database.Connection, settings: Deploy) -> AppTables:
    """Look the tables up; a project that has none of the default ones misses none of them."""
    wanted = settings.tables if settings.tables is not None else DEFAULT
    existing = _existing(connection)
    found = {name: existing.get(_qualified(name)) for name in wanted}
    missing = tuple(name for name, table in found.items() if table is None)
    if settings.tables is None and len(missing) == len(wanted):
        missing = ()
    return AppTables(tuple(table for table in found.values() if table), missing)


def nearest(connection: database.Connection, name: str) -> str | None:
    """Return the name of the table that was probably meant."""
    existing = {str(table): table for table in _existing(connection).values()}
    schema, bare = _qualified(name)
    near = difflib.get_close_matches(f"{schema}.{bare}", existing, n=1, cutoff=0.5)
    return near[0] if near else None


def named(connection: database.Connection, name: str) -> tuple[Table, ...]:
    """Return the tables that may be meant by `schema.name`, or by a name alone in any schema."""
    return tuple(table for table in _existing(connection).values() if name in (str(table), table.name))


def names(connection: database.Connection) -> set[str]:
    """Return every name by which a table can be called."""
    return {name for table in _existing(connection).values() for name in (str(table), table.name)}


def _qualified(name: str) -> tuple[str, str]:
    schema, dot, bare = name.partition(".")
    return (schema, bare) if dot else ("public", name)


def _existing(connection: database.Connection) -> dict[tuple[str, str], Table]:
    with database.translating():
        rows = connection.execute(queries.load("written_tables/existing")).fetchall()
    return {(schema, name): Table(schema, name, oid) for schema, name, oid in rows}
