"""The server's own log: lines of errors from its files in JSON, or from a logs API in the shape of Supabase's."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx

from ops import errors, secrets

_TIMEOUT = 30.0
_WRONG = ("ERROR", "FATAL", "PANIC")
SQL = (
    "select postgres_logs.timestamp, event_message, parsed.error_severity, parsed.sql_state_code, parsed.query, "
    "parsed.user_name "
    "from postgres_logs cross join unnest(metadata) as metadata cross join unnest(metadata.parsed) as parsed "
    "where parsed.error_severity in ('ERROR', 'FATAL', 'PANIC') order by timestamp desc limit 1000"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One error: its SQLSTATE, what the server said of it, and the statement, each empty where it is not known.

    `counted` says that the source has only told how many there were. `at` is None where the source does not tell.
    """

    source: str
    state: str = ""
    message: str = ""
    statement: str = ""
    role: str = ""
    at: datetime | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class Api:
    """A logs API: its URL, or a secret reference of one, and of its bearer token."""

    url: str
    token: str | None
    names: str = "logs_url and logs_token of [soak]"


def of_api(api: Api, *, since: datetime, until: datetime) -> Iterator[Line]:
    """Yield the errors that a logs API has between two times.

    Raises:
        Unavailable: it does not answer, or with an error: then nobody knows.
    """
    url = api.url if "://" in api.url else secrets.open_secret(api.url)
    headers = {"Authorization": f"Bearer {secrets.open_secret(api.token)}"} if api.token else {}
    asked = {
        "sql": SQL,
        "iso_timestamp_start": since.astimezone(UTC).isoformat(),
        "iso_timestamp_end": until.astimezone(UTC).isoformat(),
    }
    try:
        answer = httpx.get(url, params=asked, headers=headers, timeout=_TIMEOUT).raise_for_status().json()
    except httpx.HTTPStatusError as error:
        raise _untold(api, f"answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _untold(api, f"gave no answer ({type(error).__name__})") from None
    if not isinstance(answer, dict) or answer.get("error") or not isinstance(answer.get("result"), list):  # pyright: ignore[reportUnknownMemberType]
        raise _untold(api, "answered with an error")
    for row in cast("list[dict[str, Any]]", answer["result"]):
        if set(row) == {"count"}:
            yield Line("logs_url", counted=int(row["count"]))
            continue
        yield Line(
            "logs_url",
            str(row.get("sql_state_code") or ""),
            str(row.get("event_message") or ""),
            str(row.get("query") or ""),
            str(row.get("user_name") or ""),
            _microseconds(row.get("timestamp")),
        )


def of_files(pattern: str, *, database: str, since: datetime, until: datetime) -> Iterator[Line]:
    """Yield the errors that the server's files have of a database between two times; `pattern` may be a glob.

    Raises:
        Unavailable: there is no file, or it cannot be read: then nobody knows.
        Refused: its times are in a zone that cannot be told.
    """
    paths = [Path(name) for name in sorted(glob.glob(pattern))]  # noqa: PTH207  # absolute patterns as well
    if not paths:
        raise errors.Unavailable(f"There is no log {pattern}, so nobody knows which statements failed.")
    for path in paths:
        try:
            if path.stat().st_mtime < since.timestamp():
                continue
            with path.open(encoding="utf-8", errors="replace") as lines:
                for text in lines:
                    line = _read(text, database)
                    if line and line.at and since <= line.at <= until:
                        yield line
        except OSError as error:
            raise errors.Unavailable(f"The log {path} cannot be read: {error.strerror}.") from None


def _read(text: str, database: str) -> Line | None:
    try:
        row: dict[str, Any] = json.loads(text)
    except ValueError:
        # The server may be writing this very line; the windows overlap, so that the next look has it whole.
        return None
    at = _time(str(row.get("timestamp", "")))
    if row.get("error_severity") not in _WRONG or row.get("dbname") not in (database, None):
        return None
    message, statement = str(row.get("message") or ""), str(row.get("statement") or "")
    return Line(
        "log_file", str(row.get("state_code") or ""), message, statement, str(row.get("user") or ""), at
    )


def _time(text: str) -> datetime:
    moment, _, zone = text.rpartition(" ")
    if zone not in ("UTC", "GMT"):
        raise errors.Refused(
            "The server's log has its times in a zone that cannot be told apart by its short name. Set log_timezone = "
            "'UTC' on the server."
        )
    return datetime.fromisoformat(moment).replace(tzinfo=UTC)


def _microseconds(given: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(given)) / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _untold(api: Api, why: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"The logs API {why}, so nobody knows which statements failed, and this look does not count. Check {api.names}."
    )
