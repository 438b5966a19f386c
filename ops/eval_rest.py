"""Records through Supabase's REST API, asked by the `supabase` client as the service role."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
from postgrest import SyncSelectRequestBuilder
from postgrest.types import CountMethod
from supabase import Client, ClientOptions, SupabaseException

from ops import app_settings, errors, eval_export_fields, eval_rest_key, eval_times, secrets
from ops.eval_night import Night
from ops.evals import Cursor, Window

_TIMEOUT = httpx.Timeout(60, connect=10)
_REFUSED = {401, 403, 404, 406}
_PASSING = {408, 425, 429}
_TIMED_OUT = "57014"


class Api:
    """The table of records at a project's REST API."""

    def __init__(self, night: Night) -> None:
        settings, plan = night.plan.project.eval, night.plan
        self.schema, self.name = eval_export_fields.table(settings.table)
        self.key = eval_export_fields.column(settings.fields.key, of="key")
        self.created = eval_export_fields.column(settings.fields.created, of="created")
        self.where = {
            eval_export_fields.column(name, of="where"): value for name, value in settings.where.items()
        }
        key = app_settings.open_reference(plan.source.key, plan.project.root)
        url = app_settings.open_reference(plan.source.url, plan.project.root)
        secrets.remember(key)
        eval_rest_key.verify(key, environment=plan.environment.name)
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=True)
        self._client = _client(url, key, self._http)
        self.unit = eval_times.TEXT
        self.date: datetime | None = None

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def look(self) -> None:
        """Ask for the newest record, which tells how times are written there, and what time it is.

        Raises:
            Refused: the API does not take the key, or has no such table or column.
            Unavailable: it does not answer.
        """
        asked = self._select(f"{self.key},{self.created}").not_.is_(self.created, "null")
        answer = self.ask(asked.order(self.created, desc=True).limit(1))
        found = _parsed(answer.content)
        self.unit = eval_times.unit(found[0].get(self.created)) if found else eval_times.TEXT
        self.date = _date(answer)

    def page(self, window: Window, *, after: Cursor | None, most: int) -> bytes:
        """Return a page of records of a window behind a place, as the API writes it.

        Raises:
            Unavailable: it does not answer, or is cut off in the midst.
        """
        asked = self._within(self._select("*"), window, after)
        return self.ask(asked.order(self.created).order(self.key).limit(most)).content

    def count(self, window: Window, *, after: Cursor | None) -> int | None:
        """Return how many records of a window there are behind a place; nothing where the server gives up."""
        return self._counted(self._within(self._select(self.key, count=True), window, after))

    def unplaced(self) -> int | None:
        """Return how many records have no time or no key."""
        return self._counted(
            self._select(self.key, count=True).or_(f"{self.created}.is.null,{self.key}.is.null")
        )

    def since(self, moment: datetime) -> int | None:
        """Return how many records were made after a moment."""
        written = eval_times.written(moment, self.unit)
        return self._counted(self._select(self.key, count=True).gt(self.created, written))

    def ask(self, asked: SyncSelectRequestBuilder) -> httpx.Response:
        """Send a request and return the answer as it came: what the client would parse is read once, elsewhere."""
        try:
            answer = self._sent(asked)
        except httpx.HTTPError as error:
            raise errors.Unavailable(
                f"The REST API does not answer, or was cut off ({type(error).__name__}), so the export stands still. "
                "What is exported stays; it goes on from there."
            ) from None
        if not answer.is_success:
            raise self._failure(answer)
        return answer

    def _sent(self, asked: SyncSelectRequestBuilder) -> httpx.Response:
        try:
            return asked.request.send(httpx.Headers())
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            # The server may close a connection between two requests.
            return asked.request.send(httpx.Headers())

    def _select(self, columns: str, *, count: bool = False) -> SyncSelectRequestBuilder:
        table = self._client.schema(self.schema).from_(self.name)
        asked = table.select(columns, count=CountMethod.exact, head=True) if count else table.select(columns)
        for column, value in self.where.items():
            asked = asked.eq(column, value)
        return asked

    def _within(
        self, asked: SyncSelectRequestBuilder, window: Window, after: Cursor | None
    ) -> SyncSelectRequestBuilder:
        end = eval_times.written(window.end, self.unit)
        first = after.created if after else window.start
        start = eval_times.written(first, self.unit)
        # Without this beside the `or` no index is used, and pages take longer and longer.
        asked = asked.gte(self.created, start).lt(self.created, end).not_.is_(self.key, "null")
        if after is None:
            return asked
        at, key = _quoted(start), _quoted(after.key)
        return asked.or_(f"{self.created}.gt.{at},and({self.created}.eq.{at},{self.key}.gt.{key})")

    def _counted(self, asked: SyncSelectRequestBuilder) -> int | None:
        try:
            answer = self.ask(asked)
        except errors.Unavailable as error:
            if _TIMED_OUT in str(error):
                return None
            raise
        whole = answer.headers.get("content-range", "").rpartition("/")[2]
        return int(whole) if whole.isdigit() else None

    def _failure(self, answer: httpx.Response) -> errors.OpsError:
        code, said = _said(answer)
        told = f"The REST API says {answer.status_code} {code} of {self.schema}.{self.name}: {said}"
        if answer.status_code in _PASSING or answer.status_code >= 500:
            hint = " Make an index on time and key, or the `page` smaller." if code == _TIMED_OUT else ""
            return errors.Unavailable(f"{told}, so the export stands still.{hint}")
        if answer.status_code in _REFUSED or code.startswith(("PGRST", "42")):
            return errors.Refused(
                f"{told}, so nothing can be exported. Look at the key, at the table and columns that [eval] names, and "
                "whether its schema is exposed."
            )
        return errors.CheckFailed(f"{told}, so the export stands still.")


def _client(url: str, key: str, http: httpx.Client) -> Client:
    options = ClientOptions(auto_refresh_token=False, persist_session=False, httpx_client=http)
    try:
        client = Client(url, key, options)
    except (SupabaseException, ValueError):
        raise errors.Refused(
            "The URL of the source is no address of a Supabase project, so nothing can be exported. Look at `url` in "
            "[environments.NAME.eval]: it looks like https://REF.supabase.co."
        ) from None
    # The address of a Supabase project has no path; one with a path, even `/`, is PostgREST's own.
    if urlsplit(url).path:
        client.rest_url = client.supabase_url
    return client


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _date(answer: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return None


def _parsed(content: bytes) -> list[dict[str, Any]]:
    found = eval_export_fields.loaded(content)
    if isinstance(found, list):
        return cast("list[dict[str, Any]]", found)
    raise errors.Refused(
        "What answers at the URL of the source is no REST API of Supabase. Look at its `url`."
    )


def _said(answer: httpx.Response) -> tuple[str, str]:
    try:
        body: Any = json.loads(answer.content)
        code, said = str(body.get("code") or ""), str(body.get("message") or "nothing")
    except (ValueError, AttributeError):
        code, said = "", answer.reason_phrase or "nothing"
    return code, secrets.redact(said).rstrip(".")
