"""Pages of the REST API, each asked for while the one before is redacted and written."""

from __future__ import annotations

import json
import types
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, cast

import msgspec

from ops import errors, eval_export_fields
from ops.eval_export_source import Aside, Record
from ops.eval_night import Night
from ops.eval_rest import Api
from ops.evals import Cursor, Window

# How PostgREST separates the rows of a page; the rows themselves it writes as Postgres does, on one line.
_BETWEEN = b", \n "


class RestSource:
    """The table of records behind Supabase's REST API."""

    resumable = True

    def __init__(self, night: Night) -> None:
        fields = night.plan.project.eval.fields
        self._page = night.plan.project.eval.page
        self._picked = eval_export_fields.Picked(fields.key, fields.created)
        self._api = Api(night)
        self._rows = Rows(self._api.key, self._api.created)
        try:
            self._api.look()
        except errors.OpsError:
            self._api.close()
            raise

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def now(self) -> datetime | None:
        """Return the time that the API's last answer said."""
        return self._api.date

    def count(self, window: Window, *, after: Cursor | None) -> int | None:
        """Return how many records there are behind a place; nothing where the server gives up."""
        return self._api.count(window, after=after)

    def aside(self, moment: datetime) -> Aside:
        """Return how many records no window has."""
        return Aside(self._api.unplaced() or 0, self._api.since(moment) or 0)

    def pages(self, window: Window, *, after: Cursor | None, most: int) -> Generator[list[Record]]:
        """Yield pages until one is empty: a server may give fewer records than it is asked for.

        Raises:
            Unavailable: the API does not answer, or is cut off in mid-page.
        """
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(self._api.page, window, after=after, most=min(self._page, most))
            while page := self._read(asked.result()):
                most -= len(page)
                if (last := page[-1].place) is None or last == after:
                    raise errors.CheckFailed(
                        f"The page behind {after.key if after else 'the beginning'!r} ends in a record without time or "
                        "key, so nobody knows where the next one begins. Look at [eval.fields]."
                    )
                after = last
                if most > 0:
                    asked = pool.submit(self._api.page, window, after=after, most=min(self._page, most))
                yield page
                if most <= 0:
                    return

    def _read(self, page: bytes) -> list[Record]:
        return self._rows.of(page) or [Record(row, *self._picked.of(record)) for row, record in split(page)]


class Rows:
    """Reads no more of a page than keys and times: the rest is made into no object, which took most of the time."""

    def __init__(self, key: str, created: str) -> None:
        columns = {"key": key, "created": created}
        fields = [(name, object, None) for name, column in columns.items() if name == "key" or column != key]
        row = msgspec.defstruct("Row", fields, rename=columns)
        self._decoder: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(
            types.GenericAlias(list, (row,))
        )
        self._created = fields[-1][0]

    def of(self, page: bytes) -> list[Record]:
        """Return the records of a page; none where a row of it is not on a line of its own, or not as it should be."""
        lines = _lines(page)
        try:
            places = self._decoder.decode(page)
        except (ValueError, RecursionError):
            return []
        if len(places) != len(lines) or page.count(b"\n") != len(lines) - 1:
            return []
        moment, text = eval_export_fields.moment, eval_export_fields.text
        return [
            Record(line, moment(getattr(place, self._created)), text(place.key))
            for line, place in zip(lines, places, strict=True)
        ]


def split(page: bytes) -> list[tuple[bytes, object]]:
    """Return the rows of a page as they stand there, each on one line, and what they say.

    Raises:
        Unavailable: it is no whole page.
    """
    rows = _lines(page)
    found = [(_line(row), eval_export_fields.loaded(row)) for row in rows]
    if all(isinstance(record, dict) for _, record in found):
        return found
    # A column of type json holds such a separator itself, so that a row was split in two.
    records = eval_export_fields.loaded(page)
    if not isinstance(records, list):
        raise errors.CheckFailed(
            "A page of the REST API is no JSON, so the export stands still. Look at the API."
        )
    return [(json.dumps(record).encode(), record) for record in cast("list[object]", records)]


def _lines(page: bytes) -> list[bytes]:
    """Return what stands between the separators of a page."""
    whole = page.strip()
    if not whole.startswith(b"[") or not whole.endswith(b"]"):
        raise errors.Unavailable("The REST API has sent half a page, so the export stands still.")
    rows = whole[1:-1].strip()
    return rows.split(_BETWEEN) if rows else []


def _line(row: bytes) -> bytes:
    # Only white space between the parts of JSON breaks a line there.
    return row.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in row or b"\r" in row else row
