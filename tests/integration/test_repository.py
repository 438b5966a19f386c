"""Which commit is deployed, and whether its tree is clean and pushed, in a real repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ops import errors, repository
from tests import fix_app


@pytest.fixture
def app(tmp_path: Path) -> Path:
    project = fix_app.write(tmp_path, "postgresql://h/d")
    fix_app.commit(project)
    return project


def judged(app: Path, *, strict: bool = True) -> tuple[bool, str]:
    found = repository.check(repository.find(app), strict=strict)
    return found.ok, found.summary


def test_a_clean_and_pushed_tree_is_fine(app: Path):
    assert judged(app) == (
        True,
        f"Commit {fix_app.git(app, 'rev-parse', 'HEAD')[:12]}: the tree is clean and pushed.",
    )


@pytest.mark.parametrize("change", ["edited", "added", "staged"])
def test_a_changed_tree_is_found_until_it_is_committed_and_pushed(app: Path, change: str):
    name = "runbooks.toml" if change == "edited" else "new.py"
    (app / name).write_text("# changed\n")
    if change == "staged":
        fix_app.git(app, "add", "new.py")
    ok, said = judged(app)
    assert not ok
    assert "changes that are in no commit" in said
    assert judged(app, strict=False)[0]
    fix_app.git(app, "add", "-A")
    fix_app.git(app, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-qm", "More")
    ok, said = judged(app)
    assert (ok, "no remote has it" in said) == (False, True)
    fix_app.git(app, "push", "-q")
    assert judged(app)[0]


def test_what_the_gate_leaves_is_no_change(app: Path):
    kept = app / "artifacts" / "ops" / "deploys"
    kept.mkdir(parents=True)
    (kept / "d1.json").write_text("{}")
    assert judged(app)[0]


def test_without_a_repository_a_commit_must_be_given(tmp_path: Path):
    assert repository.find(tmp_path) is None
    found = repository.check(None, strict=True)
    assert (found.ok, found.next_steps) == (False, ("Give the commit that is deployed with --commit.",))
    given = repository.find(tmp_path, "abc1234")
    assert given
    assert (given.hash, given.clean, given.pushed) == ("abc1234", None, None)
    assert not repository.check(given, strict=True).ok
    assert repository.check(given, strict=False).ok
    with pytest.raises(errors.Refused, match="no hash of a commit"):
        repository.find(tmp_path, "--help")


def test_another_commit_is_looked_up_and_its_tree_is_not_known(app: Path):
    first = fix_app.git(app, "rev-parse", "HEAD")
    fix_app.git(
        app, "-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "--allow-empty", "-qm", "B"
    )
    found = repository.find(app, first[:8])
    assert found
    assert (found.hash, found.clean, found.pushed, found.given) == (first, None, True, True)
    with pytest.raises(errors.Refused, match="'beefbeef' is no commit of the repository"):
        repository.find(app, "beefbeef")


def _without_index(app: Path) -> None:
    (app / ".git" / "index").write_bytes(b"broken")


def _without_remote(app: Path) -> None:
    (app / ".git" / "packed-refs").write_text("broken")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_without_index, "git cannot show here that its tree is clean"),
        (_without_remote, "git cannot show here that it is pushed"),
    ],
)
def test_what_git_cannot_show_is_not_taken_for_granted(app: Path, broken: Callable[[Path], None], said: str):
    commit = fix_app.git(app, "rev-parse", "HEAD")
    broken(app)
    found = repository.check(repository.find(app) or repository.find(app, commit), strict=True)
    assert not found.ok
    assert said in found.summary
    assert found.next_steps


def test_without_git_a_given_commit_is_not_shown_to_be_clean(app: Path, monkeypatch: pytest.MonkeyPatch):
    commit = fix_app.git(app, "rev-parse", "HEAD")
    monkeypatch.setenv("PATH", "")
    assert repository.find(app) is None
    found = repository.check(repository.find(app, commit), strict=True)
    assert (found.ok, "git cannot show here that its tree is clean" in found.summary) == (False, True)


def test_in_a_hook_of_another_repository_it_looks_at_the_projects_own(
    app: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (app / "new.py").write_text("# changed\n")
    other = tmp_path / "other"
    other.mkdir()
    fix_app.git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    ok, said = judged(app)
    assert (ok, "changes that are in no commit" in said) == (False, True)
