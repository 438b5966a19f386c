"""Whether what is promoted is merged, in real repositories."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ops import errors, project, release_merged
from ops.evidence import Evidence
from tests import fix_repository, projects
from tests.fix_repository import git

CONFIG = """\
[environments.production]
overlays = ["db/overlays/prod/*.sql"]
[pull_request]
verify = ["checks/**/*.sql"]
[[release.gates]]
name = "one"
file = "gates/one.sql"
equals = 1
"""
FILES = {
    "db/overlays/prod/1_prod.sql": "select 1;\n",
    "checks/deep/one.sql": "select true;\n",
    "gates/one.sql": "select 1;\n",
    "app/main.py": "",
    ".gitignore": "*.local.sql\n",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote, and a clone of it whose main is checked out."""
    made = tmp_path_factory.mktemp("made")
    origin = made / "origin"
    projects.write(
        origin,
        migrations={projects.NOTES: projects.CREATE_NOTES},
        rollbacks={projects.NOTES: projects.DROP_NOTES},
        files=FILES,
        config=CONFIG,
    )
    git(origin, "init", "-q", "-b", "main", ".")
    fix_repository.committed(origin)
    git(made, "clone", "-q", str(origin), "clone")
    return made


@pytest.fixture
def clone(made: Path, tmp_path: Path) -> Path:
    """The clone, copied with its remote for one test to spoil."""
    for name in ("origin", "clone"):
        shutil.copytree(made / name, tmp_path / name)
    git(tmp_path / "clone", "remote", "set-url", "origin", str(tmp_path / "origin"))
    return tmp_path / "clone"


def check(root: Path) -> Evidence:
    operated = project.load(root)
    return release_merged.check(operated, operated.environment("production"))


def refused(root: Path, *said: str) -> None:
    found = check(root)
    assert not found.ok, found
    assert all(part in found.summary for part in said), found.summary


def test_what_is_on_the_branch_is_merged_also_when_the_branch_has_gone_on(clone: Path):
    first = git(clone, "rev-parse", "HEAD")
    found = check(clone)
    assert (found.ok, found.rows) == (True, ({"commit": first, "branch": "origin/main"},))
    (clone.parent / "origin" / "app" / "main.py").write_text("# more\n")
    fix_repository.committed(clone.parent / "origin")
    git(clone, "fetch", "-q")
    assert check(clone).ok


def test_a_commit_is_not_merged_until_it_is_pushed(clone: Path):
    (clone / "app" / "main.py").write_text("# more\n")
    assert check(clone).ok, "what the release does not hold may be changed"
    commit = fix_repository.committed(clone)
    refused(clone, commit[:12], "is not contained in origin/main", "git fetch origin")
    git(clone.parent / "origin", "checkout", "-q", "--detach")
    git(clone, "push", "-q", "origin", "main")
    assert check(clone).ok


@pytest.mark.parametrize(
    "path",
    [
        "supabase/migrations/20260109000000_more.sql",
        "supabase/rollbacks/20260109000000_more.sql",
        "supabase/migrations/20260109000000_more.local.sql",
        "db/overlays/prod/2_more.sql",
        "checks/more.sql",
        "gates/one.sql",
        "runbooks.toml",
    ],
)
def test_a_change_of_a_file_of_the_release_is_seen_until_it_is_gone(clone: Path, path: str):
    before = (clone / path).read_text() if (clone / path).exists() else None
    with (clone / path).open("a") as file:
        file.write("\n")
    kind = "changed" if before is not None else "ignored by git" if ".local." in path else "untracked"
    refused(clone, f"{path} ({kind})", "1 file of the release is not as the commit has them")
    git(clone, "add", "-f", path)
    refused(clone, f"{path} (changed)")
    git(clone, "rm", "-qf", "--cached", path)
    if before is None:
        (clone / path).unlink()
    else:
        (clone / path).write_text(before)
        git(clone, "add", path)
    assert check(clone).ok


def test_a_deleted_file_is_seen(clone: Path):
    (clone / "db/overlays/prod/1_prod.sql").unlink()
    refused(clone, "1_prod.sql (changed)")


