"""A whole run, through the terminal and through Prefect, says a password to nobody, in no spelling."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Generator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo, sql

from ops import embedded, marker
from tests import projects
from tests.fix_stack import Desk

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

PASSWORD = "s3cr:t/p@ss w#rd?%&[]{}'\"\\$`|<>;,=+~!^*()é€"
NAME = "staging_with_a_secret"
CONFIG = """\
[environments.staging]
place = "in-place"
database = "file:{secret}"
rehearse = true
"""
# What teams do when they are in a hurry: the password once more, in a file that then fails.
PASTED = """\
do $outer$
begin
    raise exception 'cannot reach %', {literal};
end
$outer$;
"""


@pytest.fixture(scope="module")
def guarded() -> Generator[embedded.Server]:
    """A server where `postgres` has a password with every special character."""
    with embedded.running(listen=True) as server:
        embedded.create_database(server, NAME)
        with psycopg.connect(server.dsn(NAME), autocommit=True) as connection:
            marker.write(connection, "staging", rehearse=True)
        with psycopg.connect(server.dsn(NAME, user=server.superuser), autocommit=True) as connection:
            connection.execute(sql.SQL("alter role postgres password {}").format(sql.Literal(PASSWORD)))
        yield server


def url(server: embedded.Server, password: str = PASSWORD) -> str:
    quoted = urllib.parse.quote(password, safe="")
    return f"postgresql://postgres:{quoted}@127.0.0.1:{server.port}/{NAME}?sslmode=disable"


def keywords(server: embedded.Server) -> str:
    return conninfo.make_conninfo(
        host="127.0.0.1", port=server.port, user="postgres", password=PASSWORD, dbname=NAME, sslmode="disable"
    )


def spellings() -> dict[str, str]:
    """Every way in which the password could stand in a text, and long parts of it."""
    quoted = urllib.parse.quote(PASSWORD, safe="")
    literal = sql.Literal(PASSWORD).as_string(None)
    found = {
        "as it is": PASSWORD,
        "URL": quoted,
        "URL in lower case": urllib.parse.quote(PASSWORD, safe="").lower(),
        "URL with plus": urllib.parse.quote_plus(PASSWORD),
        "JSON": json.dumps(PASSWORD)[1:-1],
        "JSON, not ASCII": json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        "Python": repr(PASSWORD)[1:-1],
        "SQL": literal.removeprefix(" E").strip("'"),
        "conninfo": conninfo.make_conninfo(password=PASSWORD).removeprefix("password="),
        "base64": base64.b64encode(PASSWORD.encode()).decode(),
        "URL-safe base64": base64.urlsafe_b64encode(PASSWORD.encode()).decode(),
    }
    return {**found, "the beginning": PASSWORD[:9], "the end": PASSWORD[-9:], "URL's beginning": quoted[:12]}


def assert_silent(said: dict[str, str]) -> None:
    told = {
        (place, name)
        for place, text in said.items()
        for name, spelling in spellings().items()
        if spelling in text
    }
    assert not told
    assert any(said.values())


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_bytes().decode("utf-8", "replace")
        for path in folder.rglob("*")
        if path.is_file()
    }


def project(tmp_path: Path, dsn: str, *, failing: bool) -> Path:
    """A project whose configuration names the secret, and keeps it elsewhere."""
    secret = tmp_path / "kept" / "staging.dsn"
    secret.parent.mkdir()
    secret.write_text(dsn, "utf-8")
    root = projects.sound(tmp_path / "project")
    (root / "runbooks.toml").write_text(CONFIG.format(secret=secret), "utf-8")
    if failing:
        literal = sql.Literal(PASSWORD).as_string(None)
        file = root / "supabase" / "migrations" / "20260901000000_pasted.sql"
        file.write_text(PASTED.format(literal=literal), "utf-8")
        return root
    return root


def evidence(root: Path) -> dict[str, str]:
    return {name: text for name, text in files(root).items() if name.startswith("artifacts/")}


@pytest.mark.parametrize("written", ["url", "keywords"])
@pytest.mark.parametrize("ends", ["passed", "failed", "refused"])
def test_the_terminal_and_the_evidence_are_silent(
    guarded: embedded.Server, tmp_path: Path, written: str, ends: str
):
    dsn = url(guarded) if written == "url" else keywords(guarded)
    if ends == "refused":
        dsn = dsn.replace(NAME, "no_such_database")
    root = project(tmp_path, dsn, failing=ends == "failed")
    runbooks = Path(sys.executable).parent / "runbooks"
    command = [runbooks, "rehearse", root, "--environment", "staging"]
    done = subprocess.run(
        [*command, "--json", tmp_path / "result.json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PREFECT_LOGGING_LEVEL": "DEBUG"},
    )
    assert done.returncode == {"passed": 0, "failed": 1, "refused": 2}[ends], done.stdout + done.stderr
    said = {"stdout": done.stdout, "stderr": done.stderr, "json": (tmp_path / "result.json").read_text()}
    assert_silent({**said, **evidence(root)})


@pytest.mark.parametrize("ends", ["Completed", "Failed"])
def test_prefect_is_silent(desk: Desk, guarded: embedded.Server, tmp_path: Path, ends: str):
    root = project(tmp_path, url(guarded), failing=ends == "Failed")
    run = desk.rehearse(root, environment="staging")
    assert run.state == ends, run.message
    dump = tmp_path / "prefect.sql"
    assert desk.stack.database.dump("--inserts", "--file", dump)
    database = dump.read_text("utf-8")
    assert str(run.id) in database
    said = {"Prefect's database": database, "message": run.message}
    assert_silent({**said, **files(desk.stack.home), **evidence(root)})


def test_a_refused_login_is_told_without_the_password(desk: Desk, guarded: embedded.Server, tmp_path: Path):
    with psycopg.connect(guarded.dsn(NAME, user=guarded.superuser), autocommit=True) as connection:
        connection.execute("alter role postgres password 'fake-and-other'")
    try:
        root = project(tmp_path, url(guarded), failing=False)
        run = desk.rehearse(root, environment="staging")
        assert run.state != "Completed"
        assert "password authentication failed" in run.message
        dump = tmp_path / "prefect.sql"
        assert desk.stack.database.dump("--inserts", "--file", dump)
        assert_silent({"database": dump.read_text("utf-8"), **files(desk.stack.home), **evidence(root)})
    finally:
        with psycopg.connect(guarded.dsn(NAME, user=guarded.superuser), autocommit=True) as connection:
            connection.execute(sql.SQL("alter role postgres password {}").format(sql.Literal(PASSWORD)))
