"""What a logs API in the shape of Supabase's says, and which of it concerns a soak."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from ops import database, errors, soak_sources
from ops.soak_sources import Incident, Window
from ops.watch_settings import Soak
from tests import fix_http

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
WINDOW = Window(NOON, NOON + timedelta(minutes=15), ("ai_training_examples",), "postgres")
NOBODY = cast("database.Connection", None)


@contextmanager
def logs(code: int, said: Any, asked: list[dict[str, Any]]) -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append({**parse_qs(urlsplit(self.path).query), "token": self.headers.get("Authorization")})
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    with fix_http.serving(Handler) as address:
        yield f"{address}/logs.all"


def read(
    said: Any, monkeypatch: pytest.MonkeyPatch, code: int = 200
) -> tuple[list[Incident], dict[str, Any]]:
    monkeypatch.setenv("LOGS_TOKEN", "a-fake-token-of-logs")
    asked: list[dict[str, Any]] = []
    with logs(code, said, asked) as url:
        soak = Soak(logs_url=url, logs_token="env:LOGS_TOKEN")
        return soak_sources.read(NOBODY, soak, WINDOW), asked[0]


def row(state: str, message: str, query: str | None) -> dict[str, Any]:
    return {"timestamp": 1, "sql_state_code": state, "event_message": message, "query": query}


def test_the_api_is_asked_for_the_window_with_its_token(monkeypatch: pytest.MonkeyPatch):
    found, asked = read({"result": [], "error": None}, monkeypatch)
    assert found == []
    assert asked["token"] == "Bearer a-fake-token-of-logs"
    assert asked["iso_timestamp_start"] == ["2026-01-31T12:00:00+00:00"]
    assert "postgres_logs" in asked["sql"][0]


def test_what_concerns_the_tables_is_told_and_values_are_not(monkeypatch: pytest.MonkeyPatch):
    rows = [
        row("23502", 'null value in column "a" of relation "ai_training_examples"', None),
        row("22P02", 'invalid input syntax: "a-row-value"', "insert into ai_training_examples values (1)"),
        row("42P01", 'relation "others" does not exist', "select * from others"),
        row("22012", "division by zero", "select 1/0 from ai_training_examples"),
        row("23505", "duplicate key", "insert into ai_training_examples_archive values (1)"),
    ]
    found, _ = read({"result": rows}, monkeypatch)
    assert [(each.said.partition(":")[0].split()[0], each.violation) for each in found] == [
        ("23502", True),
        ("22P02", False),
    ]
    assert "a-row-value" not in str(found)


def test_a_count_is_enough(monkeypatch: pytest.MonkeyPatch):
    found, _ = read({"result": [{"count": 3}]}, monkeypatch)
    assert [each.count for each in found] == [3]
    assert read({"result": [{"count": 0}]}, monkeypatch)[0] == []


@pytest.mark.parametrize(
    ("code", "said"), [(500, {}), (200, {"error": "too long a time"}), (200, []), (200, {"result": None})]
)
def test_an_answer_that_is_none_is_no_look(monkeypatch: pytest.MonkeyPatch, code: int, said: Any):
    with pytest.raises(errors.Unavailable, match="this look does not count"):
        read(said, monkeypatch, code)


def test_a_log_that_is_not_there_or_in_an_unknown_zone_is_no_look(tmp_path: Any):
    path = tmp_path / "a.json"
    with pytest.raises(errors.Unavailable, match="There is no log"):
        soak_sources.read(NOBODY, Soak(log_file=str(path)), WINDOW)
    path.write_text(
        json.dumps({"timestamp": "2026-01-31 12:05:00.000 CET", "error_severity": "ERROR"}) + "\n{"
    )
    with pytest.raises(errors.Refused, match="log_timezone"):
        soak_sources.read(NOBODY, Soak(log_file=str(path)), WINDOW)
