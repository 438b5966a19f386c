"""What a branch changes of its base is named, and the base is read from git alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops import errors, project, pull_request_base, pull_request_branch
from ops.pull_request_branch import Branch
from tests import fix_repository, projects
from tests.fix_repository import git, migration

NEW = "20260104000000_new"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return fix_repository.shop(tmp_path / "shop")


def compared(root: Path, *, out_of_order: bool = False, base: str = "main") -> Branch:
    found = project.load(root)
    read = pull_request_base.read(found, base)
    return pull_request_branch.compare(found, read, out_of_order=out_of_order)


def said(branch: Branch) -> list[tuple[str, str, bool]]:
    return [(change.kind, change.place.rpartition("/")[2], change.fails) for change in branch.changes]


def test_nothing_changed(shop: Path) -> None:
    branch = compared(shop)
    assert branch.changes == ()
    assert [m.name for m in branch.based] == ["notes", "tags"]
    assert branch.added == ()


def test_what_is_added_is_told_with_its_rollback_script(shop: Path) -> None:
    fix_repository.add(
        shop,
        {projects.COLOURS: projects.ADD_COLOUR, NEW: "select 1;"},
        {projects.COLOURS: projects.DROP_COLOUR},
    )
    branch = compared(shop)
    assert said(branch) == [
        ("added", f"{projects.COLOURS}.sql", False),
        ("added", f"{NEW}.sql", False),
    ]
    assert "with the rollback script" in branch.changes[0].said
    assert "without a rollback script" in branch.changes[1].said
    assert [m.name for m in pull_request_branch.ordered(branch)] == ["notes", "tags", "colours", "new"]


def test_what_is_not_committed_counts_as_well(shop: Path) -> None:
    migration(shop, NEW).write_text("select 1;")
    assert said(compared(shop)) == [("added", f"{NEW}.sql", False)]


def test_an_edited_migration_fails_with_its_first_line_and_the_base_stays_what_it_was(shop: Path) -> None:
    file = migration(shop, projects.TAGS)
    lines = projects.CREATE_TAGS.splitlines()
    file.write_text("\n".join([*lines[:3], "    label citext not null,", *lines[4:]]))
    branch = compared(shop)
    assert said(branch) == [("edited", f"{projects.TAGS}.sql:4", True)]
    assert "in what it does" in branch.changes[0].said
    assert branch.based[1].script.text == projects.CREATE_TAGS
    file.write_text(f"-- hello\n{projects.CREATE_TAGS}")
    branch = compared(shop)
    assert said(branch) == [("edited", f"{projects.TAGS}.sql:1", True)]
    assert "only in white space or comments" in branch.changes[0].said
    file.write_text(projects.CREATE_TAGS)
    assert compared(shop).changes == ()


def test_a_deleted_migration_fails(shop: Path) -> None:
    migration(shop, projects.TAGS).unlink()
    branch = compared(shop)
    assert said(branch) == [("deleted", f"{projects.TAGS}.sql", True)]
    assert [m.name for m in branch.based] == ["notes", "tags"]


@pytest.mark.parametrize("name", ["20260102000000_labels", "20260105000000_tags"])
def test_a_renamed_migration_fails(shop: Path, name: str) -> None:
    migration(shop, projects.TAGS).rename(migration(shop, name))
    branch = compared(shop)
    assert ("renamed", f"{name}.sql", True) in said(branch)
    assert f"{projects.TAGS}.sql" in branch.changes[0].said
    assert [m.name for m in branch.based] == ["notes", "tags"]


def test_the_folder_may_move_with_its_files(shop: Path) -> None:
    (shop / "runbooks.toml").write_text('[project]\nmigrations = ["db"]\n')
    (shop / "supabase" / "migrations").rename(shop / "db")
    assert said(compared(shop)) == [("configuration", "runbooks.toml", False)]


def test_what_the_branch_is_judged_by_is_told_where_it_changes_that(shop: Path) -> None:
    (shop / "runbooks.toml").write_text('[pull_request]\nignore = ["*"]\n')
    assert said(compared(shop)) == [("configuration", "runbooks.toml", False)]
    fix_repository.committed(shop)
    assert said(compared(shop)) == [("configuration", "runbooks.toml", False)]
    git(shop, "branch", "-f", "main", "HEAD")
    assert compared(shop).changes == ()
    (shop / "runbooks.toml").unlink()
    assert said(compared(shop)) == [("configuration", "runbooks.toml", False)]


def test_out_of_order_fails_unless_it_is_allowed(shop: Path) -> None:
    fix_repository.add(shop, {"20260101120000_between": "select 1;"})
    assert said(compared(shop))[0] == ("out-of-order", "20260101120000_between.sql", True)
    assert said(compared(shop, out_of_order=True))[0] == ("out-of-order", "20260101120000_between.sql", False)


def test_a_second_file_of_a_version_of_the_base_fails(shop: Path) -> None:
    fix_repository.add(shop, {"20260102000000_aaa": "select 1;", "20260102000000_zzz": "select 1;"})
    branch = compared(shop)
    assert [place for _, place, fails in said(branch) if fails] == [
        "20260102000000_aaa.sql",
        "20260102000000_zzz.sql",
    ]
    assert all(m.problem is None for m in branch.based)


def test_a_rollback_script_that_comes_later_is_told(shop: Path) -> None:
    script = shop / "supabase" / "rollbacks" / f"{projects.TAGS}.down.sql"
    script.write_text("drop table public.tags cascade;\n")
    branch = compared(shop)
    assert said(branch) == [("rollback", script.name, False)]
    assert branch.late == {projects.TAGS[:14]}
    assert [m.rollback is not None for m in branch.based] == [False, True]
    git(shop, "rm", "-q", "--cached", str(script))
    assert compared(shop).late == branch.late


def test_line_ends_that_git_writes_are_no_edit(shop: Path) -> None:
    (shop / ".gitattributes").write_text("*.sql text eol=crlf\n")
    file = migration(shop, projects.TAGS)
    file.write_bytes(projects.CREATE_TAGS.replace("\n", "\r\n").encode())
    assert compared(shop).changes == ()


def test_a_project_that_the_base_has_not(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("nothing yet")
    root = fix_repository.based(tmp_path)
    projects.sound(root)
    branch = compared(root)
    assert branch.based == ()
    assert [kind for kind, _, _ in said(branch)] == ["added"] * 3


def test_a_project_below_the_root_of_its_repository(tmp_path: Path) -> None:
    projects.sound(tmp_path / "apps" / "shop")
    root = fix_repository.based(tmp_path)
    shop = root / "apps" / "shop"
    migration(shop, projects.TAGS).write_text("select 1;")
    assert said(compared(shop)) == [("edited", f"{projects.TAGS}.sql:1", True)]


@pytest.fixture
def overtaken(shop: Path) -> Path:
    """The base has got a migration since the branch left it."""
    git(shop, "checkout", "-q", "main")
    fix_repository.add(shop, {NEW: "select 1;"}, {NEW: "select 2;"})
    git(shop, "checkout", "-q", "feature")
    return shop


def test_what_the_base_has_got_since_is_told_and_comes_before_what_the_branch_adds(overtaken: Path) -> None:
    assert said(compared(overtaken)) == [("gained", f"{NEW}.sql", False)]
    later = "20260105000000_later"
    fix_repository.add(overtaken, {later: "select 3;"})
    branch = compared(overtaken)
    assert said(branch) == [("added", f"{later}.sql", False), ("gained", f"{NEW}.sql", False)]
    assert [m.name for m in pull_request_branch.ordered(branch)] == ["notes", "tags", "new", "later"]


def test_what_comes_before_what_the_base_has_got_since_is_out_of_order(overtaken: Path) -> None:
    fix_repository.add(overtaken, {"20260103120000_between": "select 3;"})
    assert said(compared(overtaken))[0] == ("out-of-order", "20260103120000_between.sql", True)
    assert "20260104000000" in compared(overtaken).changes[0].said


@pytest.mark.parametrize("key", [NEW, "20260104000000_other"])
def test_a_version_that_the_base_has_given_away_since_fails(overtaken: Path, key: str) -> None:
    fix_repository.add(overtaken, {key: "select 3;"})
    branch = compared(overtaken)
    assert said(branch)[0] == ("out-of-order", f"{key}.sql", True)
    assert [m.script.text for m in branch.based][2:] == ["select 1;"]
    assert branch.added == ()


def test_what_was_taken_over_from_the_base_is_no_change(overtaken: Path) -> None:
    (overtaken / "README").write_text("a commit of its own")
    fix_repository.add(overtaken, {NEW: "select 1;"}, {NEW: "select 2;"})
    branch = compared(overtaken)
    assert said(branch) == [("gained", f"{NEW}.sql", False)]
    assert branch.late == frozenset()


def test_what_the_base_itself_has_changed_since_is_not_the_branchs_doing(shop: Path) -> None:
    git(shop, "checkout", "-q", "main")
    migration(shop, projects.TAGS).write_text("select 1;")
    migration(shop, projects.NOTES).unlink()
    (shop / "runbooks.toml").write_text("")
    fix_repository.committed(shop)
    git(shop, "checkout", "-q", "feature")
    branch = compared(shop)
    assert [change for change in branch.changes if change.fails] == []
    assert [m.script.text for m in branch.based] == ["select 1;"]


def test_neither_the_working_tree_nor_the_index_is_touched(shop: Path) -> None:
    migration(shop, projects.TAGS).write_text("select 1;")
    migration(shop, NEW).write_text("select 1;")
    git(shop, "add", str(migration(shop, NEW)))
    migration(shop, projects.NOTES).touch()
    index = (shop / ".git" / "index").read_bytes()
    compared(shop)
    assert (shop / ".git" / "index").read_bytes() == index
    assert migration(shop, projects.TAGS).read_text() == "select 1;"
    assert git(shop, "worktree", "list").count("\n") == 0
    assert not (shop / ".git" / "worktrees").exists()


def test_a_base_that_is_not_there_is_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.Refused, match=r"no commit 'origin/main'.*fetch-depth: 0.*git fetch origin"):
        compared(shop, base="origin/main")
    for name in ("--output=x", ""):
        with pytest.raises(errors.Refused, match="names no commit"):
            compared(shop, base=name)
    git(shop, "checkout", "-q", "--orphan", "alone")
    fix_repository.committed(shop)
    with pytest.raises(errors.Refused, match="no commit in common"):
        compared(shop)


def test_a_shallow_clone_says_what_to_do(shop: Path, tmp_path: Path) -> None:
    fix_repository.committed(shop, "one")
    git(shop, "checkout", "-q", "main")
    fix_repository.committed(shop, "two")
    git(shop, "checkout", "-q", "feature")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{shop}", str(clone))
    with pytest.raises(errors.Refused, match=r"shallow clone.*fetch-depth: 0"):
        compared(clone, base="origin/main")
    git(clone, "fetch", "-q", "--unshallow")
    assert compared(clone, base="origin/main").changes == ()


def test_without_a_repository_it_is_refused(tmp_path: Path) -> None:
    projects.sound(tmp_path)
    with pytest.raises(errors.Refused, match="in no git repository"):
        compared(tmp_path)


def test_without_git_it_is_refused(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.Refused, match="no git"):
        compared(shop)


def test_a_mistake_in_the_configuration_of_the_base_is_said_to_be_there(tmp_path: Path) -> None:
    root = fix_repository.shop(tmp_path, config="[project]\nmigratons = []\n")
    (root / "runbooks.toml").unlink()
    with pytest.raises(errors.Refused, match=r"On the base: runbooks.toml:2: .*migrations"):
        compared(root)
