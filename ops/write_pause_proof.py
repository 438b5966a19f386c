"""The proof that nobody writes: each role is refused, nothing has begun to write, and nothing moves.

That a database is read-only by default proves nothing: no session that is open is stopped, and any one can set it off.
So roles try to write in a session that has set it off, and what was written to each table is compared over a time.
"""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from psycopg.rows import dict_row

from ops import database, queries, write_pause_grants, write_pause_sessions
from ops.evidence import Evidence
from ops.pause_settings import WritePause

# Insufficient privilege, and a read-only transaction.
_REFUSED = ("42501", "25006")
_PAUSE = 0.2
Row = dict[str, Any]


def prove(dsn: str, settings: WritePause, *, run: str) -> Evidence:
    """Try to write as each role, look for transactions that write, and wait for a time in which nothing is written.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.connect(dsn, application=run, writes=True) as connection, database.translating():
        rights, said = _rights(connection, settings)
        default = _default(dsn, connection, run)
        moving = _quiet(connection, settings)
    rows = (*rights, *default, *moving)
    wrong = [row for row in rows if row["ok"] is False]
    named = "; ".join(f"{row['what']}: {row['found']}" for row in wrong[:5])
    more = f", and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    return Evidence(
        ok=not wrong,
        summary=f"Somebody can still write, or does: {named}{more}." if wrong else f"Nobody writes: {said}.",
        rows=rows,
    )


def _row(what: str, found: str, *, ok: bool | None) -> Row:
    """Return a line of the evidence; with `ok` None it is something to know."""
    return {"what": what, "found": found, "ok": ok}


def _rights(connection: database.Connection, settings: WritePause) -> tuple[list[Row], str]:
    roles = {"roles": list(settings.roles)}
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(queries.load("write_pause/able"), roles).fetchall()
        owners = cursor.execute(queries.load("write_pause/owners")).fetchall()
        definers = cursor.execute(queries.load("write_pause/definers"), roles).fetchall()
    rows = _able(connection, found, settings)
    shut = [one for one in found if not one["able"] and one["can_become"]]
    tried, odd = _tried(connection, shut)
    there = {one["role"] for one in found}
    rows += [
        _row(name, "there is no such role here", ok=None) for name in settings.roles if name not in there
    ]
    rows += [
        _row(name, "this login may not become it, so its rights were only read", ok=None)
        for name in sorted({one["role"] for one in found if not one["can_become"]})
    ]
    rows += odd
    rows += [_row(one["role"], _owner(one), ok=None) for one in owners]
    rows += [
        _row(one["name"], f"{one['roles']} may call it, and it runs with its owner's rights", ok=None)
        for one in definers
    ]
    said = f"{tried} tries to write as {', '.join(sorted(there)) or 'nobody'} were refused, nothing has begun to write"
    return rows, f"{said}, and nothing was written for {settings.quiet.total_seconds():g} s"


def _able(connection: database.Connection, found: Sequence[Row], settings: WritePause) -> list[Row]:
    able = [one for one in found if one["able"]]
    left = _out_of_reach(connection, settings) if able else frozenset[str]()
    return [_way(one, settings, left) for one in able]


def _out_of_reach(connection: database.Connection, settings: WritePause) -> frozenset[str]:
    """Return what stays writable when everything that this login can take away is taken away."""
    with connection.transaction(force_rollback=True):
        connection.execute("set transaction read write")
        _, left = write_pause_grants.revoke(connection, settings)
    return frozenset(each.name for each in left)


def _way(one: Row, settings: WritePause, left: frozenset[str]) -> Row:
    how = "as a superuser" if one["superuser"] else "as its owner" if one["owns"] else "by a right it has"
    known = any(fnmatch.fnmatchcase(one["name"], glob) for glob in settings.known)
    said = f"{one['role']} can write it {how}"
    if known or one["name"] in left:
        why = "which is known" if known else f"which only {one['owner']} can take away"
        return _row(one["name"], f"{said}, {why}", ok=None)
    return _row(one["name"], said, ok=False)


def _owner(one: Row) -> str:
    what = "is a superuser" if one["superuser"] else f"owns {one['tables']} tables"
    return f"{what}: nothing can be revoked from it; its new sessions are read-only unless they say otherwise"


def _tried(connection: database.Connection, shut: Sequence[Row]) -> tuple[int, list[Row]]:
    tries = [(one, text) for one in shut for text in one["tries"]]
    asked = json.dumps([{"role": one["role"], "text": text} for one, text in tries])
    with connection.transaction(force_rollback=True):
        connection.execute("set transaction read write")
        connection.execute("select pg_catalog.set_config('runbooks.tries', %s, true)", (asked,))
        connection.execute(queries.load("write_pause/try"))
        ((said,),) = connection.execute("select current_setting('runbooks.tried')").fetchall()
    answers: list[str] = json.loads(said)
    odd = [
        _row(one["name"], f"{one['role']} could {text.split()[0]} ({answer})", ok=False)
        for (one, text), answer in zip(tries, answers, strict=True)
        if answer not in _REFUSED
    ]
    return len(tries), odd


def _default(dsn: str, connection: database.Connection, run: str) -> list[Row]:
    """Look at what a new session of anybody's begins with."""
    ((_, value, overriding),) = connection.execute(queries.load("write_pause/setting")).fetchall()
    with database.connect(dsn, application=run) as fresh:
        ((begins,),) = fresh.execute("select current_setting('default_transaction_read_only')").fetchall()
    rows = [
        _row(role, "has a setting of its own by which its new sessions are not read-only", ok=None)
        for role in overriding
    ]
    if value != "on":
        return [*rows, _row("new sessions", "are not read-only: this login may not set that", ok=None)]
    said = "are read-only unless they say otherwise" if begins == "on" else "are not read-only"
    return [*rows, _row("new sessions", said, ok=begins == "on")]


