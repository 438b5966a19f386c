"""Bad migration files through the whole rehearsal: the right words, and a database that is as it was."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from cli import rehearse
from ops import database, embedded, marker
from ops.choices import Choices
from tests import projects
from tests.bad import contradicted, failed, odd, refused
from tests.bad.kind import FILE, Bad
from tests.fix_postgres import fresh_database

# As a Prefect flow, which other tests look at, before the command makes it a plain function.
importlib.import_module("flows.staging_rehearsal")

CONFIG = """\
[project]
contract = []
[environments.staging]
place = "in-place"
database = "env:BAD_FILES_DATABASE"
rehearse = true
chain = false
lock_timeout = "PT0.2S"
statement_timeout = "PT2S"
"""
PRIVATE = "20260101000001_private"
CREATE_PRIVATE = "create schema private;\n"
# A dump's own random key, and what no transaction takes back.
NOISE = re.compile(r"^(?:\\(?:un)?restrict .*|SELECT pg_catalog\.setval\(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Staging:
    """A project whose first migration is applied in place, the database it is applied to, and what is in that."""

    root: Path
    server: embedded.Server
    name: str
    before: str = ""

    def rehearse(self) -> tuple[int, dict[str, Any]]:
        """Rehearse as `runbooks rehearse` does; return its exit code and what it wrote."""
        out = self.root.parent / "evidence"
        written = self.root.parent / "rehearsal.json"
        code = rehearse.rehearse(self.root, "staging", Choices(out=str(out)), json_file=written)
        return code, json.loads(written.read_text("utf-8"))

    def dump(self) -> str:
        """Return everything that is in the database but the journal's rows, which also say what was tried."""
        dsn = self.server.dsn(self.name, user=self.server.superuser)
        command = [self.server.bindir / "pg_dump", "--exclude-table-data=runbooks.*", dsn]
        return NOISE.sub("", subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def value(self, query: LiteralString) -> object:
        """Return the first value that a query gives."""
        with psycopg.connect(self.server.dsn(self.name)) as connection:
            return (connection.execute(query).fetchone() or (None,))[0]

    def mark(self) -> None:
        """Say of the database that it may be rehearsed on; a copy must be told again."""
        with database.connect(self.server.dsn(self.name)) as connection:
            marker.write(connection, "staging", rehearse=True)


@pytest.fixture(scope="module")
def applied(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Generator[Staging]:
    """The project and the database that each test gets a copy of."""
    root = tmp_path_factory.mktemp("applied") / "project"
    projects.write(
        root,
        migrations={projects.NOTES: projects.CREATE_NOTES, PRIVATE: CREATE_PRIVATE},
        rollbacks={projects.NOTES: projects.DROP_NOTES},
        config=CONFIG,
    )
    with fresh_database(server) as name, pytest.MonkeyPatch.context() as patch:
        staging = Staging(root, server, name)
        staging.mark()
        patch.setenv("BAD_FILES_DATABASE", server.dsn(name))
        code, found = staging.rehearse()
        assert code == 0, found["summary"]
        yield replace(staging, before=staging.dump())


@pytest.fixture
def staging(applied: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Staging]:
    """A copy of both, for one test to spoil."""
    root = shutil.copytree(applied.root, tmp_path / "project")
    with fresh_database(applied.server, template=applied.name) as name:
        copy = replace(applied, root=root, name=name)
        copy.mark()
        monkeypatch.setenv("BAD_FILES_DATABASE", applied.server.dsn(name))
        yield copy


def of_file(found: dict[str, Any], file: str) -> dict[str, Any]:
    return next(each for each in found["migrations"] if each["file"] == file)


def a_bad_file(*cases: Bad) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", cases, ids=lambda bad: bad.name)


@a_bad_file(*refused.REFUSED)
def test_a_bad_file_is_refused_before_anything_runs(staging: Staging, bad: Bad) -> None:
    bad.write(staging.root)
    (staging.root / "supabase/migrations/20260101000002_good.sql").write_text(
        "create table public.good ();\n"
    )
    code, found = staging.rehearse()
    assert (code, found["verdict"]) == (2, "refused")
    result = of_file(found, bad.file)
    assert result["status"] == "refused"
    error = result["error"]
    assert bad.says in error["message"]
    assert (error["file"], error["line"], error["column"]) == (bad.file, bad.line, bad.column)
    assert bad.file in found["summary"]
    assert "Nothing was run" in found["summary"]
    assert staging.dump() == staging.before


@a_bad_file(*failed.FAILED)
def test_a_bad_file_fails_and_leaves_nothing(staging: Staging, bad: Bad) -> None:
    bad.write(staging.root)
    code, found = staging.rehearse()
    assert (code, found["verdict"]) == (1, "failed")
    result = of_file(found, bad.file)
    assert result["status"] == "failed"
    error = result["error"]
    assert (error["file"], error["line"], error["column"], error["sqlstate"]) == (
        bad.file,
        bad.line,
        bad.column,
        bad.sqlstate,
    )
    assert bad.says in error["message"]
    assert staging.dump() == staging.before


@a_bad_file(*contradicted.CONTRADICTED)
def test_what_the_database_contradicts_is_refused(staging: Staging, bad: Bad) -> None:
    bad.write(staging.root)
    code, found = staging.rehearse()
    assert (code, found["verdict"]) == (2, "refused")
    assert bad.file in found["summary"]
    assert bad.says in found["summary"]
    assert "Nothing was run" in found["summary"]
    assert staging.dump() == staging.before


@pytest.mark.parametrize("case", odd.ODD, ids=lambda case: case.name)
def test_an_odd_file_runs_and_what_is_odd_is_said(staging: Staging, case: odd.Odd) -> None:
    case.write(staging.root)
    code, found = staging.rehearse()
    assert (code, found["verdict"]) == (0, "passed"), found["summary"]
    result = of_file(found, FILE)
    assert (result["status"], result["transactional"]) == ("applied", case.transactional)
    assert any(case.finding in said for said in result["findings"]) or not case.finding
    assert staging.value("select to_regclass('private.good') is not null")
    assert (
        staging.value("select pg_get_userbyid(relowner) from pg_class where relname = 'notes_after'")
        == "postgres"
    )


@pytest.mark.parametrize("content", odd.EMPTY.values(), ids=odd.EMPTY)
def test_a_file_without_a_statement_is_applied(staging: Staging, content: bytes) -> None:
    (staging.root / FILE).write_bytes(content)
    code, found = staging.rehearse()
    assert code == 0
    assert of_file(found, FILE)["status"] == "applied"
    assert any("holds no statement" in said for said in of_file(found, FILE)["findings"])
    assert staging.value("select count(*) from supabase_migrations.schema_migrations") == 3


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("_no_version.sql", "its name is not <digits>_<name>.sql"),
        ("no_version.sql", "its name is not <digits>_<name>.sql"),
        ("20260102000000.sql", "its name is not <digits>_<name>.sql"),
        ("20260102000000-dash.sql", "its name is not <digits>_<name>.sql"),
        ("v1_old.sql", "its name is not <digits>_<name>.sql"),
        ("20260102000000_upper.SQL", "its name is not <digits>_<name>.sql"),
        ("20260102000000_folder.sql/part.sql", "is a folder, which the Supabase CLI skips"),
        ("20260102000000_x.down.sql", "is taken for a rollback script and is not applied"),
    ],
)
def test_what_the_supabase_cli_would_skip_is_skipped_and_said(staging: Staging, file: str, says: str) -> None:
    path = staging.root / "supabase/migrations" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("select 1/0;\n")
    code, found = staging.rehearse()
    assert (code, found["counts"]["pending"]) == (0, 0)
    said = [each for each in found["findings"] if file.partition("/")[0] in each]
    assert [says in each for each in said] == [True]
    assert staging.dump() == staging.before


