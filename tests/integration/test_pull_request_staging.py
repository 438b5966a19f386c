"""The live staging beside a branch: what it has applied, what it has beside that, and that it is only read."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from psycopg import conninfo

from ops import database, drift, embedded, errors, pull_request_note, schema
from ops.pull_request_result import PullRequest
from ops.verdict import Verdict
from tests import fix_repository, projects
from tests.fix_postgres import fresh_database
from tests.fix_repository import migration
from tests.fix_staging import StagingDatabase
from tests.judging import judged

MORE = "20260102120000_more"
CREATE_MORE = """
create type public.mood as enum ('sad', 'ok');
create function public.twice(a int) returns int language sql as 'select a * 2';
grant select on public.notes to anon;
"""
DROP_MORE = (
    "revoke select on public.notes from anon; drop function public.twice(int); drop type public.mood;\n"
)
CHANGES = {
    "a changed predicate with the same policy name": (
        'alter policy "owners manage their notes" on public.notes using (true)',
        'policy public.notes."owners manage their notes"',
    ),
    "a revoked grant": (
        "revoke select on public.tags from authenticated",
        "grant table public.tags to authenticated",
    ),
    "RLS switched off": ("alter table public.tags disable row level security", "table public.tags"),
    "a changed function body": (
        "create or replace function public.twice(a int) returns int language sql as 'select a * 3'",
        "function public.twice(integer)",
    ),
    "a dropped default": ("alter table public.notes alter body drop default", "column public.notes.body"),
    "a new enum value": ("alter type public.mood add value 'glad'", "type public.mood"),
    "an index made INVALID": (
        "update pg_index set indisvalid = false where indexrelid = 'public.tags_label_idx'::regclass",
        "index public.tags_label_idx",
    ),
    "a table of the dashboard": ("create table public.by_hand (id int)", "table public.by_hand"),
    "a dropped table": ("drop table public.tags", "table public.tags"),
}


def names(found: PullRequest) -> list[str]:
    return [f"{each.kind} {each.object}" for each in found.drift.differences]


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    return fix_repository.with_colours(tmp_path / "shop")


def test_staging_at_the_base_has_not_drifted(branch: Path, staging: StagingDatabase) -> None:
    found = judged(branch, staging.secret)
    assert found.verdict is Verdict.PASSED, found.summary
    assert (found.drift.status, found.drift.compared_with) == ("equal", "the base's 2 migrations")
    assert (found.drift.behind, found.drift.unknown, found.drift.warnings) == ((), (), ())


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_by_hand_is_drift_with_its_name(
    tmp_path: Path, staging: StagingDatabase, change: str, shaped_admin: str
) -> None:
    root = fix_repository.shop(tmp_path / "shop")
    fix_repository.git(root, "checkout", "-q", "main")
    fix_repository.add(root, {MORE: CREATE_MORE}, {MORE: DROP_MORE})
    fix_repository.git(root, "checkout", "-q", "-B", "feature")
    staging.push((MORE, CREATE_MORE))
    assert judged(root, staging.secret).drift.status == "equal"
    done, sees = CHANGES[change]
    by_whom = shaped_admin if "pg_index" in done else staging.dsn
    StagingDatabase(staging.secret, by_whom).execute(done)
    found = judged(root, staging.secret)
    assert found.verdict is Verdict.FAILED
    assert sees in names(found)
    assert "staging has drifted in" in found.summary


def test_staging_behind_the_base_is_said_and_compared_with_what_it_has(
    branch: Path, empty_staging: StagingDatabase
) -> None:
    empty_staging.push((projects.NOTES, projects.CREATE_NOTES))
    found = judged(branch, empty_staging.secret)
    assert found.verdict is Verdict.PASSED, found.summary
    assert found.drift.behind == (f"supabase/migrations/{projects.TAGS}.sql",)
    assert found.drift.compared_with == "the 1 migration that it has applied"
    assert any("behind the base by 1 migration" in each for each in found.findings)
    empty_staging.execute("create table public.by_hand (id int)")
    assert names(judged(branch, empty_staging.secret)) == ["table public.by_hand"]


def test_staging_that_has_what_the_branch_adds_is_compared_with_that(
    branch: Path, staging: StagingDatabase
) -> None:
    staging.push((projects.COLOURS, projects.ADD_COLOUR))
    found = judged(branch, staging.secret)
    assert found.drift.status == "equal"
    assert found.drift.compared_with == "the 3 migrations that it has applied"


def test_what_staging_has_applied_without_a_file_is_named(branch: Path, staging: StagingDatabase) -> None:
    staging.push(("20260103120000_of_another_branch", "create table public.theirs (id int)"))
    found = judged(branch, staging.secret)
    assert found.drift.unknown == ("20260103120000_of_another_branch",)
    assert any("20260103120000_of_another_branch" in each for each in found.findings)
    assert names(found) == ["table public.theirs"]


def test_a_file_that_staging_applied_as_another_is_named(
    branch: Path, empty_staging: StagingDatabase
) -> None:
    empty_staging.push(
        (projects.NOTES, projects.CREATE_NOTES.replace("default ''", "default '-'")),
        (projects.TAGS, projects.CREATE_TAGS),
    )
    found = judged(branch, empty_staging.secret)
    assert names(found) == ["column public.notes.body"]
    said = f"On staging: supabase/migrations/{projects.NOTES}.sql: The file's statements are not those"
    assert any(each.startswith(said) for each in found.findings)


def test_what_the_branch_makes_and_staging_has_already_is_said(
    branch: Path, staging: StagingDatabase
) -> None:
    staging.execute("alter table public.tags add column colour text")
    found = judged(branch, staging.secret)
    assert any(f"{projects.COLOURS}.sql" in each and "column colour" in each for each in found.findings)


def test_without_a_history_it_is_compared_with_the_base(branch: Path, empty_staging: StagingDatabase) -> None:
    empty_staging.execute(projects.CREATE_NOTES)
    found = judged(branch, empty_staging.secret)
    assert found.drift.compared_with == "the base's 2 migrations (its history names none)"
    assert names(found) == ["table public.tags"]


def test_a_history_that_builds_nothing_leaves_drift_unknown(
    branch: Path, empty_staging: StagingDatabase
) -> None:
    empty_staging.push((projects.TAGS, "select 1"))
    found = judged(branch, empty_staging.secret)
    assert (found.verdict, found.drift.status) == (Verdict.FAILED, "unknown")
    assert f"{projects.TAGS}.sql" in (found.drift.reason or "")
    assert "Not known" in pull_request_note.markdown(found)


def test_what_the_project_ignores_and_what_it_only_wants_reported(
    branch: Path, staging: StagingDatabase
) -> None:
    staging.execute("create table public.tmp_1 (id int)")
    config = '[project]\ncontract = []\n[pull_request]\nignore = ["table public.tmp_*", "view nobody.*"]\n'
    (branch / "runbooks.toml").write_text(config)
    found = judged(branch, staging.secret)
    assert (found.verdict, found.drift.ignored) == (Verdict.PASSED, 1)
    assert any("'view nobody.*'" in each for each in found.findings)
    (branch / "runbooks.toml").write_text('[project]\ncontract = []\n[pull_request]\ndrift = "report"\n')
    found = judged(branch, staging.secret)
    assert (found.verdict, found.drift.status) == (Verdict.PASSED, "differs")
    (branch / "runbooks.toml").unlink()
    assert judged(branch, staging.secret).verdict is Verdict.FAILED


def test_an_environment_may_name_staging_even_a_guarded_one(branch: Path, staging: StagingDatabase) -> None:
    (branch / "runbooks.toml").write_text(
        f'[project]\ncontract = []\n[environments.live]\ndatabase = "{staging.secret}"\nguarded = true\n'
    )
    assert judged(branch, "live").drift.status == "equal"


def test_a_staging_that_is_away_is_unavailable_and_one_that_says_no_is_refused(
    branch: Path, staging: StagingDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.step.DELAYS", ())
    monkeypatch.setenv("STAGING_URL", "postgresql://u:hunter22@127.0.0.1:9/postgres?sslmode=disable")
    found = judged(branch, staging.secret)
    assert (found.verdict, found.migrations) == (Verdict.UNAVAILABLE, ())
    assert (found.drift.status, found.drift.reason) == ("skipped", "the gate ended before it")
    assert "hunter22" not in found.model_dump_json()
    monkeypatch.delenv("STAGING_URL")
    found = judged(branch, staging.secret)
    assert found.verdict is Verdict.REFUSED
    assert "STAGING_URL is not set" in found.summary


def test_nothing_can_be_written_where_staging_is_read(staging: StagingDatabase) -> None:
    with (
        pytest.raises(errors.Refused, match="25006"),
        drift.reading(staging.secret) as connection,
    ):
        connection.execute("create table public.written (id int)")


def test_nothing_on_staging_is_changed(branch: Path, staging: StagingDatabase, shaped_admin: str) -> None:
    with database.connect(shaped_admin) as observer:
        asked = "select version, statements from supabase_migrations.schema_migrations order by 1"
        before = schema.snapshot(observer), observer.execute(asked).fetchall()
        migration(branch, projects.COLOURS).write_text("drop table public.tags;\n")
        judged(branch, staging.secret)
        after = schema.snapshot(observer), observer.execute(asked).fetchall()
        assert after == before
        gone = observer.execute("select to_regnamespace('runbooks'), to_regclass('public.tags')::text")
        assert gone.fetchall() == [(None, "tags")]


@pytest.fixture
def staging15(server15: embedded.Server, monkeypatch: pytest.MonkeyPatch) -> Generator[StagingDatabase]:
    """A staging on PostgreSQL 15 at the base."""
    with fresh_database(server15) as name:
        staging = StagingDatabase("env:STAGING_URL", server15.dsn(name))
        staging.push((projects.NOTES, projects.CREATE_NOTES), (projects.TAGS, projects.CREATE_TAGS))
        monkeypatch.setenv("STAGING_URL", staging.dsn)
        yield staging


def test_a_staging_of_another_major_version_is_said_and_compared_with_its_own(
    branch: Path, staging15: StagingDatabase, server15: embedded.Server
) -> None:
    found = judged(branch, staging15.secret)
    assert ["staging is PostgreSQL 15" in each for each in found.drift.warnings] == [True]
    assert "staging is PostgreSQL 15" in pull_request_note.markdown(found)
    assert names(found) == []
    staging15.execute(
        "revoke select on public.tags from anon; alter table public.notes alter body drop not null"
    )
    assert names(judged(branch, staging15.secret)) == [
        "column public.notes.body",
        "grant table public.tags to anon",
    ]
    staging15.execute("grant select on public.tags to anon; alter table public.notes alter body set not null")
    found = judged(branch, staging15.secret, bindir=str(server15.bindir))
    assert (found.verdict, found.drift.status, found.drift.warnings) == (Verdict.PASSED, "equal", ())
    staging15.execute("alter table public.tags disable row level security")
    assert names(judged(branch, staging15.secret, bindir=str(server15.bindir))) == ["table public.tags"]


def test_on_a_copy_with_rows_only_what_it_lacks_is_applied(
    branch: Path, staging: StagingDatabase, server: embedded.Server
) -> None:
    staging.execute("insert into public.tags (note_id, label) select id, 'more' from public.notes")
    template = conninfo.conninfo_to_dict(staging.dsn)["dbname"]
    login = server.dsn("postgres", user=server.superuser)
    (branch / "server.dsn").write_text(login)
    (branch / "runbooks.toml").write_text(
        f'[project]\ncontract = []\n[environments.copy]\ndatabase = "file:{branch}/server.dsn"\n'
        f'template = "{template}"\n'
    )
    found = judged(branch, staging.secret, environment="copy")
    assert found.verdict is Verdict.PASSED, found.summary
    assert found.migrations[0].rollback.rows_seen == 10
    assert found.drift.status == "equal"