def _quiet(connection: database.Connection, settings: WritePause) -> list[Row]:
    """Look twice with a time between, again and again until nothing moves or patience is over."""
    deadline = time.monotonic() + settings.patience.total_seconds()
    while True:
        before = _look(connection)
        time.sleep(settings.quiet.total_seconds())
        after = _look(connection)
        moved = _moved(before, after)
        writing = write_pause_sessions.writing(connection)
        prepared = any(one["kind"] == "prepared" for one in writing)
        if not (moved or writing) or prepared or time.monotonic() > deadline:
            return [*moved, *map(_writer, writing), *_counters(before, after, settings.quiet)]
        time.sleep(_PAUSE)


def _look(connection: database.Connection) -> Row:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(queries.load("write_pause/look")).fetchone() or {}


def _moved(before: Row, after: Row) -> list[Row]:
    rows: list[Row] = []
    for kind, did in (("written", "rows were written"), ("counted", "it went on")):
        old: dict[str, int] = before[kind] or {}
        new: dict[str, int] = after[kind] or {}
        rows += [
            _row(name, f"{did} ({old.get(name, 0)} to {new[name]})", ok=False)
            for name in sorted(new)
            if new[name] != old.get(name, 0)
        ]
    return rows


def _writer(one: Row) -> Row:
    since = f"{one['since']:%H:%M:%S}" if one["since"] else "a time that this login may not see"
    if one["kind"] == "prepared":
        todo = (
            "whoever coordinates it must commit or roll it back, since anybody of that role can at any time"
        )
        return _row(
            f"prepared transaction {one['id']!r}", f"of {one['role']} since {since}: {todo}", ok=False
        )
    return _row(
        f"session {one['id']}", f"{one['role']} ({one['application']}) writes since {since}", ok=False
    )


def _counters(before: Row, after: Row, quiet: timedelta) -> list[Row]:
    xids, wal = after["next_xid"] - before["next_xid"], after["wal"] - before["wal"]
    said = f"{xids} transactions that write and {wal} bytes of WAL on the whole server in {quiet.total_seconds():g} s"
    own = "" if not xids else "; none of them wrote to a table of this database"
    return [_row("transaction numbers and WAL", f"{said}{own}", ok=None)]
