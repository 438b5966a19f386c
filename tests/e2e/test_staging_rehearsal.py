"""The staging rehearsal through a real Prefect server, a real worker and its deployment."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from ops import embedded, manifest, marker
from ops.verdict import Verdict
from tests import projects, unchanged
from tests.fix_postgres import fresh_database
from tests.fix_stack import Desk
from tests.polling import wait_until

pytestmark = [pytest.mark.xdist_group("prefect"), pytest.mark.timeout(600)]

IN_PLACE = """\
[environments.staging]
place = "in-place"
database = "file:{secret}"
rehearse = true
on_failure = "{on_failure}"
lock_timeout = 60
"""
ASKING = """\
[project]
contract = []

[environments.throw-away]
on_failure = "ask"
"""
MENDED = "create table public.labels (id bigint primary key, colour text);\n"
HELD = """\
select pg_advisory_xact_lock(4711);
create table public.slow (id bigint primary key);
alter table public.slow enable row level security;
create policy "slow is read" on public.slow for select to authenticated using (true);
"""


@pytest.fixture
def staging(server: embedded.Server, tmp_path: Path):
    """A staging database that says of itself that it may be rehearsed on, and the file with its DSN."""
    with fresh_database(server) as name:
        dsn = server.dsn(name)
        with psycopg.connect(dsn, autocommit=True) as connection:
            marker.write(connection, "staging", rehearse=True)
        secret = tmp_path / "staging.dsn"
        secret.write_text(dsn, "utf-8")
        yield secret


def in_place(project: Path, secret: Path, *, on_failure: str = "stop") -> Path:
    config = IN_PLACE.format(secret=secret, on_failure=on_failure)
    (project / "runbooks.toml").write_text(config, "utf-8")
    return project


def asked(secret: Path, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(secret.read_text("utf-8")) as connection:
        return connection.execute(question.encode()).fetchall()


def table(data: object) -> list[dict[str, object]]:
    return json.loads(str(data))


def test_a_sound_project_passes_and_the_run_reads_as_the_runbook(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.sound(tmp_path))
    assert (run.state, run.result.verdict) == ("Completed", Verdict.PASSED), run.message
    assert run.name == f"Rehearse {tmp_path} on throw-away"
    migrations = (projects.NOTES, projects.TAGS, projects.COLOURS)
    proofs = [
        title for key in migrations for title in (f"Apply {key}.sql", f"Prove the rollback of {key}.sql")
    ]
    first = ["Check connectivity", "Take hold of the database", "Find pending migrations", "Refuse bad files"]
    assert run.titles[0].startswith("Plan the rehearsal of ")
    assert run.titles[1:11] == [*first, *proofs]
    assert run.titles[-1] == "Hand off"
    assert all(step.ok and step.summary for step in run.steps)
    assert manifest.verify(run.bundle).ok


def test_every_step_shows_its_evidence(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.sound(tmp_path))
    assert run.state == "Completed", run.message
    shown = {each.key for each in desk.artifacts(run.id)}
    assert shown >= {
        "connectivity",
        "inventory",
        "applied",
        "rollback",
        "contract",
        "rls-coverage",
        "verdict",
    }
    assert run.artifact("progress").data == 100.0
    assert run.artifact("progress").description == "3 of 3 migrations"
    inventory = table(run.artifact("inventory").data)
    assert len(inventory) == 3
    assert run.result.counts.rollbacks_proven == 3
    assert "3 pending migrations apply, 3 rollbacks are proven." in str(run.artifact("verdict").data)


def test_a_bad_file_is_refused_before_anything_runs(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.refused_file(tmp_path))
    assert (run.state, run.result.verdict) == ("Failed", Verdict.REFUSED)
    assert f"{projects.TAGS}.sql" in run.message
    assert "NUL" in run.message
    assert "Nothing was run." in run.message
    assert run.titles[-2:] == ["Refuse bad files", "Hand off what there is"]
    assert run.step("Refuse bad files").ok is False
    assert [row["file"] for row in table(run.artifact("files").data)] == [
        f"supabase/migrations/{projects.TAGS}.sql"
    ]
    assert "# REFUSED" in str(run.artifact("broken-off").data)


def test_an_unknown_environment_is_refused_with_the_ones_that_there_are(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.plain(tmp_path), environment="stagging")
    assert run.state == "Failed"
    assert "has no environment 'stagging'" in run.message
    assert [step.title for step in run.steps if not step.ok] == run.titles


def test_a_failed_migration_is_named_with_its_place(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.failing_migration(tmp_path))
    assert (run.state, run.result.verdict) == ("Failed", Verdict.FAILED)
    failed = run.step(f"Apply {projects.TAGS}.sql")
    assert failed.ok is False
    assert f"{projects.TAGS}.sql:3:" in failed.summary
    assert "42P01" in failed.summary
    statuses = {each.version: each.status for each in run.result.migrations}
    assert list(statuses.values()) == ["applied", "failed", "skipped"]
    assert "1 migration failed" in run.message


def test_a_rollback_that_does_not_restore_fails_the_run_and_names_what_differs(desk: Desk, tmp_path: Path):
    run = desk.rehearse(projects.leaving_rollback(tmp_path))
    assert (run.state, run.result.verdict) == ("Failed", Verdict.FAILED)
    differs = table(run.artifact("rollback").data)
    assert [row["kind"] for row in differs if str(row["object"]).startswith("public.slug(")] == ["function"]
    assert run.step(f"Prove the rollback of {projects.TAGS}.sql").ok is False


def test_run_twice_in_place_it_applies_nothing_twice(desk: Desk, tmp_path: Path, staging: Path):
    project = in_place(projects.sound(tmp_path), staging)
    first = desk.rehearse(project, environment="staging")
    assert (first.state, first.result.counts.applied) == ("Completed", 3), first.message
    second = desk.rehearse(project, environment="staging")
    assert (second.state, second.result.counts.pending) == ("Completed", 0), second.message
    assert first.bundle != second.bundle
    assert len(asked(staging, "select from supabase_migrations.schema_migrations")) == 3
    assert asked(staging, "select count(*) from public.notes") == [(5,)]


def test_killed_in_the_middle_of_a_migration_it_goes_on_when_run_again(
    desk: Desk, tmp_path: Path, staging: Path
):
    project = projects.write(
        tmp_path,
        migrations={projects.NOTES: projects.CREATE_NOTES, projects.TAGS: HELD},
        rollbacks={projects.NOTES: projects.DROP_NOTES, projects.TAGS: "drop table public.slow;\n"},
        contract=projects.CONTRACT,
    )
    in_place(project, staging)
    waiting = "select from pg_stat_activity where wait_event = 'advisory' and query ~ '4711'"
    with psycopg.connect(staging.read_text("utf-8"), autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(4711)")
        run = desk.start(project, environment="staging")
        wait_until(lambda: bool(asked(staging, waiting)), seconds=60)
        desk.process(run.id).kill()
        desk.wait_for(run.id, "Crashed")
    wait_until(lambda: not asked(staging, waiting))
    assert asked(staging, "select to_regclass('public.slow')") == [(None,)]

    again = desk.rehearse(project, environment="staging")
    assert (again.state, again.result.verdict) == ("Completed", Verdict.PASSED), again.message
    history = asked(staging, "select version from supabase_migrations.schema_migrations order by version")
    assert [version for (version,) in history] == [projects.NOTES[:14], projects.TAGS[:14]]
    assert asked(staging, "select count(*) from public.notes") == [(5,)]


def broken(tmp_path: Path, config: str = ASKING) -> Path:
    project = projects.failing_migration(tmp_path)
    (project / "runbooks.toml").write_text(config, "utf-8")
    return project


def mend(project: Path) -> None:
    (project / "supabase" / "migrations" / f"{projects.TAGS}.sql").write_text(MENDED, "utf-8")


def test_asked_a_mended_file_is_replayed(desk: Desk, tmp_path: Path):
    run = desk.rehearse(broken(tmp_path))
    assert run.state == "Suspended"
    assert "'decision' is a required property" in desk.refusal(run.id)
    mend(run.project)
    run = run.resumed("replay", "the table was made in the dashboard")
    assert [each.status for each in run.result.migrations] == ["applied"] * 3
    assert manifest.verify(run.bundle).ok


def test_asked_in_place_what_was_applied_before_the_question_stays(desk: Desk, tmp_path: Path, staging: Path):
    project = in_place(projects.failing_migration(tmp_path), staging, on_failure="ask")
    run = desk.rehearse(project, environment="staging")
    assert run.state == "Suspended"
    mend(project)
    run = run.resumed("replay")
    assert run.result.counts.failed == 0, run.message
    assert len(asked(staging, "select from supabase_migrations.schema_migrations")) == 3
    assert asked(staging, "select count(*) from public.notes") == [(5,)]


def test_asked_to_skip_it_goes_on_with_the_others(desk: Desk, tmp_path: Path):
    run = desk.rehearse(broken(tmp_path)).resumed("skip", "known, it comes next week")
    assert run.state == "Failed"
    assert [each.status for each in run.result.migrations] == ["applied", "failed", "applied"]
    assert any("chose to skip: known, it comes next week" in each for each in run.result.findings)


def test_asked_to_stop_it_leaves_the_others(desk: Desk, tmp_path: Path):
    run = desk.rehearse(broken(tmp_path)).resumed("stop")
    assert run.state == "Failed"
    assert [each.status for each in run.result.migrations] == ["applied", "failed", "skipped"]


def test_after_three_replays_nobody_is_asked_again(desk: Desk, tmp_path: Path):
    run = desk.rehearse(broken(tmp_path))
    for number in range(3):
        assert run.state == "Suspended", f"question {number + 1}"
        file = run.project / "supabase" / "migrations" / f"{projects.TAGS}.sql"
        file.write_text(f"-- try {number}\n{file.read_text('utf-8')}", "utf-8")
        run = run.resumed("replay")
    assert run.state == "Failed"
    assert [each.status for each in run.result.migrations] == ["applied", "failed", "skipped"]
    assert any("3 replays are used up" in each for each in run.result.findings)


GUARDED = """\
[environments.production]
database = "file:{secret}"
guarded = true

[environments.staging]
place = "in-place"
database = "file:{secret}"
rehearse = true
"""


ROADS = {
    "its name": {"environment": "production"},
    "another name": {"environment": "staging"},
    "its DSN": {"environment": "throw-away"},
}


@pytest.mark.parametrize("road", ROADS)
def test_a_guarded_database_is_refused_by_name_and_nothing_is_written_there(
    desk: Desk, tmp_path: Path, shaped: str, shaped_admin: str, road: str
):
    secret = tmp_path / "production.dsn"
    secret.write_text(shaped, "utf-8")
    project = projects.sound(tmp_path / "shop")
    (project / "runbooks.toml").write_text(GUARDED.format(secret=secret), "utf-8")
    before = unchanged.seen(shaped_admin)
    run = desk.rehearse(
        project, **ROADS[road], **({"database": f"file:{secret}"} if road == "its DSN" else {})
    )
    assert run.state == "Failed"
    assert "the environment 'production'" in run.message.replace("The", "the")
    assert "guarded: a rehearsal changes the schema and is refused there" in run.message
    assert unchanged.seen(shaped_admin) == before
