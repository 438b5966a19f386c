"""Logs of a hosted project as the Supabase Management API has them: a span whose answer is cut is asked in halves.

No answer has more than a thousand lines, and none says that it was cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from ops import errors
from ops.backup_settings import ManagementApi
from ops.management_client import Client

MOST = 1000
# The API answers for no longer a time at once.
_LONGEST = timedelta(hours=24)
_SHORTEST = timedelta(milliseconds=1)
Ask = Callable[[datetime, datetime], list[dict[str, Any]]]


def entries(api: ManagementApi, source: str, *, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """Yield the lines of one of the API's logs in their order, from `since` up to and without `until`.

    Raises:
        Refused: the token does not have this right.
        Unavailable: nobody answers.
        CheckFailed: the answer is none of this API's, or a moment has more lines than can be asked for.
    """
    client = Client(api)

    def ask(since: datetime, until: datetime) -> list[dict[str, Any]]:
        return _asked(client, source, since, until)

    yield from whole(ask, source, since=since, until=until)


def whole(ask: Ask, what: str, *, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    """Yield all that there is between two times; `ask` is given both, of which the end belongs to the next.

    Raises:
        CheckFailed: a moment has more lines than can be asked for.
        OpsError: as `ask` does.
    """
    start = since
    while start < until:
        end = min(until, start + _LONGEST)
        yield from _between(ask, what, start, end)
        start = end


def told(since: datetime, until: datetime) -> dict[str, str]:
    """Return how the API is asked for a time; the end belongs to what is asked for, and to the next time."""
    return {
        "iso_timestamp_start": _told(since),
        "iso_timestamp_end": _told(until - timedelta(microseconds=1)),
    }


def _between(ask: Ask, what: str, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
    found = ask(since, until)
    if len(found) < MOST:
        yield from sorted(found, key=lambda each: str(each.get("timestamp", "")))
        return
    middle = since + (until - since) / 2
    if until - since <= _SHORTEST:
        raise errors.CheckFailed(
            f"{what} has {MOST} lines or more within a moment at {since:%Y-%m-%d %H:%M:%S}, and no more can be asked "
            "for at once, so that what is known of it would not be whole. Nothing of it was kept."
        )
    yield from _between(ask, what, since, middle)
    yield from _between(ask, what, middle, until)


def _asked(client: Client, source: str, since: datetime, until: datetime) -> list[dict[str, Any]]:
    asked = {
        "sql": f"select id, timestamp, event_message, metadata from {source} order by timestamp limit {MOST}",  # noqa: S608
        **told(since, until),
    }
    path = f"/v1/projects/{client.settings.ref}/analytics/endpoints/logs.all?{urlencode(asked)}"
    answer: Any = client.get(path)
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), list):  # pyright: ignore[reportUnknownMemberType]
        raise errors.CheckFailed(
            f"The Management API answered the question for {source} with something else."
        )
    return cast("list[dict[str, Any]]", answer["result"])


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