@pytest.mark.parametrize("flag", ["assume-unchanged", "skip-worktree"])
def test_a_change_that_git_was_told_to_pass_over_is_seen(clone: Path, flag: str):
    path = f"supabase/migrations/{projects.NOTES}.sql"
    git(clone, "update-index", f"--{flag}", path)
    (clone / path).write_text("drop table public.notes;\n")
    refused(clone, "hidden from git")
    git(clone, "update-index", f"--no-{flag}", path)
    refused(clone, "(changed)")
    git(clone, "checkout", "-q", path)
    assert check(clone).ok


def test_a_branch_that_is_not_there_is_refused(clone: Path):
    git(clone, "update-ref", "-d", "refs/remotes/origin/main")
    refused(clone, "has no branch 'origin/main'", "git fetch origin")
    git(clone, "branch", "origin/main")
    refused(clone, "has no branch 'origin/main'")
    git(clone, "fetch", "-q")
    assert check(clone).ok


def test_another_branch_may_be_named(clone: Path):
    (clone / "runbooks.toml").write_text('[environments.production]\n[release]\nbranch = "release"\n')
    fix_repository.committed(clone)
    refused(clone, "has no branch 'release'")
    git(clone, "branch", "release")
    assert check(clone).ok


def test_a_shallow_clone_says_only_what_it_knows(clone: Path):
    origin = clone.parent / "origin"
    old = git(origin, "rev-parse", "HEAD")
    for number in range(2):
        (origin / "app" / "main.py").write_text(f"# {number}\n")
        fix_repository.committed(origin)
    git(clone.parent, "clone", "-q", "--depth=1", f"file://{origin}", "shallow")
    shallow = clone.parent / "shallow"
    assert check(shallow).ok, "its commit is the branch's own"
    git(shallow, "fetch", "-q", "--depth=1", "origin", old)
    git(shallow, "checkout", "-q", old)
    refused(shallow, "shallow clone", "git fetch --unshallow")
    git(shallow, "fetch", "-q", "--unshallow")
    assert check(shallow).ok


def test_no_repository_and_no_commit_are_refused(clone: Path, tmp_path: Path):
    (clone / ".git").rename(tmp_path / "elsewhere")
    refused(clone, "is in no git repository that can be read")
    git(clone, "init", "-q", ".")
    refused(clone, "has no commit yet")
    (tmp_path / "elsewhere").rename(clone / ".git" / "kept")
    (clone / ".git" / "HEAD").write_text("nonsense\n")
    refused(clone, "is in no git repository that can be read")


def test_another_repository_of_the_environment_is_not_asked(clone: Path, monkeypatch: pytest.MonkeyPatch):
    (clone / "db/overlays/prod/1_prod.sql").write_text("select 2;\n")
    fix_repository.committed(clone)
    monkeypatch.setenv("GIT_DIR", str(clone.parent / "origin" / ".git"))
    refused(clone, "is not contained in origin/main")


def test_a_project_below_the_repositorys_root(clone: Path, tmp_path: Path):
    origin = tmp_path / "mono"
    (clone / ".git").rename(tmp_path / "gone")
    clone.rename(tmp_path / "shop")
    origin.mkdir()
    (tmp_path / "shop").rename(origin / "shop")
    git(origin, "init", "-q", "-b", "main", ".")
    (origin / "outside.sql").write_text("")
    fix_repository.committed(origin)
    git(origin, "update-ref", "refs/remotes/origin/main", "HEAD")
    (origin / "outside.sql").write_text("-- changed\n")
    assert check(origin / "shop").ok
    (origin / "shop/gates/one.sql").write_text("select 2;\n")
    refused(origin / "shop", "shop/gates/one.sql (changed)")


def test_without_git_nothing_is_known(clone: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Refused, match="There is no git"):
        check(clone)


def test_it_is_not_asked_where_the_environment_does_not_ask(clone: Path):
    (clone / "runbooks.toml").write_text("[environments.production.promotion]\nrequire_merged = false\n")
    found = check(clone)
    assert (found.ok, found.idle) == (True, True)
