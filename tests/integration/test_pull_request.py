"""The gate of a pull request: what the branch adds is rehearsed on the base, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import manifest, pull_request_note
from ops.evidence import Evidence
from ops.verdict import Verdict
from tasks.step import observing
from tests import fix_repository, projects
from tests.fix_repository import migration
from tests.judging import judged

OPEN = "create table public.open_door (id bigint primary key);\n"
OPEN_KEY = "20260104000000_open_door"
CLOSE = "drop table public.open_door;\n"


class Heard:
    """Whether each step was well, by its title."""

    def __init__(self) -> None:
        self.ok: dict[str, bool] = {}

    def started(self, title: str) -> None:
        """Say nothing yet."""

    def finished(self, title: str, evidence: Evidence, seconds: float) -> None:
        self.ok[title] = evidence.ok

    def failed(self, title: str, error: Exception, seconds: float) -> None:
        self.ok[title] = False


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A sound branch that adds one migration."""
    return fix_repository.with_colours(tmp_path / "shop")


def test_a_sound_branch_passes_with_only_what_it_adds_rehearsed(branch: Path) -> None:
    found = judged(branch)
    assert (found.verdict, found.ok) == (Verdict.PASSED, True), found.summary
    assert [(m.name, m.status, m.rollback.status) for m in found.migrations] == [
        ("colours", "applied", "proven")
    ]
    assert found.migrations[0].rollback.rows_seen == 5
    assert found.branch.merge_base == fix_repository.git(branch, "rev-parse", "main")
    assert found.contract.files[0].passed == 2
    assert found.drift.status == "skipped"
    bundle = Path(str(found.bundle))
    assert bundle.name.startswith("pr-gate_")
    assert manifest.verify(bundle).ok
    assert (bundle / "pull_request.md").read_text() == pull_request_note.markdown(found)


def test_nothing_added_is_verified_all_the_same(tmp_path: Path) -> None:
    root = fix_repository.shop(tmp_path / "shop")
    projects.write(
        root, migrations={}, files={"supabase/verify/notes.sql": "select count(*) = 5 from notes;"}
    )
    found = judged(root)
    assert (found.verdict, found.migrations) == (Verdict.PASSED, ())
    assert [(file.name, file.passed) for file in found.verification.files] == [
        ("supabase/verify/notes.sql", 1)
    ]


def test_an_edited_migration_fails_and_what_is_added_is_rehearsed_beside_it(branch: Path) -> None:
    migration(branch, projects.TAGS).write_text(projects.CREATE_TAGS.replace("label text", "label  varchar"))
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert f"{projects.TAGS}.sql:4" in found.summary
    assert [(m.name, m.rollback.status) for m in found.migrations] == [("colours", "proven")]
    migration(branch, projects.TAGS).write_text(projects.CREATE_TAGS)
    assert judged(branch).verdict is Verdict.PASSED


def test_a_deleted_migration_fails_though_the_rest_would_apply(branch: Path) -> None:
    migration(branch, projects.NOTES).unlink()
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert f"{projects.NOTES}.sql" in found.summary
    assert found.counts.applied == 1


def test_out_of_order_fails_unless_the_environment_allows_it(branch: Path) -> None:
    between = "20260101120000_between"
    fix_repository.add(branch, {between: "select 1;\n"}, {between: "select 1;\n"})
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert f"{between}.sql" in found.summary
    assert {m.status for m in found.migrations} == {"applied"}
    (branch / "runbooks.toml").write_text(
        '[project]\ncontract = []\n[environments.throw-away]\nplace = "throw-away"\nout_of_order = true\n'
    )
    assert judged(branch).verdict is Verdict.PASSED


def test_what_the_base_has_got_since_is_there_before_what_the_branch_adds(branch: Path) -> None:
    fix_repository.git(branch, "checkout", "-q", "main")
    early = "20260102120000_open_door"
    fix_repository.add(branch, {early: OPEN})
    fix_repository.git(branch, "checkout", "-q", "feature")
    fix_repository.add(branch, {OPEN_KEY: OPEN}, {OPEN_KEY: CLOSE})
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert found.branch.base_commit == fix_repository.git(branch, "rev-parse", "main")
    assert found.branch.merge_base != found.branch.base_commit
    assert found.migrations[-1].error
    assert found.migrations[-1].error.sqlstate == "42P07"
    assert f"{early}.sql is on the base since" in pull_request_note.markdown(found).replace("\\", "")


