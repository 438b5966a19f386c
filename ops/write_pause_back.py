"""The proof that the app writes again: as each of its roles a row is really changed, and the change rolled back."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from ops import database, queries
from ops.evidence import Evidence
from ops.pause_settings import WritePause

_LIMITS = "set local statement_timeout = '30s'; set local lock_timeout = '10s'"
_READ_ONLY = (
    "are read-only by a setting of the server or of a role, which is not ours: take default_transaction_read_only out "
    "of it, reload, and run again"
)
Row = dict[str, Any]


def prove(dsn: str, settings: WritePause, *, run: str) -> Evidence:
    """Change one row as each role of the app in an ordinary new session, and roll that back.

    Where a role sees no row anywhere, its right to change one is what there is to prove, and it is said so.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.connect(dsn, application=run) as connection, database.translating():
        ((read_only,),) = connection.execute("select current_setting('transaction_read_only')").fetchall()
        with connection.cursor(row_factory=dict_row) as cursor:
            given = {"roles": list(settings.roles)}
            found = cursor.execute(queries.load("write_pause/writable"), given).fetchall()
        rows = [_tried(connection, role, found) for role in settings.roles]
    rows.append(
        {
            "what": "new sessions",
            "found": _READ_ONLY if read_only == "on" else "may write",
            "ok": read_only == "off",
        }
    )
    wrong = [f"{row['what']} {row['found']}" for row in rows if row["ok"] is False]
    written = [str(row["what"]) for row in rows if row["ok"] and row["what"] != "new sessions"]
    if wrong:
        return Evidence(
            ok=False, summary=f"The app cannot write again: {'; '.join(wrong)}.", rows=tuple(rows)
        )
    tried = ", ".join(written) or "nobody, since no role sees a row"
    return Evidence(
        ok=True, summary=f"The app writes again, tried and rolled back as {tried}.", rows=tuple(rows)
    )


def _tried(connection: database.Connection, role: str, found: list[Row]) -> Row:
    mine = [each for each in found if each["role"] == role and each["a_column"]]
    said = "has no right to change rows of any table, so there is nothing to try"
    for each in mine:
        changed = _changed(connection, each)
        if isinstance(changed, str):
            return {"what": role, "found": f"cannot change {each['name']}: {changed}", "ok": False}
        if changed:
            return {
                "what": role,
                "found": f"has changed a row of {each['name']}, which is rolled back",
                "ok": True,
            }
        said = "may change rows, and sees none anywhere (row level security, or there are none)"
    return {"what": role, "found": said, "ok": None}


def _changed(connection: database.Connection, each: Row) -> int | str:
    # The names are the server's own quoting (format %I) of what is there.
    name, column = sql.SQL(each["name"]), sql.SQL(each["a_column"])
    text = sql.SQL("update {} set {} = {} where ctid = (select ctid from {} limit 1)")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(_LIMITS)
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(each["role"])))
            return connection.execute(text.format(name, column, column, name)).rowcount
    except psycopg.errors.InsufficientPrivilege as error:
        # Without SELECT on the column a row cannot be pointed at; that is how it is, and no sign of a pause.
        return (
            0
            if "select" not in str(error).lower() and _may(connection, each)
            else str(error.diag.message_primary)
        )
    except psycopg.Error as error:
        if connection.closed:
            raise database.translated(error) from None
        return str(error.diag.message_primary)


def _may(connection: database.Connection, each: Row) -> bool:
    name, column = sql.SQL(each["name"]), sql.SQL(each["a_column"])
    text = sql.SQL("update {} set {} = null where false")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(each["role"])))
            connection.execute(text.format(name, column))
    except psycopg.Error:
        return False
    return True
