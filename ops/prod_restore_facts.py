"""What is in a database, so that before and after a restore can be compared: rows, policies, and marks of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ops import app_tables, database, queries
from ops.project import Environment

_MOST_LISTED = 200
_TIMEOUT = "set local statement_timeout = '60s'"
_AFTER = {
    "audit_log": "select count(*) from runbooks.audit_log where at > %s",
    "journal": "select count(*) from runbooks.journal where at > %s",
}
Facts = dict[str, Any]


def identity(connection: database.Connection) -> Facts:
    """Return which server and database this is."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("write_pause/identity")).fetchone() or {}
    return {name: _told(value) for name, value in found.items() if name != "now"}


def tables(connection: database.Connection, where: Environment) -> dict[str, Facts]:
    """Count the rows of the critical tables (all of the app where none are named), with their RLS and policies.

    Raises:
        Refused: a table that the configuration names is not there.
    """
    known = app_tables.Tables.read(connection, columns=False)
    named = where.backups.drill.tables if where.backups else ()
    key = f"environments.{where.name}.backups.drill.tables"
    chosen = [known.table(name, key=key) for name in named] or [*known.of_app]
    return _counted(connection, chosen)


def of(connection: database.Connection, names: Sequence[str]) -> dict[str, Facts]:
    """Count the rows of those of these tables that are there."""
    known = app_tables.Tables.read(connection, columns=False)
    return _counted(connection, [each for each in known.found if str(each) in names])


def marks(connection: database.Connection) -> Facts:
    """Return by what a moment can be told: heartbeat, audit log, journal, migrations, last commit where it is kept."""
    there = _there(connection)
    found: Facts = {}
    if there["heartbeat"]:
        found["heartbeat"] = _one(connection, "select max(at) from runbooks.heartbeat")
    if there["audit_log"]:
        found["audit"] = _one(connection, "select max(at) from runbooks.audit_log")
    if there["commits"]:
        found["commit"] = _one(connection, "select timestamp from pg_catalog.pg_last_committed_xact()")
    if there["history"]:
        text = "select coalesce(array_agg(version order by version), '{}') from supabase_migrations.schema_migrations"
        found["migrations"] = _one(connection, text)
    if there["journal"]:
        rows = connection.execute(
            "select id, action, file, at from runbooks.journal order by id desc limit %s", (_MOST_LISTED,)
        ).fetchall()
        found["journal"] = [f"{number} {action} {file} at {_told(at)}" for number, action, file, at in rows]
    return found


def since(connection: database.Connection, where: Environment, at: datetime) -> list[Facts]:
    """Say what was written after a moment, as far as rows tell: in our records, and in tables with a time of making."""
    there, rows = _there(connection), list[Facts]()
    for name, text in _AFTER.items():
        if there[name]:
            ((count,),) = connection.execute(text.encode(), (at,)).fetchall()
            rows.append({"what": f"runbooks.{name}", "after the target": count})
    known = app_tables.Tables.read(connection)
    named = where.backups.drill.tables if where.backups else ()
    for table in known.of_app:
        times = [each for each in table.columns if each.time and each.name in ("created_at", "inserted_at")]
        if times and (not named or table.name in named or str(table) in named):
            rows.append(
                {"what": str(table), "after the target": _after(connection, table, times[0].name, at)}
            )
    return rows


def _counted(connection: database.Connection, chosen: Sequence[app_tables.Table]) -> dict[str, Facts]:
    with connection.cursor(row_factory=dict_row) as cursor:
        described = {
            row["name"]: row for row in cursor.execute(queries.load("prod_restore/tables")).fetchall()
        }
    found: dict[str, Facts] = {}
    for table in chosen:
        known = described.get(str(table), {})
        count = _rows(connection, sql.SQL("select count(*) from {}").format(table.rows))
        found[str(table)] = {"rows": count, "rls": known.get("rls"), "policies": known.get("policies")}
    return found


def _after(connection: database.Connection, table: app_tables.Table, column: str, at: datetime) -> int | str:
    text = sql.SQL("select count(*) from {} where {} > {}")
    return _rows(connection, text.format(table.rows, sql.Identifier(column), sql.Literal(at)))


def _rows(connection: database.Connection, text: sql.Composed) -> int | str:
    try:
        with connection.transaction():
            connection.execute(_TIMEOUT)
            ((count,),) = connection.execute(text).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise database.translated(error) from None
        return f"not counted ({error.diag.message_primary})"
    return count


def _there(connection: database.Connection) -> Facts:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(queries.load("prod_restore/relations")).fetchone() or {}


def _one(connection: database.Connection, text: str) -> Any:
    found = connection.execute(text.encode()).fetchone()
    return _told(found[0]) if found else None


def _told(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
