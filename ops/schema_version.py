"""The schema version that a database says it has, and the one that an app says it needs.

Source: database-pipeline.md, "Schema Version Management".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from psycopg import sql

from ops import database, errors, looking, semantic_version
from ops.app_tables import Table, Tables
from ops.config_settings import SchemaGuard
from ops.project import CONFIG_NAME, Project
from ops.semantic_version import Version

# An app's start waits for this.
_TIMEOUT = timedelta(seconds=10)


@dataclass(frozen=True)
class Stored:
    """What the database says: its version, and where it says so."""

    version: Version
    place: str


def of_app(guard: SchemaGuard, given: str = "", environ: Mapping[str, str] | None = None) -> Version:
    """Return the app's version: the one that is `given`, or that of the environment variable.

    Raises:
        Refused: there is none, or it is no version.
    """
    if given:
        return semantic_version.parse(given, of="The app's version that was given")
    found = (os.environ if environ is None else environ).get(guard.variable)
    if found is None:
        raise errors.Refused(
            f"{guard.variable} is not set, so it is not known which schema the app needs. Set it to the version that "
            "the app was built for, such as 1.0.0."
        )
    return semantic_version.parse(found, of=guard.variable)


def of_database(connection: database.Connection, project: Project, *, environment: str = "") -> Stored:
    """Return the version that the database says it has, for this environment where it says one for each.

    Raises:
        Refused: the project has no guard, or the database says no version, or more than one.
        Unavailable: the connection is lost.
    """
    guard = project.schema_guard
    if guard.table is None:
        raise errors.Refused(no_guard(project))
    with database.translating():
        table = _table(connection, guard, guard.table)
    called = guard.environments.get(environment, environment)
    by_environment = any(column.name == guard.environment_column for column in table.columns)
    place = (
        f"{table} ({guard.key_column} = {guard.key!r}{f', {called}' if by_environment and called else ''})"
    )
    found = _rows(connection, guard, table, called if by_environment else "", place)
    if len(found) != 1:
        raise errors.Refused(_not_one(len(found), place))
    return Stored(semantic_version.parse(_version(found[0], place), of=f"The version in {place}"), place)


def no_guard(project: Project) -> str:
    """Return what is said where a project has no guard and one is asked for."""
    return (
        f"{project.name} has no schema guard, so there is no version to read. Name the table in {CONFIG_NAME}: "
        '[schema_guard] table = "bot_config".'
    )


def _table(connection: database.Connection, guard: SchemaGuard, name: str) -> Table:
    try:
        table = Tables.read(connection).table(name, key="schema_guard.table")
        table.column(guard.key_column, key="schema_guard.key_column")
        table.column(guard.value_column, key="schema_guard.value_column")
    except errors.Refused as error:
        raise errors.Refused(
            f"It is not known which schema version the database has. {error} Run the migrations, or mend {CONFIG_NAME}."
        ) from None
    return table


def _rows(
    connection: database.Connection, guard: SchemaGuard, table: Table, environment: str, place: str
) -> list[tuple[Any, ...]]:
    query = sql.SQL("select {}::pg_catalog.text from {} where {} = {}").format(
        sql.Identifier(guard.value_column),
        table.rows,
        sql.Identifier(guard.key_column),
        sql.Literal(guard.key),
    )
    if environment:
        # A row that names no environment is for all of them.
        query += sql.SQL(" and ({0} is null or {0}::pg_catalog.text = {1})").format(
            sql.Identifier(guard.environment_column), sql.Literal(environment)
        )
    with looking.at(connection, statement_timeout=_TIMEOUT, lock_timeout=_TIMEOUT / 2) as look:
        found = look.ask("schema version", str(table), query)
    if found is None:
        raise errors.Refused(f"{place} was not read: {look.unseen[0].reason}")
    return found


def _not_one(count: int, place: str) -> str:
    if count == 0:
        return (
            f"There is no row {place}, so the database does not say which schema version it has. Run the migration "
            "that adds it."
        )
    return (
        f"There are {count} rows {place}, so it is not known which schema version the database has. Keep one, and "
        "make the key unique."
    )


def _version(row: tuple[Any, ...], place: str) -> str:
    wanted = 'Write JSON such as {"version": "1.0.0"}.'
    if row[0] is None:
        raise errors.Refused(f"The value of {place} is NULL and no version. {wanted}")
    try:
        value = json.loads(row[0])
    except ValueError:
        raise errors.Refused(f"The value of {place} is no JSON, so it has no version. {wanted}") from None
    if not isinstance(value, dict) or "version" not in value:
        kind = "an object without a version" if isinstance(value, dict) else "no object"
        raise errors.Refused(f"The value of {place} is {kind}. {wanted}")
    version = cast("dict[str, Any]", value)["version"]
    if not isinstance(version, str):
        raise errors.Refused(f"The version in {place} is {json.dumps(version)[:60]} and no text. {wanted}")
    return version
