"""The questions of an integrity check, each asked in the ways that people ask them and in ours."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from ops import database, duplicates, growth, integrity, looking, orphans, settings
from ops.app_tables import Tables

Way = Callable[[str, Path], int]
OURS = "this tool"
WHOLE = "the whole check"
TABLES = 500
# What has no answer after this long has lost.
PATIENCE = timedelta(seconds=120)
KEYS = {"words": ("session_id", "role", "content"), "numbers": ("session_id", "turn")}
CHAT = "chat_history"
_NO_COLUMNS = sql.SQL("")
_LONG = timedelta(hours=1)
_RELATION = settings.Relation(table=CHAT, columns=("log_id",), to="logs")


def duplicates_by(key: str) -> dict[str, Way]:
    """Ways to count the rows that are there again by one of the keys."""
    columns = sql.SQL(", ").join(map(sql.Identifier, KEYS[key]))
    return {
        "self join": _asked(
            "select count(*) from {table} a join {table} b using ({columns}) where a.id < b.id", columns
        ),
        "group by": _asked(
            "select coalesce(sum(n - 1), 0)::bigint from (select count(*) n from {table} group by {columns}"
            " having count(*) > 1) g",
            columns,
        ),
        "window": _asked(
            "select count(*) from (select row_number() over (partition by {columns} order by id) n from {table}) w"
            " where n > 1",
            columns,
        ),
        "md5": _asked(
            "select coalesce(sum(n - 1), 0)::bigint from (select count(*) n from {table}"
            " group by md5(row({columns})::text) having count(*) > 1) g",
            columns,
        ),
        OURS: lambda dsn, _: _our_duplicates(dsn, KEYS[key]),
    }


def orphaned() -> dict[str, Way]:
    """Ways to count the messages whose log is not there."""
    return {
        "not in": _asked("select count(*) from {table} where log_id not in (select id from logs)"),
        "left join": _asked(
            "select count(*) from {table} c left join logs l on l.id = c.log_id"
            " where l.id is null and log_id is not null"
        ),
        "both sides fetched": _fetched,
        OURS: lambda dsn, _: _our_orphans(dsn),
    }


def counted() -> dict[str, Way]:
    """Ways to count the rows of many tables."""
    return {
        "a psql process each": _by_psql,
        "a connection each": _by_connections,
        OURS: lambda dsn, _: _our_counts(dsn),
    }


def whole() -> dict[str, Way]:
    """All that `integrity.check` looks at; it has no peer, and answers with how many findings there are."""
    return {WHOLE: lambda dsn, _: _our_check(dsn)}


GROUPS: dict[str, Callable[[], dict[str, Way]]] = {
    **{f"duplicates by {key}": lambda key=key: duplicates_by(key) for key in KEYS},
    "orphans": orphaned,
    "row counts": counted,
    "check": whole,
}


def _asked(text: LiteralString, columns: sql.Composable = _NO_COLUMNS) -> Way:
    query = sql.SQL(text).format(table=sql.Identifier(CHAT), columns=columns)

    def ask(dsn: str, _: Path) -> int:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"set statement_timeout = {PATIENCE.seconds * 1000}".encode())
            return _number(connection.execute(query))

    return ask


def _number(cursor: psycopg.Cursor[tuple[int, ...]]) -> int:
    return int(cursor.fetchall()[0][0])


def _our_duplicates(dsn: str, columns: tuple[str, ...]) -> int:
    wanted = settings.Integrity(keys={CHAT: settings.Key(columns=columns)})
    with database.connect(dsn) as connection, looking.at(connection, statement_timeout=_LONG) as look:
        (same,) = duplicates.chosen(Tables.read(connection), wanted)
        found = duplicates.look(look, same)
    return found.surplus if found else -1


def _our_orphans(dsn: str) -> int:
    with database.connect(dsn) as connection, looking.at(connection, statement_timeout=_LONG) as look:
        references = orphans.declared(Tables.read(connection), [_RELATION])
        return sum(finding.count for _, finding in orphans.find(look, references))


def _our_counts(dsn: str) -> int:
    with database.connect(dsn) as connection:
        return sum(growth.count(connection, [f"many_{number}" for number in range(TABLES)]).values())


def _our_check(dsn: str) -> int:
    wanted = settings.Integrity(relations=(_RELATION,), required={CHAT: ("session_id", "role", "content")})
    with database.connect(dsn) as connection:
        return len(integrity.check(connection, wanted, statement_timeout=_LONG).findings)


def _fetched(dsn: str, _: Path) -> int:
    with psycopg.connect(dsn) as connection:
        known = {number for (number,) in connection.execute("select id from logs").fetchall()}
        children = connection.execute(
            "select id, log_id from chat_history where log_id is not null"
        ).fetchall()
    return sum(log not in known for _, log in children)


def _by_psql(dsn: str, bindir: Path) -> int:
    total = 0
    for number in range(TABLES):
        query = f"select count(*) from many_{number}"
        command = [bindir / "psql", dsn, "-X", "-A", "-t", "-c", query]
        total += int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return total


def _by_connections(dsn: str, _: Path) -> int:
    total = 0
    for number in range(TABLES):
        with psycopg.connect(dsn) as connection:
            total += _number(connection.execute(f"select count(*) from many_{number}".encode()))
    return total
