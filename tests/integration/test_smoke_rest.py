"""The smoke through a real PostgREST: what others could see for a moment is gone afterwards, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ops import database, deploys, embedded, errors, smoke, smoke_rest, smoke_rows
from ops.deploy_verdict import Found
from ops.sample_rows import Row
from ops.written_tables import Table
from tests import fix_app, fix_command, fix_http, fix_postgres, fix_postgrest
from tests.polling import wait_until

LEFT = "select from runbooks.smoke_rows"
MARKED = "select count(*) from public.notes where body like '%runbooks-smoke-%'"
TABLES = """\
create table public.notes (id uuid primary key default gen_random_uuid(), body text not null,
    at timestamptz default now());
create table public.events (id bigserial primary key, name text not null);
create table public.counted (id bigint generated always as identity primary key, name text not null);
grant all on all tables in schema public to service_role;
grant all on all sequences in schema public to service_role;
insert into public.notes (body) values ('of somebody');
"""


@dataclass
class Site:
    """An app whose data goes through an API."""

    project: Path
    dsn: str
    admin: str
    rest: fix_postgrest.PostgRest

    def smoked(self) -> tuple[Found, list[str]]:
        with fix_app.look(self.project) as gate:
            return smoke.check(gate), gate.findings

    def contents(self) -> object:
        return fix_app.contents(self.admin)

    def configure(self, deploy: str, key: str | None = None) -> None:
        environment = f'api = "{self.rest.url}"\napi_key = "file:{self.project.parent / "key"}"'
        (self.project.parent / "key").write_text(key or self.rest.key, "utf-8")
        fix_app.write(self.project.parent, self.dsn, deploy=deploy, environment=environment)


@pytest.fixture(scope="module")
def shared(server: embedded.Server) -> Generator[tuple[str, fix_postgrest.PostgRest]]:
    with fix_postgres.fresh_database(server) as name:
        fix_app.execute(server.dsn(name), TABLES)
        with fix_postgrest.postgrest(server, name) as rest:
            yield name, rest


@pytest.fixture
def site(server: embedded.Server, shared: tuple[str, fix_postgrest.PostgRest], tmp_path: Path) -> Site:
    name, rest = shared
    site = Site(tmp_path / "app", server.dsn(name), server.dsn(name, user=server.superuser), rest)
    site.configure('tables = ["notes", "events"]')
    with database.connect(site.dsn) as connection:
        deploys.prepare(connection)
    return site


def test_rows_are_written_through_the_api_and_gone_afterwards(site: Site):
    before = site.contents()
    found, _ = site.smoked()
    assert found.ok, found.summary
    assert [(row["table"], row["path"], row["came to"]) for row in found.rows] == [
        ("public.notes", "API", "deleted"),
        ("public.events", "API", "deleted"),
    ]
    assert site.contents() == before
    assert fix_app.ask(site.admin, LEFT) == []


def test_what_would_leave_a_trace_goes_through_the_dsn(site: Site):
    before = site.contents()
    site.configure('tables = ["counted"]')
    found, findings = site.smoked()
    assert found.ok, found.summary
    assert [(row["table"], row["path"]) for row in found.rows] == [("public.counted", "DSN")]
    assert any("a number would be used up" in finding for finding in findings)
    assert site.contents() == before


@pytest.mark.parametrize("right", ["insert", "select", "update", "delete"])
def test_a_right_that_the_key_has_not_is_found_and_nothing_is_left(site: Site, right: str):
    before = site.contents()
    fix_app.execute(site.dsn, f"revoke {right} on public.notes from service_role")
    try:
        found, _ = site.smoked()
    finally:
        fix_app.execute(site.dsn, f"grant {right} on public.notes to service_role")
    assert not found.ok
    assert "permission denied for table notes" in found.summary
    assert site.contents() == before


def test_a_wrong_key_is_found_and_not_shown(site: Site):
    site.configure('tables = ["notes"]', key="eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.wrong-wrong")
    found, _ = site.smoked()
    assert not found.ok
    assert "the API says 401 to POST" in found.summary
    assert "eyJ" not in found.model_dump_json()


def test_an_api_that_does_not_answer_is_unavailable(site: Site):
    key = site.project.parent / "key"
    environment = f'api = "http://127.0.0.1:9/"\napi_key = "file:{key}"'
    fix_app.write(site.project.parent, site.dsn, deploy='tables = ["notes"]', environment=environment)
    with pytest.raises(errors.Unavailable, match="does not answer"):
        site.smoked()


@pytest.mark.parametrize(
    ("path", "asked"), [("", "/rest/v1/notes"), ("/", "/notes"), ("/api/", "/api/notes")]
)
def test_a_projects_own_address_is_that_of_its_rest_api(path: str, asked: str):
    seen: list[tuple[str, str | None]] = []

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.headers["apikey"]))
            self.send_response(201)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    row = Row(Table("public", "notes", 0), {"id": 1}, ("id",), None, None, True, False)
    with (
        fix_http.serving(Asked) as address,
        closing(smoke_rest.Api(f"{address}{path}", "a key")) as api,
    ):
        api.insert(row)
    assert seen == [(asked, "a key")]


def test_only_one_at_a_time(site: Site):
    with smoke_rows.alone(site.dsn, "another"), pytest.raises(errors.Unavailable, match="Another smoke"):
        site.smoked()


KILLED = """\
import sys
from pathlib import Path
from ops import smoke, smoke_rest
from tests import fix_app
def held(*_):
    print("written", flush=True)
    sys.stdin.read()
