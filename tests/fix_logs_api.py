"""A logs API in the shape of Supabase's, as a real HTTP server: newest first, and no more than a thousand lines."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests import fix_http

MOST = 1000


def line(at: datetime, state: str, message: str, query: str | None, **more: str) -> dict[str, Any]:
    """Return a line of the Postgres log as the API gives it: its time in microseconds."""
    return {
        "timestamp": round(at.timestamp() * 1_000_000),
        "error_severity": "ERROR",
        "sql_state_code": state,
        "event_message": message,
        "query": query,
        **more,
    }


@contextmanager
def serving(
    lines: Sequence[dict[str, Any]], *, most: int = MOST
) -> Generator[tuple[str, list[dict[str, Any]]]]:
    """Yield its address, and what it was asked, which grows."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            asked.append(query)
            since, until = (
                datetime.fromisoformat(query[f"iso_timestamp_{side}"][0]).astimezone(UTC).timestamp()
                * 1_000_000
                for side in ("start", "end")
            )
            within = [each for each in lines if since <= each["timestamp"] < until]
            newest = sorted(within, key=lambda each: each["timestamp"], reverse=True)[:most]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"result": newest, "error": None}).encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    with fix_http.serving(Handler) as address:
        yield f"{address}/logs.all", asked
