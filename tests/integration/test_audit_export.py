"""The month of an audit log that is archived: whole, and nothing that is not what was written."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from flows.monthly_audit_export import monthly_audit_export
from ops import audit_export, bundle, database, errors, manifest, queries
from ops.audit import ORIGIN, Log, Row
from ops.audit_export import AuditExport
from ops.audit_store import Store
from tests import projects

KEY = "a-fake-key-for-tests"
TOKEN = "a-fake-access-token"
CONFIG = """\
[environments.production]
database = "file:{root}/dsn"
audit_key = "file:{root}/key"
{more}
"""
MONTHS = [*["2026-08"] * 2, *["2026-09"] * 3, *["2026-10"] * 2]


@pytest.fixture
def project(tmp_path: Path, shaped: str) -> Path:
    """A project whose audit log has seven rows of three months."""
    (tmp_path / "dsn").write_text(shaped)
    (tmp_path / "key").write_text(KEY)
    root = projects.write(tmp_path / "app", migrations={}, config=CONFIG.format(root=tmp_path, more=""))
    with database.connect(shaped) as connection:
        log = Log(connection, KEY, Store.of(root, "production"))
        log.prepare()
        previous = ORIGIN
        for number, month in enumerate(MONTHS, 1):
            row = Row(
                number, datetime.fromisoformat(f"{month}-{number:02}T12:00:00+00:00"), "approved", "production",
                f"run-{number}", "promote", "plan", "ada", "totp", f"note {number}", {}, previous, "",
            )  # fmt: skip
            row = replace(row, hash=row.hashed(KEY))
            connection.execute(queries.load("audit/append"), {**row.plain, "details": "{}"})
            previous = row.hash
        log.mirror()
    return root


def exported(project: Path, month: str = "2026-09") -> tuple[AuditExport, list[dict[str, Any]]]:
    found = monthly_audit_export.fn(str(project), "production", month)
    assert isinstance(found, AuditExport)
    assert found.bundle
    lines = (Path(found.bundle) / audit_export.OWN).read_text("utf-8").splitlines()
    return found, [json.loads(line) for line in lines]


def test_a_month_is_exported_whole_and_sealed(project: Path):
    found, rows = exported(project)
    assert (found.first, found.last, found.rows_exported) == (3, 5, 3)
    assert [row["note"] for row in rows] == ["note 3", "note 4", "note 5"]
    assert rows[0]["previous"] == exported(project, "2026-08")[1][-1]["hash"]
    assert found.platform_entries is None
    assert manifest.verify(Path(found.bundle or "")).ok


def test_a_month_without_rows_is_an_empty_export(project: Path):
    found, rows = exported(project, "2026-07")
    assert (found.first, found.rows_exported, rows) == (None, 0, [])


def test_by_default_it_is_the_last_whole_month():
    def span(now: str) -> tuple[str, str]:
        since, until = audit_export._span("", datetime.fromisoformat(now).replace(tzinfo=UTC))
        return f"{since:%Y-%m-%d}", f"{until:%Y-%m-%d}"

    assert span("2026-11-02T04:00:00") == ("2026-10-01", "2026-11-01")
    assert span("2027-01-31T23:59:59") == ("2026-12-01", "2027-01-01")
    assert span("2028-03-01T00:00:00") == ("2028-02-01", "2028-03-01")


@pytest.mark.parametrize(("month", "said"), [("2026-13", "is no month"), ("9/2026", "is no month")])
def test_what_is_no_month_is_refused(project: Path, month: str, said: str):
    with pytest.raises(errors.Refused, match=said):
        monthly_audit_export.fn(str(project), "production", month)


def test_a_month_that_is_not_over_is_refused(project: Path):
    with pytest.raises(errors.Refused, match="is not over yet"):
        monthly_audit_export.fn(str(project), "production", f"{datetime.now(UTC):%Y-%m}")


def test_a_log_that_was_changed_is_not_exported(project: Path, shaped_admin: str):
    with psycopg.connect(shaped_admin, autocommit=True) as connection:
        connection.execute("alter table runbooks.audit_log disable trigger append_only")
        connection.execute("update runbooks.audit_log set note = 'nothing' where id = 1")
        connection.execute("alter table runbooks.audit_log enable always trigger append_only")
    with pytest.raises(errors.CheckFailed, match="is not what was written"):
        monthly_audit_export.fn(str(project), "production", "2026-09")
    assert not list(project.glob(f"artifacts/ops/*/audit-export_*/{audit_export.RESULT}"))


def test_an_export_that_is_not_the_log_is_seen(project: Path):
    exporting = audit_export.Exporting(audit_export.plan(str(project), "production", "2026-09"), "run")
    exporting.bundle = bundle.open_bundle(project, kind="audit-export", started=datetime.now(UTC))
    audit_export.export_log(exporting)
    assert audit_export.verify_export(exporting).ok
    path = exporting.bundle.path / audit_export.OWN
    whole = path.read_text("utf-8")
    for broken in (
        whole.replace("note 4", "note 5"),
        "".join(whole.splitlines(keepends=True)[1:]),
        "".join(line for line in whole.splitlines(keepends=True) if "note 4" not in line),
    ):
        path.write_text(broken, "utf-8")
        assert not audit_export.verify_export(exporting).ok


@contextmanager
def hosted(entries: list[datetime], *, status: int = 200) -> Iterator[str]:
    """Serve a log as the Management API does: at most a thousand lines, and no word of what was left off."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            since, until = (datetime.fromisoformat(asked[f"iso_timestamp_{end}"]) for end in ("start", "end"))
            assert self.headers["Authorization"] == f"Bearer {TOKEN}"
            assert "auth_audit_logs" in asked["sql"]
            assert until - since <= timedelta(hours=24)
            found = [
                {"id": str(number), "timestamp": round(at.timestamp() * 1_000_000), "event_message": "login"}
                for number, at in enumerate(entries)
                if since <= at <= until
            ]
            body = json.dumps({"result": found[:1000], "error": None}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def with_api(project: Path, url: str) -> None:
    (project.parent / "token").write_text(TOKEN)
    more = (
        "[environments.production.backups]\n"
        f'api = {{ ref = "abcdefghijklmnopqrst", token = "file:{project.parent}/token", url = "{url}" }}'
    )
    (project / "runbooks.toml").write_text(CONFIG.format(root=project.parent, more=more))


def test_the_platforms_own_log_is_exported_whole_however_much_a_second_has(project: Path):
    start = datetime(2026, 9, 10, 8, tzinfo=UTC)
    entries = [start + timedelta(milliseconds=number) for number in range(3500)]
    outside = [datetime(2026, 8, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)]
    edges = [datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)]
    with hosted([*entries, *outside, *edges]) as url:
        with_api(project, url)
        found, _ = exported(project)
    assert found.platform_entries == len(entries) + len(edges)
    lines = (Path(found.bundle or "") / audit_export.PLATFORM).read_text("utf-8").splitlines()
    numbers = [json.loads(line)["id"] for line in lines]
    assert len(set(numbers)) == len(numbers) == found.platform_entries


def test_what_cannot_be_asked_for_whole_is_not_exported(project: Path):
    with hosted([datetime(2026, 9, 10, 8, tzinfo=UTC)] * 1200) as url:
        with_api(project, url)
        with pytest.raises(errors.CheckFailed, match="within a moment"):
            monthly_audit_export.fn(str(project), "production", "2026-09")


def test_a_token_without_the_right_is_refused(project: Path):
    with hosted([], status=403) as url:
        with_api(project, url)
        with pytest.raises(errors.Refused, match="does not have this right"):
            monthly_audit_export.fn(str(project), "production", "2026-09")