def test_what_a_file_commits_itself_before_its_error_stays_and_is_not_recorded(staging: Staging) -> None:
    text = "begin;\ncreate table private.a ();\ncommit;\nbegin;\ncreate table private.b ();\nselect 1/0;\ncommit;\n"
    (staging.root / FILE).write_text(text)
    code, found = staging.rehearse()
    result = of_file(found, FILE)
    assert (code, result["status"], result["transactional"]) == (1, "failed", False)
    assert (result["error"]["line"], result["error"]["column"], result["error"]["sqlstate"]) == (
        6,
        1,
        "22012",
    )
    assert any("makes 2 units of it" in said for said in result["findings"])
    assert staging.value("select to_regclass('private.a') is not null and to_regclass('private.b') is null")
    assert staging.value("select count(*) from supabase_migrations.schema_migrations") == 2


def test_a_lock_that_another_session_keeps_is_waited_for_three_times(staging: Staging) -> None:
    (staging.root / FILE).write_text("select 1;\nalter table public.notes add a int;\n")
    with psycopg.connect(staging.server.dsn(staging.name)) as other:
        other.execute("lock table public.notes in access share mode")
        code, found = staging.rehearse()
    result = of_file(found, FILE)
    assert (code, result["status"], result["attempts"]) == (1, "failed", 3)
    assert (result["error"]["sqlstate"], result["error"]["line"]) == ("55P03", 2)
    assert staging.dump() == staging.before


def test_a_file_that_ends_its_own_connection_leaves_nothing(staging: Staging) -> None:
    (staging.root / FILE).write_text(
        "create table private.a ();\nselect pg_terminate_backend(pg_backend_pid());\n"
    )
    code, found = staging.rehearse()
    assert (code, found["verdict"]) == (3, "unavailable")
    assert "the connection was lost 3 times" in found["summary"]
    assert f"{FILE}:2:1" in found["summary"]
    assert staging.dump() == staging.before


def test_a_file_that_fails_holds_up_those_after_it(staging: Staging) -> None:
    (staging.root / FILE).write_text("select 1/0;\n")
    after = "supabase/migrations/20260103000000_after.sql"
    (staging.root / after).write_text("create table private.a ();\n")
    code, found = staging.rehearse()
    assert (code, of_file(found, after)["status"]) == (1, "skipped")
    assert staging.dump() == staging.before
    (staging.root / FILE).write_text("select 1;\n")
    code, found = staging.rehearse()
    assert (code, of_file(found, FILE)["status"], of_file(found, after)["status"]) == (
        0,
        "applied",
        "applied",
    )
