"""A logs API in the shape of Supabase's, as a real HTTP server: newest first, and no more than a thousand lines."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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


REF = "abcdefghijklmnopqrst"
TOKEN = "a-fake-token-of-logs"
_LONGEST = timedelta(hours=24)


@dataclass
class Logs:
    """What the two logs of a project have, and what was asked, which grows; `code` is what everybody is answered."""

    url: str = ""
    postgres: list[dict[str, Any]] = field(default_factory=list)
    auth: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    code: int = 200

    def answer(self, text: str, since: datetime, until: datetime) -> dict[str, Any]:
        """Return what the question comes to: the filter, the groups and the limit of its SQL are followed."""
        start, end = (round(each.timestamp() * 1_000_000) for each in (since, until))
        rows = self.auth if "auth_logs" in text else self.postgres
        within = [each for each in rows if start <= each["timestamp"] <= end]
        if "auth_logs" in text:
            kinds = Counter(
                (each["status"], re.match("/[a-z_-]*", each["path"])[0])  # type: ignore[index]
                for each in within
                if each["status"] >= 400
            )
            found = [{"status": s, "path": p, "count": count} for (s, p), count in kinds.most_common()]
        else:
            states = set(re.findall(r"'([0-9A-Z]{5})'", text)) - {"ERROR", "FATAL", "PANIC"}
            found = [each for each in reversed(within) if not states or each["sql_state_code"] in states]
        return {"result": found[: int(text.rpartition("limit ")[2])]}


@contextmanager
def management(path: str = "logs.all") -> Generator[Logs]:
    """Run the path of the Management API's published description (v1) that answers questions about logs."""
    logs = Logs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = urlsplit(self.path)
            code, said = self._said(at.path, {name: one[0] for name, one in parse_qs(at.query).items()})
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def _said(self, asked: str, query: dict[str, str]) -> tuple[int, Any]:
            if self.headers["Authorization"] != f"Bearer {TOKEN}":
                return 401, {"message": "Unauthorized"}
            if asked != f"/v1/projects/{REF}/analytics/endpoints/{path}":
                return 404, {"message": "Not found"}
            if logs.code != 200:
                return logs.code, {"message": "as told"}
            assert set(query) == {"sql", "iso_timestamp_start", "iso_timestamp_end"}
            since, until = (
                datetime.fromisoformat(query[f"iso_timestamp_{side}"]) for side in ("start", "end")
            )
            logs.asked.append(query["sql"])
            if until - since > _LONGEST:
                return 200, {"error": {"code": 400, "errors": [], "message": "too long", "status": "INVALID"}}
            return 200, logs.answer(query["sql"], since, until)

        def log_message(self, format: str, *args: Any) -> None:
            return

    with fix_http.serving(Handler) as address:
        logs.url = f"{address}/v1/projects/{REF}/analytics/endpoints/{path}"
        yield logs
