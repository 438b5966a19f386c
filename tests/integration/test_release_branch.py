"""Notes on a branch of the operated repository, of which nothing else is touched."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops import errors, project, release_branch, release_note
from ops.release_branch import Noted
from ops.release_note import Facts
from tests import fix_repository, projects
from tests.fix_repository import git

FACTS = Facts(
    project="shop",
    environment="production",
    rolled_out=datetime(2026, 3, 1, 12, tzinfo=UTC),
    operator="ada",
    rollback_test="proven",
    plan_digest="a" * 64,
    change_digest="b" * 64,
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    root = fix_repository.shop(tmp_path / "shop")
    (root / "staged.txt").write_text("staged\n")
    git(root, "add", "staged.txt")
    (root / "untracked.txt").write_text("untracked\n")
    return root


def commit(root: Path, text: str = "one\n", path: str = "notes/one.md", branch: str = "releases") -> Noted:
    return release_branch.commit(root, branch, path=path, text=text, message=f"Note {path}")


def state(root: Path) -> tuple[str, ...]:
    files = sorted(
        f"{file.relative_to(root)} {file.stat().st_mtime_ns}"
        for file in root.rglob("*")
        if ".git" not in file.parts and file.is_file()
    )
    index = (root / ".git" / "index").read_bytes().hex()
    return (git(root, "rev-parse", "HEAD"), git(root, "symbolic-ref", "HEAD"), index, *files)


def files(root: Path, branch: str = "releases") -> list[str]:
    return git(root, "ls-tree", "-r", "--name-only", branch).splitlines()


def test_a_note_is_committed_and_nothing_else_is_touched(shop: Path) -> None:
    before = state(shop)
    first = commit(shop)
    second = commit(shop, "two\n", "notes/two.md")
    assert state(shop) == before
    assert files(shop) == ["notes/one.md", "notes/two.md"]
    assert git(shop, "show", "releases:notes/one.md") == "one"
    assert git(shop, "rev-list", "releases").splitlines() == [second.commit, first.commit]
    assert git(shop, "log", "-1", "--format=%s", "releases") == "Note notes/two.md"
    assert git(shop, "status", "--porcelain") == "A  staged.txt\n?? untracked.txt"
    assert "push it" in second.summary
    assert git(shop, "fsck", "--strict") == ""


def test_the_same_note_twice_is_one_commit_and_another_word_is_a_second(shop: Path) -> None:
    first = commit(shop)
    again = commit(shop)
    assert (again.idle, again.commit) == (True, first.commit)
    assert commit(shop, "other\n").commit != first.commit
    assert git(shop, "rev-list", "--count", "releases") == "2"


def test_a_branch_goes_on_from_where_it_is_here_or_at_the_remote(shop: Path, tmp_path: Path) -> None:
    git(shop, "branch", "releases", "main")
    commit(shop)
    assert git(shop, "rev-parse", "releases~1") == git(shop, "rev-parse", "main")
    assert "supabase/rls_tests.sql" in files(shop)
    subprocess.run(["git", "clone", "-q", shop, tmp_path / "clone"], check=True)
    clone = tmp_path / "clone"
    found = commit(clone, "two\n", "notes/two.md")
    assert git(clone, "rev-parse", f"{found.commit}~1") == git(shop, "rev-parse", "releases")
    assert {"notes/one.md", "notes/two.md"} <= set(files(clone))


def test_many_at_once_lose_nothing(shop: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        found = list(threads.map(lambda n: commit(shop, f"{n}\n", f"notes/{n}.md"), range(6)))
    assert files(shop) == [f"notes/{n}.md" for n in range(6)]
    assert git(shop, "rev-list", "--count", "releases") == "6"
    assert len({each.commit for each in found}) == 6


def test_a_branch_that_moves_under_our_hands_is_seen(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(shop)
    made = release_branch._made  # pyright: ignore[reportPrivateUsage]
    others = iter([True, False, False])

    def meanwhile(*words: str) -> str:
        mine = made(*words)  # pyright: ignore[reportArgumentType]
        if next(others):
            commit(shop, "theirs\n", "notes/theirs.md")
        return mine

    monkeypatch.setattr(release_branch, "_made", meanwhile)
    commit(shop, "ours\n", "notes/ours.md")
    assert files(shop) == ["notes/one.md", "notes/ours.md", "notes/theirs.md"]


def test_a_project_below_the_top_has_its_notes_with_it(tmp_path: Path) -> None:
    projects.plain(tmp_path / "repo" / "apps" / "web")
    fix_repository.based(tmp_path / "repo")
    found = commit(tmp_path / "repo" / "apps" / "web")
    assert found.path == "apps/web/notes/one.md"
    assert files(tmp_path / "repo") == ["apps/web/notes/one.md"]


def test_nobody_needs_to_be_configured(shop: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "empty"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    commit(shop)
    monkeypatch.delenv("GIT_DIR")
    assert git(shop, "log", "-1", "--format=%an %cn", "releases") == "supabase-runbooks supabase-runbooks"


@pytest.mark.parametrize(
    ("branch", "path", "said"),
    [
        ("feature", "notes/one.md", "is checked out"),
        ("a..b", "notes/one.md", "no name for a branch"),
        ("-f", "notes/one.md", "no name for a branch"),
        ("", "notes/one.md", "no name for a branch"),
        ("releases", "../one.md", "does not lie in the project"),
        ("releases", "/one.md", "does not lie in the project"),
        ("releases", ".git/config", "does not lie in the project"),
        ("releases", "", "does not lie in the project"),
    ],
)
def test_what_cannot_be_is_refused(shop: Path, branch: str, path: str, said: str) -> None:
    before = git(shop, "for-each-ref")
    with pytest.raises(errors.Refused, match=said):
        commit(shop, path=path, branch=branch)
    assert git(shop, "for-each-ref") == before


def test_a_project_without_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    projects.plain(tmp_path / "shop")
    with pytest.raises(errors.Refused, match="shop is no git repository"):
        commit(tmp_path / "shop")


def test_a_note_is_kept_where_the_project_says(shop: Path) -> None:
    assert release_branch.keep(project.load(shop), FACTS).idle
    config = '[release]\nnotes = "docs/log"\nnotes_branch = "releases"\n'
    found = project.load(projects.write(shop, migrations={}, config=config))
    assert not release_branch.keep(found, FACTS).idle
    assert release_branch.keep(found, FACTS).idle
    assert files(shop) == ["docs/log/2026-03-01-production-aaaaaaaa.md"]
    kept = git(shop, "show", "releases:docs/log/2026-03-01-production-aaaaaaaa.md")
    assert kept + "\n" == release_note.markdown(FACTS)
