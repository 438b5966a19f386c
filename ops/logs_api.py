"""A logs API in the shape of Supabase's: what Postgres refused, line by line, and what Auth did, counted by kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from ops import errors, hosted_logs, secrets
from ops.server_log import Line

_TIMEOUT = 30.0
_FIELDS = ("error_severity", "sql_state_code", "query", "user_name")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """A logs API: its URL, or a secret reference of one, and of its bearer token; `names` are where both stand."""

    url: str
    token: str | None
    names: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What Auth answered: an HTTP status at the first part of a path; whose request it was is not asked for."""

    status: int
    path: str


def refused(api: Api, states: Collection[str], *, since: datetime, until: datetime) -> Iterator[Line]:
    """Yield the errors with these SQLSTATEs that a logs API has between two times, all of them.

    Raises:
        Unavailable: it does not answer, or with an error: then nobody knows.
        CheckFailed: a moment has more of them than can be asked for.
    """
    asked = _Asked(api, _postgres(states), _postgres_clickhouse(states))
    for row in hosted_logs.whole(asked, "postgres_logs", since=since, until=until):
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


def refused_by_auth(api: Api, *, since: datetime, until: datetime) -> Counter[Kind]:
    """Return how often Auth answered with an error between two times, by its kind; the API itself counts.

    Raises:
        Unavailable: it does not answer, or with an error: then nobody knows.
        CheckFailed: it knows more kinds than can be asked for.
    """
    found: Counter[Kind] = Counter()
    for row in hosted_logs.whole(_Asked(api, _AUTH, _AUTH_CLICKHOUSE), "auth_logs", since=since, until=until):
        if row.get("status"):
            found[Kind(int(row["status"]), str(row.get("path") or "/"))] += int(row["count"])
    return found


# A path may have a person's id behind its first part, and a message an address: neither leaves the API.
_AUTH = (
    "select cast(metadata.status as int64) as status, regexp_extract(metadata.path, '^/[a-z_-]*') as path, "
    "count(*) as count "
    "from auth_logs cross join unnest(metadata) as metadata "
    "where cast(metadata.status as int64) >= 400 group by 1, 2 order by 3 desc limit 1000"
)
_AUTH_CLICKHOUSE = (
    "select toInt64OrZero(log_attributes['status']) as status, "
    "extract(log_attributes['path'], '^/[a-z_-]*') as path, count(*) as count "
    "from logs where source = 'auth_logs' and toInt64OrZero(log_attributes['status']) >= 400 "
    "group by 1, 2 order by 3 desc limit 1000"
)


def _postgres(states: Collection[str]) -> str:
    fields = ", ".join(f"parsed.{name}" for name in _FIELDS)
    return (
        f"select postgres_logs.timestamp, event_message, {fields} "  # noqa: S608
        "from postgres_logs cross join unnest(metadata) as metadata cross join unnest(metadata.parsed) as parsed "
        f"where parsed.sql_state_code in ({_listed(states)}) order by timestamp desc limit {hosted_logs.MOST}"
    )


def _postgres_clickhouse(states: Collection[str]) -> str:
    fields = ", ".join(f"log_attributes['parsed.{name}'] as {name}" for name in _FIELDS)
    return (
        f"select timestamp, event_message, {fields} from logs where source = 'postgres_logs' "  # noqa: S608
        f"and log_attributes['parsed.sql_state_code'] in ({_listed(states)}) "
        f"order by timestamp desc limit {hosted_logs.MOST}"
    )


def _listed(states: Collection[str]) -> str:
    return ", ".join(f"'{each}'" for each in states)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One question, in BigQuery's SQL for an address that ends in `logs.all` and in ClickHouse's for any other."""

    api: Api
    bigquery: str
    clickhouse: str

    def __call__(self, since: datetime, until: datetime) -> list[Row]:
        api = self.api
        url = api.url if "://" in api.url else secrets.open_secret(api.url)
        headers = {"Authorization": f"Bearer {secrets.open_secret(api.token)}"} if api.token else {}
        text = self.bigquery if urlsplit(url).path.endswith("/logs.all") else self.clickhouse
        asked = {"sql": text, **hosted_logs.told(since, until)}
        try:
            answer = httpx.get(url, params=asked, headers=headers, timeout=_TIMEOUT).raise_for_status().json()
        except httpx.HTTPStatusError as error:
            raise self._untold(f"answered {error.response.status_code}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._untold(f"gave no answer ({type(error).__name__})") from None
        if not isinstance(answer, dict) or answer.get("error") or not isinstance(answer.get("result"), list):  # pyright: ignore[reportUnknownMemberType]
            raise self._untold("answered with an error")
        return cast("list[Row]", answer["result"])

    def _untold(self, why: str) -> errors.Unavailable:
        return errors.Unavailable(
            f"The logs API {why}, so nobody knows what was refused, and this look does not count. Check "
            f"{self.api.names}."
        )


def _microseconds(given: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(given)) / 1_000_000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