def test_a_failing_migration_is_named_with_its_place(branch: Path) -> None:
    fix_repository.add(branch, {OPEN_KEY: "-- one\n\nalter table public.labels add column x int;\n"})
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    failure = found.migrations[-1].error
    assert failure
    assert (failure.sqlstate, failure.line) == ("42P01", 3)
    note = pull_request_note.markdown(found)
    assert note.splitlines()[2].startswith("## ❌ FAILED: shop")
    assert f"{OPEN_KEY.replace('_', chr(92) + '_')}.sql:3:" in note


def test_a_rollback_that_does_not_restore_fails(branch: Path) -> None:
    script = branch / "supabase" / "rollbacks" / f"{projects.COLOURS}.down.sql"
    script.write_text("alter table public.tags rename column colour to color;\n")
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert found.migrations[0].rollback.status == "differs"
    script.unlink()
    assert judged(branch).verdict is Verdict.PASSED
    assert judged(branch, require_rollback=True).verdict is Verdict.FAILED


def test_a_rollback_script_that_comes_later_is_rehearsed_where_its_migration_stands(branch: Path) -> None:
    script = branch / "supabase" / "rollbacks" / f"{projects.NOTES}.down.sql"
    script.write_text("-- as before\n" + projects.DROP_NOTES)
    found = judged(branch)
    assert found.verdict is Verdict.PASSED, found.summary
    assert [(m.name, m.rollback.status) for m in found.migrations] == [
        ("notes", "proven"),
        ("colours", "proven"),
    ]
    script.write_text("alter table public.notes rename to old_notes;\n")
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert [(m.name, m.rollback.status) for m in found.migrations] == [
        ("notes", "differs"),
        ("colours", "proven"),
    ]


def test_a_base_that_cannot_be_built_is_refused(tmp_path: Path) -> None:
    root = fix_repository.based(projects.failing_migration(tmp_path / "shop"))
    found = judged(root)
    assert found.verdict is Verdict.REFUSED
    assert "The base main itself cannot be built" in found.summary
    assert f"{projects.TAGS}.sql:3:" in found.summary
    assert manifest.verify(Path(str(found.bundle))).ok


def test_a_file_that_may_not_run_is_refused_with_a_bundle_and_a_note(branch: Path) -> None:
    fix_repository.add(branch, {OPEN_KEY: b"create table public.a (id int);\n\0drop table public.a;\n"})
    found = judged(branch)
    assert found.verdict is Verdict.REFUSED
    assert f"{OPEN_KEY}.sql:2" in found.summary
    assert "REFUSED" in (Path(str(found.bundle)) / "pull_request.md").read_text()


def test_what_the_base_makes_already_fails_with_its_place(branch: Path) -> None:
    fix_repository.add(branch, {OPEN_KEY: "create table public.notes (id bigint);\n"})
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert found.migrations[-1].error
    assert found.migrations[-1].error.sqlstate == "42P07"


def test_a_hole_that_the_base_has_blocks_no_branch_and_a_new_one_does(tmp_path: Path) -> None:
    root = fix_repository.based(projects.uncovered_table(tmp_path / "shop"))
    fix_repository.add(root, {projects.COLOURS: "select 1;\n"})
    heard = Heard()
    with observing(heard):
        found = judged(root)
    assert found.verdict is Verdict.PASSED, found.summary
    assert heard.ok["Check RLS coverage"] is True
    assert [(f.table, f.level) for f in found.rls.findings] == [("public.open_door", "warning")]
    wide = OPEN.replace("open_door", "wide_door")
    fix_repository.add(root, {OPEN_KEY: wide}, {OPEN_KEY: CLOSE.replace("open_door", "wide_door")})
    with observing(heard):
        found = judged(root)
    assert found.verdict is Verdict.FAILED
    assert heard.ok["Check RLS coverage"] is False
    assert [f.table for f in found.rls.findings if f.level == "error"] == ["public.wide_door"]


def test_a_contract_and_a_suite_that_fail_fail_the_branch(branch: Path) -> None:
    suite = projects.SUITE.replace("'notes', 'public", "'labels', 'public")
    projects.write(branch, migrations={}, tests={"notes.test.sql": suite})
    found = judged(branch)
    assert found.verdict is Verdict.FAILED
    assert [file.failed for file in found.contract.files] == [0, 1]


def test_an_environment_in_place_is_refused(branch: Path) -> None:
    (branch / "runbooks.toml").write_text(
        '[environments.staging]\nplace = "in-place"\ndatabase = "env:STAGING_URL"\nrehearse = true\n'
    )
    found = judged(branch, environment="staging")
    assert (found.verdict, found.bundle) == (Verdict.REFUSED, None)
    assert "judged on a throw-away database only" in found.summary


def test_an_environment_without_a_database_is_no_staging(branch: Path) -> None:
    found = judged(branch, "throw-away")
    assert found.verdict is Verdict.REFUSED
    assert "has no database, so there is no staging" in found.summary
