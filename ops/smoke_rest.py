"""The smoke through the app's API (PostgREST): what is written there others can see, so it is marked and removed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from ops import database, errors, smoke_rows, smoke_sql
from ops.sample_rows import MARKER, Row
from ops.smoke_sql import Result
from ops.written_tables import Table

_TIMEOUT = 15.0


def unfit(row: Row, code: Sequence[Mapping[str, Any]]) -> str | None:
    """Return why writing this row through the API would leave a trace, if it would."""
    leaving = [each["what"] for each in code if each["leaves"] and each["oid"] == row.table.oid]
    if leaving:
        return f"its {leaving[0]} may write elsewhere, and that would stay"
    if row.counts_always:
        return "its identity is always counted, and a number would be used up"
    if row.parents:
        return "it needs a row to point to, which would have to be written first"
    return None if row.key and row.marked else "its row could not be marked"


class Api:
    """The app's PostgREST, asked as the app asks it."""

    def __init__(self, url: str, key: str | None) -> None:
        path = urlsplit(url).path
        # The address of a Supabase project has no path; one with a path, even `/`, is PostgREST's own.
        base = url if path else f"{url}/rest/v1"
        headers = {"apikey": key, "Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=base.rstrip("/"), headers=headers, timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def insert(self, row: Row) -> list[Any]:
        """Write the row; return what the API says it wrote."""
        return self._ask("POST", row.table, json=row.values)

    def find(self, row: Row) -> list[Any]:
        """Return the row, if it can be read."""
        return self._ask("GET", row.table, row.identity)

    def change(self, row: Row) -> list[Any]:
        """Change the row's free text; return what the API says it changed."""
        column = row.text or row.key[0]
        value = row.values[column]
        # It stays marked, for whoever finds it.
        kept = len(MARKER) + 1
        changed = value if column in row.key else str(value)[:kept] + str(value)[kept:][::-1]
        return self._ask("PATCH", row.table, row.identity, json={column: changed})

    def delete(self, row: Row) -> list[Any]:
        """Delete the row; return what the API says it deleted."""
        return self._ask("DELETE", row.table, row.identity)

    def _ask(
        self, method: str, table: Table, identity: Mapping[str, Any] | None = None, json: Any = None
    ) -> list[Any]:
        profile = "Accept-Profile" if method == "GET" else "Content-Profile"
        headers = {"Prefer": "return=representation"} | (
            {} if table.schema == "public" else {profile: table.schema}
        )
        wanted = {column: f"eq.{value}" for column, value in (identity or {}).items()}
        try:
            answer = self._client.request(method, f"/{table.name}", params=wanted, headers=headers, json=json)
        except httpx.HTTPError as error:
            raise errors.Unavailable(
                f"The API does not answer ({type(error).__name__}), so the smoke could not go on. Check its URL."
            ) from None
        if answer.is_success:
            return _rows(answer, table)
        raise errors.CheckFailed(f"{table}: the API says {answer.status_code} to {method}: {_said(answer)}.")


def run(connection: database.Connection, api: Api, row: Row) -> Result:
    """Write, read, change and delete one row through the API, and verify in the database that it is gone.

    Raises:
        Unavailable: the API or the database does not answer; the message says what became of the row.
    """
    with smoke_rows.announced(connection, row) as one:
        try:
            problem = _tried(api, row, one)
        except errors.CheckFailed as error:
            problem = str(error)
    if one.left and not problem:
        problem = f"{row.table}: the API says that the row is deleted, and it was still there."
    if one.problem:
        problem = f"{problem} {one.problem}".strip()
    steps = "Verify the rights and policies of the key's role on the table." if problem else ""
    return smoke_sql.result(row.table, "API", one.done, problem, steps)


def _tried(api: Api, row: Row, one: smoke_rows.Announced) -> str:
    seen: object = None
    for word, count, act in _acts(api, row):
        found = act(row)
        if len(found) != count:
            return (
                f"{row.table}: the API shows the row as {one.done} and not as {word}; look at its policies."
            )
        if word == "read back":
            seen = _text(row, found)
        if word == "changed" and row.is_told_apart and _text(row, api.find(row)) == seen:
            return f"{row.table}: {smoke_sql.SWALLOWED}"
        one.done = word
    return ""


def _text(row: Row, found: list[Any]) -> object:
    return [each.get(row.text) for each in found]


def _rows(answer: httpx.Response, table: Table) -> list[Any]:
    with contextlib.suppress(ValueError):
        found: object = answer.json() if answer.content else []
        if isinstance(found, list):
            return cast("list[Any]", found)
    raise errors.CheckFailed(
        f"{table}: what answers {answer.status_code} at the API's address is no PostgREST. Check its URL."
    )


def _acts(api: Api, row: Row) -> Any:
    yield "written", 1, api.insert
    yield "read back", 1, api.find
    yield "changed", 1, api.change
    yield "deleted", 1, api.delete
    yield "deleted", 0, api.find


def _said(answer: httpx.Response) -> str:
    try:
        body = answer.json()
        parts = [body.get(key) for key in ("code", "message", "details", "hint")]
        return " ".join(str(part) for part in parts if part) or "nothing"
    except (ValueError, AttributeError):
        return answer.reason_phrase or "nothing"
