"""Where SQL errors show on a hosted database: a configured query, a logs API, or the server's own log.

Source: phase2-rollout-and-eval.md, section 1.5. Messages of the server are quoted only where they name objects;
those that may quote a row's values stay where they are.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from ops import database, errors, secrets
from ops.watch_settings import Soak

_TIMEOUT = 30.0
_MOST = 1000
_WRITES = re.compile(r"\b(insert|update|delete|merge|copy)\b", re.IGNORECASE)
_TELLING = ("23", "42", "53", "54")
_WRONG = ("ERROR", "FATAL", "PANIC")
LOGS_SQL = (
    "select postgres_logs.timestamp, event_message, parsed.error_severity, parsed.sql_state_code, parsed.query "
    "from postgres_logs cross join unnest(metadata) as metadata cross join unnest(metadata.parsed) as parsed "
    "where parsed.error_severity in ('ERROR', 'FATAL', 'PANIC') order by timestamp desc limit 1000"
)


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

    def holds(self, at: datetime) -> bool:
        """Whether this is a time that is looked at."""
        return self.since <= at <= self.until


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
    reference = soak.logs_url or ""
    url = reference if "://" in reference else secrets.open_secret(reference)
    headers = {"Authorization": f"Bearer {secrets.open_secret(soak.logs_token)}"} if soak.logs_token else {}
    asked = {
        "sql": LOGS_SQL,
        "iso_timestamp_start": window.since.astimezone(UTC).isoformat(),
        "iso_timestamp_end": window.until.astimezone(UTC).isoformat(),
    }
    try:
        answer = httpx.get(url, params=asked, headers=headers, timeout=_TIMEOUT).raise_for_status().json()
    except httpx.HTTPStatusError as error:
        raise _untold(f"answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _untold(f"gave no answer ({type(error).__name__})") from None
    if not isinstance(answer, dict) or answer.get("error") or not isinstance(answer.get("result"), list):  # pyright: ignore[reportUnknownMemberType]
        raise _untold("answered with an error")
    for row in cast("list[dict[str, Any]]", answer["result"]):
        if set(row) == {"count"}:
            if int(row["count"]):
                yield Incident(
                    "logs_url", f"{row['count']} errors are counted", violation=True, count=int(row["count"])
                )
            continue
        yield from _incident(
            "logs_url", row.get("sql_state_code"), row.get("event_message"), row.get("query"), window
        )


def _untold(why: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"The logs API {why}, so nobody knows which statements failed, and this look does not count. Check logs_url "
        "and logs_token of [soak]."
    )


def _from_file(pattern: str, window: Window) -> Iterator[Incident]:
    paths = [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207  # absolute patterns as well
    if not paths:
        raise errors.Unavailable(f"There is no log {pattern}, so nobody knows which statements failed.")
    for path in paths:
        try:
            if path.stat().st_mtime < window.since.timestamp():
                continue
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    yield from _line(line, window)
        except OSError as error:
            raise errors.Unavailable(f"The log {path} cannot be read: {error.strerror}.") from None


def _line(line: str, window: Window) -> Iterator[Incident]:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        # The server may be writing this very line; the windows overlap, so that the next look has it whole.
        return
    at = _time(str(row.get("timestamp", "")))
    wrong = row.get("error_severity") in _WRONG and row.get("dbname") in (window.database, None)
    if wrong and window.holds(at):
        yield from _incident(
            "log_file", row.get("state_code"), row.get("message"), row.get("statement"), window
        )


def _time(text: str) -> datetime:
    moment, _, zone = text.rpartition(" ")
    if zone not in ("UTC", "GMT"):
        raise errors.Refused(
            "The server's log has its times in a zone that cannot be told apart by its short name. Set log_timezone = "
            "'UTC' on the server."
        )
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def _incident(source: str, state: Any, message: Any, statement: Any, window: Window) -> Iterator[Incident]:
    told, ran, state = str(message or ""), str(statement or ""), str(state or "")
    touched = [name for name in window.tables if _names(name, told) or _names(name, ran)]
    # A statement that is not known may have been any.
    if ran and not (touched and (_WRITES.search(ran) or _names(touched[0], told))):
        return
    shown = f"{state}: {secrets.redact(told)[:200]}" if state.startswith(_TELLING) else state or "an error"
    where = f" on {', '.join(touched)}" if touched else ""
    yield Incident(source, f"{shown}{where}", violation=state.startswith("23"))


def _names(table: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(table.rpartition('.')[2])}\b", text) is not None
