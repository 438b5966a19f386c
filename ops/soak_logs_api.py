"""A logs API in the shape of Supabase's: which statements failed, read page by page until nothing older is left.

No answer has more than a thousand lines, and none says that it was cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from ops import errors, secrets, soak_incident
from ops.soak_incident import Incident, Window
from ops.soak_paths import Failed
from ops.watch_settings import Soak

_SOURCE = "logs_url"
_TIMEOUT = 30.0
_MOST = 1000
_MOST_PAGES = 50
# Whether the end of the time that is asked for belongs to it is said nowhere, so it is asked for with a margin.
_MARGIN = timedelta(milliseconds=1)
_WANTED = "('ERROR', 'FATAL', 'PANIC') order by timestamp desc limit 1000"
_FIELDS = (
    "error_severity",
    "sql_state_code",
    "database_name",
    "query",
    "internal_query",
    "context",
    "backend_type",
)
BIGQUERY = (
    f"select id, postgres_logs.timestamp, event_message, {', '.join(f'parsed.{name}' for name in _FIELDS)} "  # noqa: S608
    "from postgres_logs cross join unnest(metadata) as metadata cross join unnest(metadata.parsed) as parsed "
    f"where parsed.error_severity in {_WANTED}"
)
_ATTRIBUTES = ", ".join(f"log_attributes['parsed.{name}'] as {name}" for name in _FIELDS)
CLICKHOUSE = (
    f"select id, timestamp, event_message, {_ATTRIBUTES} "  # noqa: S608
    f"from logs where source = 'postgres_logs' and log_attributes['parsed.error_severity'] in {_WANTED}"
)
Row = dict[str, Any]


def read(soak: Soak, window: Window) -> Iterator[Incident]:
    """Yield the errors of this time, and last what of it could not be read.

    Raises:
        Unavailable: the API does not answer: then nobody has looked.
    """
    reference = soak.logs_url or ""
    url = reference if "://" in reference else secrets.open_secret(reference)
    headers = {"Authorization": f"Bearer {secrets.open_secret(soak.logs_token)}"} if soak.logs_token else {}
    seen: set[str] = set()
    end = window.until
    for _ in range(_MOST_PAGES):
        page = _page(url, headers, window.since, end)
        new = {key: row for row in page if (key := json.dumps(row, sort_keys=True)) not in seen}
        seen.update(new)
        for row in new.values():
            yield from _incident(row, window)
        if not new:
            if len(page) >= _MOST:
                yield _unread(f"more than {_MOST} errors within a moment", window.since, end)
            return
        times = [at for row in page if (at := _time(row.get("timestamp")))]
        if len(times) < len(page):
            if len(page) >= _MOST:
                yield _unread(f"{_MOST} errors without their times, and perhaps more", window.since, end)
            return
        end = min(end, min(times) + _MARGIN)
        if end <= window.since:
            return
    yield _unread(f"more than {_MOST_PAGES} pages of errors", window.since, end)


def _page(url: str, headers: dict[str, str], since: datetime, until: datetime) -> list[Row]:
    asked = {
        "sql": BIGQUERY if urlsplit(url).path.endswith("/logs.all") else CLICKHOUSE,
        "iso_timestamp_start": since.astimezone(UTC).isoformat(),
        "iso_timestamp_end": until.astimezone(UTC).isoformat(),
    }
    try:
        answer = httpx.get(url, params=asked, headers=headers, timeout=_TIMEOUT).raise_for_status().json()
    except httpx.HTTPStatusError as error:
        raise _untold(f"answered {error.response.status_code}") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _untold(f"gave no answer ({type(error).__name__})") from None
    if not isinstance(answer, dict) or answer.get("error") or not isinstance(answer.get("result"), list):  # pyright: ignore[reportUnknownMemberType]
        raise _untold("answered with an error")
    return cast("list[Row]", answer["result"])


def _untold(why: str) -> errors.Unavailable:
    return errors.Unavailable(
        f"The logs API {why}, so nobody knows which statements failed, and this look does not count. Check logs_url "
        "and logs_token of [soak]."
    )


def _unread(why: str, since: datetime, until: datetime) -> Incident:
    said = (
        f"the logs API has {why}, so nobody knows what failed from {since.astimezone(UTC):%H:%M:%S} to "
        f"{until.astimezone(UTC):%H:%M:%S} UTC"
    )
    return Incident(_SOURCE, said, violation=False, kind="unread")


def _incident(row: Row, window: Window) -> Iterator[Incident]:
    if set(row) == {"count"}:
        if count := int(row["count"]):
            yield Incident(_SOURCE, f"{count} errors are counted", violation=True, count=count)
        return
    if (row.get("database_name") or window.database) != window.database:
        return

    def told(name: str) -> str:
        return str(row.get(name) or "")

    failed = Failed(
        severity=told("error_severity"),
        state=told("sql_state_code"),
        message=told("event_message"),
        statement=told("query"),
        internal_query=told("internal_query"),
        context=told("context"),
        backend=told("backend_type"),
    )
    yield from soak_incident.of(_SOURCE, failed, window)


def _time(stamp: object) -> datetime | None:
    """Return the time of a line: microseconds since 1970, or ISO 8601 in UTC."""
    try:
        if isinstance(stamp, int | float):
            return datetime.fromtimestamp(stamp / 1_000_000, UTC)
        moment = datetime.fromisoformat(str(stamp).replace("Z", "+00:00"))
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
