"""A staging database that the files contradict, or that is reached by a wrong road: refused, and left as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import conninfo

from flows.staging_rehearsal import staging_rehearsal
from ops import embedded, errors
from ops.choices import Choices
from ops.verdict import Rehearsal, Verdict
from tests import fix_listening, fix_postgres, projects
from tests.fix_listening import pooled

CONFIG = """\
[project]
contract = []

[environments.staging]
place = "in-place"
database = "env:STAGING_URL"
rehearse = true
"""
MIGRATIONS = "supabase/migrations"
LATE = "20250101000000_late"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shaped: str) -> Path:
    monkeypatch.setenv("STAGING_URL", shaped)
    monkeypatch.delenv("DATASTORE", raising=False)
    found = projects.sound(tmp_path / "project")
    (found / "supabase/tests/notes.test.sql").unlink()
    return projects.write(found, migrations={}, config=CONFIG)


def rehearse(root: Path) -> Rehearsal:
    try:
        return staging_rehearsal.fn(str(root), "staging", Choices(out=str(root / "out")))
    except errors.OpsError as error:
        return Rehearsal.model_validate(error.evidence)


def state(dsn: str) -> list[Any]:
    """Return what a rehearsal would change: the objects, the history and the journal."""
    questions = (
        "select relname, relfilenode from pg_class where relnamespace = 'public'::regnamespace order by 1",
        "select * from supabase_migrations.schema_migrations order by 1",
        "select * from runbooks.journal order by id",
    )
    with psycopg.connect(dsn) as connection:
        return [connection.execute(question.encode()).fetchall() for question in questions]


def assert_refused(root: Path, dsn: str, said: str) -> None:
    before = state(dsn)
    found = rehearse(root)
    assert found.verdict is Verdict.REFUSED
    assert said in found.summary
    assert "Nothing was run" in found.summary
    assert found.bundle
    assert state(dsn) == before


def test_a_file_edited_after_it_was_applied(root: Path, shaped: str) -> None:
    assert rehearse(root).ok
    path = root / MIGRATIONS / f"{projects.TAGS}.sql"
    before = path.read_text()
    path.write_text(before + "comment on table public.tags is 'edited';\n")
    assert_refused(root, shaped, f"{projects.TAGS}.sql: The file was changed in what it does")
    path.write_text(before)
    assert rehearse(root).ok


def test_an_applied_version_without_a_file(root: Path, shaped: str) -> None:
    assert rehearse(root).ok
    (root / MIGRATIONS / f"{projects.TAGS}.sql").unlink()
    assert_refused(root, shaped, "is applied and has no file here")


def test_objects_without_a_history_row(root: Path, shaped: str) -> None:
    assert rehearse(root).ok
    projects.write(root, migrations={"20270101000000_more": "create table public.more (id int);\n"})
    with psycopg.connect(shaped) as connection:
        connection.execute("create table public.more (id int)")
    assert_refused(root, shaped, "1 of the 1 objects it makes exist although its history row does not")


def test_a_version_out_of_order_is_refused_unless_it_is_allowed(root: Path, shaped: str) -> None:
    assert rehearse(root).ok
    projects.write(
        root,
        migrations={LATE: "comment on table public.notes is 'late';\n"},
        rollbacks={LATE: "comment on table public.notes is null;\n"},
    )
    assert_refused(root, shaped, "Give it a version above that one")
    projects.write(root, migrations={}, config=f"{CONFIG}out_of_order = true\n")
    found = rehearse(root)
    assert (found.ok, found.counts.applied) == (True, 1), found.findings


def test_other_hands_and_what_was_not_expected_are_findings(root: Path, shaped: str) -> None:
    assert rehearse(root).ok
    with psycopg.connect(shaped) as connection:
        connection.execute("delete from runbooks.journal where version = %s", (projects.TAGS[:14],))
    projects.write(
        root,
        migrations={"20270101000000_more": "create schema more;\n"},
        rollbacks={"20270101000000_more": "drop schema more;\n"},
        config=f'{CONFIG}expects = ["*_prices.sql"]\n',
    )
    found = rehearse(root)
    assert found.ok, found.findings
    said = "\n".join(found.findings)
    assert "20270101000000_more.sql is pending, and the project does not expect it" in said
    assert "The project expects to touch *_prices.sql, and nothing pending matches" in said
    assert "1 migration was applied by other hands" in said


def test_through_a_session_pooler_it_passes(
    root: Path, listening: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fix_postgres.fresh_database(listening) as name, pooled(listening, "session") as address:
        monkeypatch.setenv("STAGING_URL", conninfo.make_conninfo(address, dbname=name))
        found = rehearse(root)
    assert found.ok, found.findings
    assert (found.counts.applied, found.chain.status) == (3, "proven")


def test_through_a_transaction_pooler_it_is_refused_before_anything_is_locked(
    root: Path, listening: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = "select count(*) from pg_locks where locktype = 'advisory'"
    with fix_postgres.fresh_database(listening) as name, pooled(listening, "transaction") as address:
        monkeypatch.setenv("STAGING_URL", conninfo.make_conninfo(address, dbname=name))
        found = rehearse(root)
        with psycopg.connect(listening.dsn(name)) as connection:
            assert connection.execute(locks).fetchone() == (0,)
            assert connection.execute("select to_regnamespace('runbooks')").fetchone() == (None,)
    assert found.verdict is Verdict.REFUSED
    assert "is a transaction pooler" in found.summary
    assert found.bundle


def test_a_wrong_password_ends_with_the_triage_in_the_bundle(
    root: Path, listening: embedded.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGING_URL", fix_listening.address(listening, password="not the right one"))
    found = rehearse(root)
    assert found.verdict is Verdict.REFUSED
    assert "(2) Reset the database password" in found.summary
    assert found.bundle
    assert not [
        p for p in Path(found.bundle).rglob("*") if p.is_file() and b"not the right one" in p.read_bytes()
    ]
