"""Whether an environment's last good backup is recent enough to change it.

Source: supabase-operations.md, the migration deployment procedure.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ops import commands, database, errors, read_only, secrets
from ops.evidence import Evidence
from ops.project import Environment

TIMEOUT = timedelta(seconds=60)
# The clocks of two machines are not the same.
AHEAD = timedelta(minutes=1)
_EPOCH = re.compile(r"\d{1,12}(\.\d+)?")
_LONGEST = 100


def check(
    where: Environment,
    connection: database.Connection | None,
    *,
    root: Path,
    hidden: Collection[str] = (),
    now: datetime | None = None,
) -> Evidence:
    """Say whether the last good backup is not older than the environment allows; asked anew at each pass.

    All that is configured is asked, and all must hold; a time that cannot be read, has no zone, or lies ahead is wrong.
    Where nothing is configured, a guarded environment is not changed, since nobody knows what could be restored there;
    elsewhere it is said and blocks nothing. `hidden` are variables that `backup_command` may not see.

    Raises:
        Unavailable: the connection is lost.
    """
    rows = ages(where, connection, root=root, hidden=hidden, now=now or datetime.now(UTC))
    if not rows:
        return _unknown(where)
    wrong = [str(row["problem"]) for row in rows if row["problem"]]
    if wrong:
        return Evidence(
            ok=False, summary=f"{' '.join(wrong)} So nothing is promoted to {where.name}.", rows=rows
        )
    said = " and ".join(f"{row['age']} old ({row['asked']})" for row in rows)
    return Evidence(ok=True, summary=f"The last good backup of {where.name} is {said}.", rows=rows)


def ages(
    where: Environment,
    connection: database.Connection | None,
    *,
    root: Path,
    hidden: Collection[str] = (),
    now: datetime,
    timeout: timedelta = TIMEOUT,
) -> tuple[dict[str, Any], ...]:
    """Return for each source that is configured when the last good backup was made, and what is wrong with that.

    `timeout` is that of the query; a command has a minute.

    Raises:
        Unavailable: the connection is lost.
    """
    promotion = where.promotion
    sources: dict[str, str | datetime] = {}
    if promotion.backup_query:
        sources["backup_query"] = _by_query(promotion.backup_query, connection, timeout)
    if promotion.backup_command:
        key = f"backup_command of [environments.{where.name}.promotion]"
        sources["backup_command"] = _by_command(promotion.backup_command, root, key, hidden)
    return tuple(_row(source, found, now, promotion.backup_max_age) for source, found in sources.items())


def _unknown(where: Environment) -> Evidence:
    said = f"NO BACKUP SOURCE IS CONFIGURED for {where.name}, so nobody knows whether it could be restored"
    todo = "Configure backup_query or backup_command of its promotion"
    if where.guarded:
        return Evidence(ok=False, summary=f"{said}; it is guarded, so nothing is promoted to it. {todo}.")
    return Evidence(ok=True, summary=f"{said}. {todo}.", rows=({"asked": "nothing", "problem": said},))


def _row(source: str, found: str | datetime, now: datetime, most: timedelta) -> dict[str, Any]:
    if isinstance(found, str):
        return {"asked": source, "at": "", "age": "", "problem": found}
    age = now - found
    problem = ""
    if age > most:
        problem = (
            f"The last good backup is {_told(age)} old, and may be {_told(most)} ({source}). Take one first."
        )
    if age < -AHEAD:
        problem = (
            f"The last good backup is said to be of {_told(-age)} ahead ({source}), which it cannot be. Mend the "
            "clocks or the source."
        )
    at = found.astimezone(UTC).isoformat(timespec="seconds")
    return {"asked": source, "at": at, "age": _told(max(age, timedelta(0))), "problem": problem}


def _by_query(query: str, connection: database.Connection | None, timeout: timedelta) -> str | datetime:
    if connection is None:
        return "There is no connection to ask backup_query on. Name the environment's database."
    try:
        text = read_only.single(query, what="backup_query")
        with read_only.looking(connection, timeout=timeout):
            answer = read_only.ask(connection, text)
    except (errors.CheckFailed, errors.Refused) as error:
        return f"The age of the last backup is not known: backup_query failed, {error}. Mend it."
    if len(answer.rows) != 1 or len(answer.columns) != 1 or answer.rows[0][0] is None:
        return "backup_query does not return one time, so no good backup is known. Look at the backups."
    value = answer.rows[0][0]
    return _zoned(value, "backup_query") if isinstance(value, datetime) else _read(str(value), "backup_query")


def _by_command(command: str, root: Path, key: str, hidden: Collection[str]) -> str | datetime:
    try:
        ended = commands.run(command, cwd=root, timeout=TIMEOUT, key=key, hidden=hidden)
    except errors.Refused as error:
        return str(error)
    if not ended.ok:
        return f"backup_command {ended.said}, so no good backup is known: {ended.last_line[:_LONGEST]}. Look at it."
    return _read(ended.last_line, "backup_command")


def _read(text: str, source: str) -> str | datetime:
    """Read ISO 8601 with a zone, or seconds since 1970."""
    try:
        if _EPOCH.fullmatch(text):
            return datetime.fromtimestamp(float(text), UTC)
        return _zoned(datetime.fromisoformat(text), source)
    except (ValueError, OverflowError, OSError):
        shown = secrets.redact(text)[:_LONGEST]
        return f"{source} says {shown!r}, which is no time, so no good backup is known. Let it say ISO 8601."


def _zoned(at: datetime, source: str) -> str | datetime:
    if at.tzinfo is None:
        return f"{source} says {at}, without a time zone, so its age is not known. Let it say timestamptz or an offset."
    return at


def _told(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
