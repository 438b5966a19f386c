"""Where SQL errors show on a hosted database: a configured query, a logs API, or the server's own log.

Source: phase2-rollout-and-eval.md, section 1.5. Messages of the server are quoted only where they name objects;
those that may quote a row's values stay where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from ops import database, secrets, server_log
from ops.server_log import Line
from ops.watch_settings import Soak

_MOST = 1000
_WRITES = re.compile(r"\b(insert|update|delete|merge|copy)\b", re.IGNORECASE)
_TELLING = ("23", "42", "53", "54")


@dataclass(frozen=True, slots=True)
class Incident:
    """A statement that failed; `violation` says that it broke a constraint."""

    source: str
    said: str
    violation: bool
    count: int = 1


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at, and of which tables."""

    since: datetime
    until: datetime
    tables: tuple[str, ...]
    database: str


def of_errors(soak: Soak) -> tuple[str, ...]:
    """Return the sources that tell of SQL errors, by their names."""
    return tuple(name for name in ("errors_query", "logs_url", "log_file") if getattr(soak, name))


def of_violations(soak: Soak) -> tuple[str, ...]:
    """Return the sources that tell of constraint violations, by their names."""
    return tuple(name for name in ("violations_query", "logs_url", "log_file") if getattr(soak, name))


def read(connection: database.Connection, soak: Soak, window: Window) -> list[Incident]:
    """Ask every source that is configured.

    Raises:
        Unavailable: a logs API does not answer, or the log cannot be read: then nobody has looked.
        CheckFailed: a configured query fails.
        Refused: the log is not what can be read.
    """
    found: list[Incident] = []
    if soak.errors_query:
        found += _asked(connection, "errors_query", soak.errors_query, window, violation=False)
    if soak.violations_query:
        found += _asked(connection, "violations_query", soak.violations_query, window, violation=True)
    if soak.logs_url:
        found += _from_api(soak, window)
    if soak.log_file:
        found += _from_file(soak.log_file, window)
    return found


def _asked(
    connection: database.Connection, name: str, text: str, window: Window, *, violation: bool
) -> list[Incident]:
    values = {"since": window.since, "until": window.until, "tables": list(window.tables)}
    with database.translating(), connection.transaction():
        rows = connection.execute(text.encode(), values, prepare=False).fetchmany(_MOST)
    return [Incident(name, secrets.redact(str(row[0]))[:200], violation) for row in rows]


def _from_api(soak: Soak, window: Window) -> Iterator[Incident]:
    api = server_log.Api(soak.logs_url or "", soak.logs_token)
    for line in server_log.of_api(api, since=window.since, until=window.until):
        if line.counted is None:
            yield from _incident(line, window)
        elif line.counted:
            said = f"{line.counted} errors are counted"
            yield Incident(line.source, said, violation=True, count=line.counted)


def _from_file(pattern: str, window: Window) -> Iterator[Incident]:
    for line in server_log.of_files(
        pattern, database=window.database, since=window.since, until=window.until
    ):
        yield from _incident(line, window)


def _incident(line: Line, window: Window) -> Iterator[Incident]:
    told, ran, state = line.message, line.statement, line.state
    touched = [name for name in window.tables if _names(name, told) or _names(name, ran)]
    # A statement that is not known may have been any.
    if ran and not (touched and (_WRITES.search(ran) or _names(touched[0], told))):
        return
    shown = f"{state}: {secrets.redact(told)[:200]}" if state.startswith(_TELLING) else state or "an error"
    where = f" on {', '.join(touched)}" if touched else ""
    yield Incident(line.source, f"{shown}{where}", violation=state.startswith("23"))


def _names(table: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(table.rpartition('.')[2])}\b", text) is not None
