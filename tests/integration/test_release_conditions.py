"""What a promotion waits for, of the database and of other people's services: incidents, backups, a broken glass."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops import backup_age, database, errors, incidents, project, release_green, reviews
from ops.audit import Log
from ops.evidence import Evidence
from ops.project import Environment
from ops.release_settings import Promotion
from tests import fix_http, fix_people, fix_repository
from tests.fix_repository import git

WORD = "no active incident"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def connection(shaped: str) -> Generator[database.Connection]:
    with database.connect(shaped) as connection:
        yield connection


def refused(found: Evidence, *said: str) -> None:
    assert not found.ok, found
    assert all(part in found.summary for part in said), found.summary


def where(*, guarded: bool = False, **promotion: Any) -> Environment:
    return Environment(name="production", guarded=guarded, promotion=Promotion(**promotion))


class Status:
    """A status page; `code` is what it answers, with `headers`."""

    code = 200
    headers: dict[str, str]

    def __init__(self) -> None:
        self.headers = {}


@contextmanager
def status_page() -> Generator[tuple[Status, str]]:
    status = Status()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/login" else status.code)
            for name, value in status.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with fix_http.serving(Page) as address:
        yield status, f"{address}/status?key=hunter2hunter2"


def test_an_incident_in_the_database(connection: database.Connection):
    connection.execute(b"create table public.incidents (id int, title text, ended_at timestamptz)")
    asked = where(incident_query="select id, title from public.incidents where ended_at is null;")
    found = incidents.check(asked, connection)
    assert (found.ok, found.summary) == (
        True,
        "There is no active incident in production, by incident_query.",
    )
    connection.execute(b"insert into public.incidents values (7, 'the API is slow')")
    refused(incidents.check(asked, connection, word=WORD), "There is 1 active incident: 7; the API is slow")
    connection.execute(b"update public.incidents set ended_at = now()")
    assert incidents.check(asked, connection).ok
    connection.execute(b"drop table public.incidents")
    refused(incidents.check(asked, connection, word=WORD), "It is not known whether", "42P01")
    refused(incidents.check(asked, None, word=WORD), "no connection to ask incident_query on")


@pytest.mark.parametrize(
    "query", ["delete from pg_class", "select 1; select 2", "select pg_notify('a', 'b'), 1/0"]
)
def test_an_incident_query_that_cannot_be_asked_is_not_taken_for_none(
    connection: database.Connection, query: str
):
    refused(incidents.check(where(incident_query=query), connection, word=WORD), "incident_query")


def test_an_incident_on_a_status_page():
    with status_page() as (status, url):
        asked = where(incident_url=url)
        assert incidents.check(asked, None).ok
        for code in (500, 503, 404):
            status.code = code
            refused(incidents.check(asked, None, word=WORD), f"answers {code}")
        status.code, status.headers = 302, {"Location": "/login"}
        refused(incidents.check(asked, None, word=WORD), "leads elsewhere (302)")
        status.code, status.headers = 204, {}
        assert incidents.check(asked, None).ok
    refused(
        incidents.check(asked, None, word=WORD), "It is not known whether", "was not reached (ConnectError)"
    )
    refused(incidents.check(where(incident_url="status page"), None, word=WORD), "was not reached")


def test_a_server_that_hangs_up_says_nothing():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        refused(incidents.check(where(incident_url=url), None), "was not reached")
        thread.join()


def test_all_that_is_configured_is_asked(connection: database.Connection):
    with status_page() as (status, url):
        asked = where(incident_url=url, incident_query="select 1 where false")
        assert "by incident_query and incident_url" in incidents.check(asked, connection).summary
        status.code = 503
        refused(incidents.check(asked, connection), "503")


def test_an_operators_word_counts_where_nothing_is_configured():
    assert "by an operator's word" in incidents.check(where(), None, word=WORD).summary
    refused(incidents.check(where(), None), "configure incident_query or incident_url", f"say {WORD!r}")
    for word in ("No active incident", f"{WORD} ", "none", "yes"):
        refused(incidents.check(where(), None, word=word), f"The operator's word is {word!r}")


def backup(connection: database.Connection | None, asked: Environment, root: Path = Path()) -> Evidence:
    return backup_age.check(asked, connection, root=root, now=NOW)


def test_a_backup_in_the_database(connection: database.Connection):
    connection.execute(b"create table public.backups (ended_at timestamptz, ok boolean)")
    asked = where(backup_query="select max(ended_at) from public.backups where ok")
    refused(backup(connection, asked), "does not return one time", "nothing is promoted to production")
    connection.execute(b"insert into public.backups values ('2026-06-30 10:00Z', true)")
    found = backup(connection, asked)
    assert (found.ok, found.summary) == (
        True,
        "The last good backup of production is 1 d 2 h old (backup_query).",
    )
    connection.execute(b"update public.backups set ended_at = '2026-06-30 09:59Z'")
    refused(backup(connection, asked), "1 d 2 h old, and may be 1 d 2 h", "Take one first")
    connection.execute(b"update public.backups set ended_at = '2026-07-01 12:00:30Z'")
    assert backup(connection, asked).ok, "clocks differ"
    connection.execute(b"update public.backups set ended_at = '2026-07-01 12:30Z'")
    refused(backup(connection, asked), "30 min ahead", "which it cannot be")
    connection.execute(b"update public.backups set ended_at = '2026-07-01 11:15Z'")
    assert "45 min old" in backup(connection, asked).summary
    connection.execute(b"drop table public.backups")
    refused(backup(connection, asked), "backup_query failed", "42P01")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select timestamp '2026-07-01 11:00'", "without a time zone"),
        ("select 'yesterday'", "'yesterday', which is no time"),
        ("select '2026-07-01T11:00:00'", "without a time zone"),
        ("select timestamptz 'infinity'", "backup_query failed"),
        ("select now(), now()", "does not return one time"),
        ("select now() from generate_series(1, 2)", "does not return one time"),
        ("select true", "which is no time"),
        ("update pg_class set relname = relname", "is no query"),
    ],
)
def test_an_age_that_cannot_be_read_is_wrong(connection: database.Connection, query: str, said: str):
    refused(backup(connection, where(backup_query=query)), said)


@pytest.mark.parametrize(
    ("says", "ok"),
    [
        ("2026-07-01T11:00:00Z", True),
        ("2026-07-01 13:00:00+02:00", True),
        (str(int((NOW - timedelta(hours=1)).timestamp())), True),
        ("20260701", False),
        ("2026-07-01", False),
        ("2026-06-01T00:00:00Z", False),
        ("2026-07-02T00:00:00Z", False),
        ("nan", False),
        ("", False),
        ("9" * 12, False),
    ],
)
def test_a_command_says_when_the_backup_was(tmp_path: Path, says: str, ok: bool):
    (tmp_path / "said").write_text(says)
    command = f"{sys.executable} -c \"print('a line before'); print(open('said').read())\""
    assert backup(None, where(backup_command=command), tmp_path).ok is ok


def test_a_command_that_fails_or_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    failing = f"{sys.executable} -c \"print('2026-07-01T11:00:00Z'); raise SystemExit(2)\""
    refused(backup(None, where(backup_command=failing), tmp_path), "exit code 2")
    refused(
        backup(None, where(backup_command="no-such-thing"), tmp_path),
        "is not there",
        "environments.production",
    )
    monkeypatch.setenv("THE_KEY", "seen")
    nosy = f"{sys.executable} -c \"import os; print(os.environ['THE_KEY'])\""
    hidden = backup_age.check(where(backup_command=nosy), None, root=tmp_path, hidden={"THE_KEY"}, now=NOW)
    refused(hidden, "KeyError")


def test_both_sources_must_hold(connection: database.Connection, tmp_path: Path):
    command = f"{sys.executable} -c \"print('2026-01-01T00:00:00Z')\""
    asked = where(backup_command=command, backup_query="select timestamptz '2026-07-01 11:00Z'")
    found = backup(connection, asked, tmp_path)
    refused(found, "(backup_command)")
    assert [bool(row["problem"]) for row in found.rows] == [False, True]


def test_without_a_source_it_is_said_and_a_guarded_environment_is_not_changed():
    found = backup(None, where())
    assert found.ok
    assert found.summary.startswith("NO BACKUP SOURCE IS CONFIGURED for production")
    refused(backup(None, where(guarded=True)), "NO BACKUP SOURCE", "it is guarded, so nothing is promoted")


def test_a_lost_connection_is_tried_again(connection: database.Connection, shaped_admin: str):
    with psycopg.connect(shaped_admin, autocommit=True) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
    with pytest.raises(errors.Unavailable):
        backup(connection, where(backup_query="select now()"))
    with pytest.raises(errors.Unavailable):
        incidents.check(where(incident_query="select 1"), connection)


def test_a_broken_glass_lets_a_commit_through_and_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str, shaped_admin: str
):
    site = fix_people.Site(tmp_path, monkeypatch, shaped)
    site.change(break_glass=True)
    root = fix_repository.with_colours(tmp_path / "shop")
    head = git(root, "rev-parse", "HEAD")
    with database.connect(shaped) as connection:
        log = Log.of(site.environment, tmp_path, connection)

        def green() -> Evidence:
            return release_green.check(project.load(root), site.environment, out=tmp_path, log=log)

        refused(green(), "no evidence")
        log.prepare()
        refused(green(), "no evidence")
        # A row that somebody wrote by hand is none.
        with psycopg.connect(shaped_admin) as admin:
            admin.execute(
                "insert into runbooks.audit_log (id, at, event, environment, run, gate, plan_digest, actor, proof,"
                " note, details, previous, hash) values (1, now(), 'break-glass', 'production', '', 'pr-gate', %s,"
                " 'ada', 'totp', 'let me through', '{}', '', 'guessed')",
                [head],
            )
        refused(green(), "no evidence")
        code = site.code("ada", datetime.now(UTC))
        note = "the fix for the outage of today"
        reviews.override(site.environment, log, head, name="ada", code=code, note=note)
        refused(green(), "nobody else has reviewed that")
        code = site.code("grace", datetime.now(UTC))
        reviews.review(site.environment, log, 2, name="grace", code=code, note="it was right")
        found = green()
        assert found.ok
        assert found.summary.startswith("OVERRIDDEN: There is no evidence")
        assert f"ada broke the glass for it (row 2): {note}" in found.summary
        site.change(break_glass=False)
        refused(green(), "no evidence")
        site.change(break_glass=True)
        fix_repository.committed(root, "another")
        refused(green(), "no evidence")
