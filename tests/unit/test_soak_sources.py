"""What a logs API in the shape of Supabase's says, and which of it concerns a soak."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from ops import database, errors, soak_sources
from ops.soak_incident import Incident, Window
from ops.soak_paths import Paths
from ops.watch_settings import Soak
from tests import fix_http, fix_logs_api

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
PATHS = Paths(relations=frozenset({"ai_training_examples"}), functions=frozenset({"save"}))
WINDOW = Window(NOON, NOON + timedelta(minutes=15), ("ai_training_examples",), "postgres", PATHS)
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


def row(state: str, message: str, query: str | None, **more: str) -> dict[str, Any]:
    return fix_logs_api.line(NOON, state, message, query, **more)


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


def test_what_the_api_says_of_the_inside_of_a_function_counts(monkeypatch: pytest.MonkeyPatch):
    rows = [
        row(
            "22012",
            "division by zero",
            "select f()",
            context='SQL statement "insert into ai_training_examples"',
        ),
        row(
            "42703",
            "column x is not there",
            "select f()",
            internal_query="update ai_training_examples set x = 1",
        ),
        row("P0001", "no", "select f()", context="PL/pgSQL function public.save(text) line 3 at RAISE"),
        row(
            "22012",
            "division by zero",
            "select f()",
            context='SQL statement "insert into others values (1 / 0)"',
        ),
        row("22012", "division by zero", "execute p (1)"),
        row("22012", "division by zero", "execute p (1)", database_name="another"),
        row(
            "57014",
            "canceling autovacuum task",
            None,
            backend_type="autovacuum worker",
            context='automatic analyze of table "postgres.public.ai_training_examples"',
        ),
    ]
    found, _ = read({"result": rows}, monkeypatch)
    assert [(each.said.partition(" ")[0].strip(":"), each.kind) for each in found] == [
        ("22012", "attributed"),
        ("42703", "attributed"),
        ("P0001", "attributed"),
        ("22012", "unattributed"),
    ]


@pytest.mark.parametrize("most", [2, 7, 1000])
def test_every_page_is_read_however_little_an_answer_holds(most: int):
    lines = [
        fix_logs_api.line(
            NOON + timedelta(milliseconds=10 * n), "22012", str(n), "update ai_training_examples"
        )
        for n in range(40)
    ]
    with fix_logs_api.serving(lines, most=most) as (url, _):
        found = soak_sources.read(NOBODY, Soak(logs_url=url), WINDOW)
    assert len(found) == 40
    assert {each.kind for each in found} == {"attributed"}


def test_lines_without_times_are_a_gap_where_there_may_be_more(monkeypatch: pytest.MonkeyPatch):
    rows = [{**row("22012", str(n), "select 1 / 0"), "timestamp": None} for n in range(1000)]
    found, _ = read({"result": rows}, monkeypatch)
    assert [each.kind for each in found] == ["unread"]
    assert read({"result": rows[1:]}, monkeypatch)[0] == []


def test_a_newer_api_is_asked_in_its_own_language(monkeypatch: pytest.MonkeyPatch):
    asked: list[dict[str, Any]] = []
    with logs(200, {"result": []}, asked) as url:
        soak_sources.read(NOBODY, Soak(logs_url=url.removesuffix(".all")), WINDOW)
    assert "log_attributes['parsed.internal_query'] as internal_query" in asked[0]["sql"][0]


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
    path.write_text("2026-01-31 12:05:00.000 UTC [17] ERROR:  division by zero\n")
    with pytest.raises(errors.Refused, match="neither the server's JSON log nor its CSV log"):
        soak_sources.read(NOBODY, Soak(log_file=str(path)), WINDOW)


def logged(minute: int, statement: str, form: str) -> str:
    stamp = f"2026-01-31 12:{minute:02}:00.000 UTC"
    if form == "json":
        said = {"timestamp": stamp, "error_severity": "ERROR", "state_code": "22012", "statement": statement}
        return json.dumps(said) + "\n"
    record = [""] * 26
    record[0], record[11], record[12], record[19] = stamp, "ERROR", "22012", statement
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(record)
    return written.getvalue()


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize(
    ("torn_after", "found"),
    [(-30, []), (1, ["unattributed", "attributed"]), (2, ["attributed", "unattributed"])],
)
def test_a_line_that_is_torn_is_no_line_that_was_read(
    tmp_path: Path, form: str, torn_after: int, found: list[str]
):
    """A line that is whole and says nothing may have been any error; one that is being written is read later."""
    path = tmp_path / f"postgres.{form}"
    ours = logged(2, "insert into ai_training_examples\nvalues (1, 'a')", form)
    before, torn = logged(1, "select 1 / 0", form), ours.splitlines()[0][:-9].replace('"', "") + "\n"
    if torn_after == -30:
        path.write_text(
            logged(0, "select 2 / 0", form).replace("12:00", "11:30") + torn + logged(0, "select 1", form)
        )
        since = NOON + timedelta(minutes=1)
    else:
        path.write_text(before + (torn + ours if torn_after == 1 else ours + torn))
        since = NOON
    window = dataclasses.replace(WINDOW, since=since)
    assert [each.kind for each in soak_sources.read(NOBODY, Soak(log_file=str(path)), window)] == found
    whole = path.read_text()
    path.write_text(whole + logged(3, "delete from ai_training_examples", form)[:-9])
    assert [each.kind for each in soak_sources.read(NOBODY, Soak(log_file=str(path)), window)][
        : len(found)
    ] == found
