"""A restore of production, in this process, on a database that is really set back to an earlier state."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from ops import database, embedded, errors, prod_restore_verify
from tests import fix_app, fix_pause, fix_restored
from tests.fix_restored import Past

APPROVED, REJECTED = ("approve", "ada", ""), ("reject", "ada", "not yet")


@pytest.fixture
def project(tmp_path: Path, shaped: str) -> Path:
    fix_app.execute(shaped, fix_pause.TABLES)
    # Where its clock shows another hour than ours, moments are compared, not words.
    zone = "execute format('alter database %I set timezone to %L', current_database(), 'America/New_York')"
    fix_app.execute(shaped, f"do $$ begin {zone}; end $$")
    root = fix_pause.write(tmp_path, shaped)
    smoke = root / "supabase" / "smoke"
    smoke.mkdir(parents=True)
    (smoke / "notes.sql").write_text("select 1 from public.notes;\n", "utf-8")
    (smoke / "enough.sql").write_text("select count(*) > 3 from public.notes;\n", "utf-8")
    return root


@pytest.fixture
def past(server: embedded.Server, shaped_name: str, project: Path) -> Generator[Past]:
    assert project.is_dir()
    found = Past(server, shaped_name)
    yield found
    found.forget()


def writable(dsn: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set role service_role")
        try:
            connection.execute("insert into public.notes default values")
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction):
            return False
    return True


def folder(project: Path) -> Path:
    return max(project.glob("artifacts/ops/*/prod-restore_*"), key=lambda path: path.stat().st_mtime_ns)


def test_from_the_pause_to_the_report(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    before = fix_pause.acls(shaped)
    fix_app.execute(shaped, "delete from public.notes")

    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    assert writable(shaped), "a rejected pause has done nothing"
    assert fix_pause.acls(shaped) == before

    asked = fix_restored.answering(monkeypatch, APPROVED, REJECTED)
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, past.at)
    assert not writable(shaped)
    assert "Have Supabase's support restore" in asked[3]

    fix_restored.answering(monkeypatch, ("approve", "ada", fix_restored.note()))
    with pytest.raises(errors.CheckFailed, match="was not restored to before it"):
        fix_restored.run(project, past.at)

    past.come_back()
    assert writable(shaped), "a restore has forgotten the pause"
    fix_app.execute(shaped, "delete from public.notes where body = ''")
    asked = fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied, match="Writes are still paused"):
        fix_restored.run(project, past.at)
    assert len(asked) == 3, "only whether it is right is asked; the ticket was said"
    assert "Everything that was looked at holds" in asked[0]
    assert not writable(shaped)

    fix_restored.answering(monkeypatch, ("approve", "grace", "the notes are there"))
    found = fix_restored.run(project, past.at, root_cause="operator", cause="a WHERE was missing")
    assert (found.verdict, found.state) == ("passed", "enabled")
    assert writable(shaped)
    assert found.loss
    rows = {row["table"]: row for row in found.loss.tables}
    assert rows["public.notes"]["fewer"] == -4, "one was there at the pause, and five came back"
    assert found.loss.audit_rows
    said = [row["what"] for row in found.timeline]
    assert said.index("writes are paused") < said.index("a restored database is found")
    assert said.index("a restored database is found") < said.index("writes are re-enabled")
    kept = folder(project)
    assert json.loads((kept / "prod-restore.json").read_text())["ticket"]["ticket"] == "SU-4711"
    report = (kept / "incident-report.md").read_text()
    assert "operator: a WHERE was missing" in report
    assert "gate verified-read-only: approved: the notes are there | grace" in report

    fix_restored.answering(monkeypatch, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, datetime.now(UTC).isoformat().replace("+00:00", "Z")[:19] + "Z")


def test_a_smoke_query_that_says_false_does_not_hold(project: Path, shaped: str):
    with database.connect(shaped) as connection:
        for text, said in (
            ("select true", ""),
            ("select 1 from public.notes; select count(*) > 5 from public.notes", "query 2 says false"),
            ("select 1 where false", "query 1 returns no row"),
        ):
            assert prod_restore_verify.wrong(connection, text, "enough.sql") == said


def test_giving_up_re_enables_writes_without_a_restore(
    project: Path, past: Past, shaped: str, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(errors.Refused, match="nothing to give up"):
        fix_restored.run(project, "", give_up=True)
    before = fix_pause.acls(shaped)
    fix_restored.answering(monkeypatch, APPROVED, REJECTED)
    with pytest.raises(errors.Denied):
        fix_restored.run(project, past.at)
    asked = fix_restored.answering(monkeypatch, APPROVED)
    found = fix_restored.run(project, "", give_up=True)
    assert found.ok
    assert "Restore nothing" in asked[0]
    assert found.loss is None
    assert fix_pause.acls(shaped) == before