setattr(smoke_rest.Api, sys.argv[2], held)
with fix_app.look(Path(sys.argv[1])) as gate:
    smoke.check(gate)
"""


@pytest.mark.parametrize("at", ["insert", "find", "change", "delete"])
def test_what_a_killed_one_left_is_removed_by_who_stands_by(site: Site, at: str):
    site.smoked()
    before = site.contents()
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(site.project), at],
        env={**os.environ, "PYTHONPATH": str(fix_command.ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"written\n"
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    # The victim's rows are struck off by whoever stands by, and what had not been written yet by the next smoke.
    wait_until(lambda: site.contents() == before or (at == "insert" and fix_app.ask(site.admin, LEFT)))
    assert fix_app.ask(site.admin, MARKED) == [(0,)]
    found, _ = site.smoked()
    assert found.ok, found.summary
    assert site.contents() == before


@pytest.mark.parametrize("at", ["insert", "find", "change", "delete"])
def test_killed_with_all_that_it_started_the_next_one_removes_what_is_left(
    site: Site, at: str, monkeypatch: pytest.MonkeyPatch
):
    # What another test's victim has left may still be on its way out.
    wait_until(lambda: fix_app.ask(site.admin, MARKED) == [(0,)])
    before = site.contents()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(smoke_rest.Api, at, killed)
    monkeypatch.setattr(smoke_rows, "_take_back", killed)
    with pytest.raises(KeyboardInterrupt):
        site.smoked()
    monkeypatch.undo()
    left = int(at != "insert")
    assert fix_app.ask(site.admin, MARKED) == [(left,)]
    found, findings = site.smoked()
    assert found.ok, found.summary
    said = "A smoke that was killed had left a row in public.notes; it is removed."
    assert (said in findings) is bool(left)
    assert fix_app.ask(site.admin, LEFT) == []
    assert site.contents() == before


@pytest.mark.parametrize("at", ["insert", "find", "change", "delete"])
@pytest.mark.parametrize("reached", [True, False], ids=["answer lost", "request lost"])
def test_an_api_that_stops_answering_midway_leaves_nothing(
    site: Site, at: str, reached: bool, monkeypatch: pytest.MonkeyPatch
):
    before = site.contents()
    act = getattr(smoke_rest.Api, at)

    def lost(api: smoke_rest.Api, row: Row) -> None:
        if reached:
            act(api, row)
        raise errors.Unavailable("The API does not answer.")

    monkeypatch.setattr(smoke_rest.Api, at, lost)
    with pytest.raises(errors.Unavailable) as caught:
        site.smoked()
    there = (at, reached) not in {("insert", False), ("delete", True)}
    said = (
        "is taken back by SQL." if there else "should the API write it late, the next smoke takes it back, or"
    )
    assert said in str(caught.value)
    assert fix_app.ask(site.admin, MARKED) == [(0,)]
    monkeypatch.undo()
    assert site.smoked()[0].ok
    assert site.contents() == before


def test_what_cannot_be_taken_back_is_said_with_the_statement_that_does(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    before = site.contents()

    def lost(*_: object) -> None:
        raise errors.Unavailable("It does not answer.")

    monkeypatch.setattr(smoke_rest.Api, "find", lost)
    monkeypatch.setattr(smoke_rows, "_take_back", lost)
    with pytest.raises(errors.Unavailable, match="MAY STILL BE THERE") as caught:
        site.smoked()
    assert fix_app.ask(site.admin, MARKED) == [(1,)]
    statement = str(caught.value).partition("or somebody does: ")[2]
    assert statement.startswith('delete from "public"."notes" where "id" = ')
    fix_app.execute(site.dsn, statement)
    monkeypatch.undo()
    assert site.smoked()[0].ok
    assert site.contents() == before


def test_a_row_that_the_dsn_cannot_see_is_said_with_the_statement_that_deletes_it(site: Site):
    before = site.contents()
    fix_app.execute(
        site.admin,
        "create function public.gone() returns trigger language plpgsql as $$ begin return null; end $$;"
        "create trigger gone before delete on public.notes for each row execute function public.gone()",
    )
    try:
        found, _ = site.smoked()
    finally:
        fix_app.execute(site.admin, "drop function public.gone() cascade")
    assert not found.ok
    assert "hidden from the DSN's role: delete from" in found.summary
    assert fix_app.ask(site.admin, MARKED) == [(1,)]
    _, findings = site.smoked()
    assert any("had left a row in public.notes" in finding for finding in findings)
    assert site.contents() == before


def test_a_change_that_is_swallowed_is_found(site: Site):
    before = site.contents()
    fix_app.execute(
        site.admin,
        "create function public.kept() returns trigger language plpgsql as $$ begin"
        " new.body := old.body; new.at := now() + interval '1 hour'; return new; end $$;"
        "create trigger kept before update on public.notes for each row execute function public.kept()",
    )
    try:
        found, _ = site.smoked()
    finally:
        fix_app.execute(site.admin, "drop function public.kept() cascade")
    assert "public.notes: the change of the row is taken and reads as before" in found.summary
    assert site.contents() == before


def test_what_is_no_postgrest_is_found_and_nothing_is_left(site: Site):
    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    key = site.project.parent / "key"
    with fix_http.serving(Page) as address:
        environment = f'api = "{address}/"\napi_key = "file:{key}"'
        fix_app.write(site.project.parent, site.dsn, deploy='tables = ["notes"]', environment=environment)
        found, _ = site.smoked()
    assert "what answers 200 at the API's address is no PostgREST" in found.summary
    assert fix_app.ask(site.admin, LEFT) == []
