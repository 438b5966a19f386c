"""A gate that never began tells the pull request too, under the name that its project has."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ops import pull_request_note, throwaway
from ops.pull_request_result import PullRequest
from ops.verdict import Verdict
from tests import fix_command, fix_github, fix_repository
from tests.fix_github import GitHub
from tests.judging import judged

CONFIG = '[project]\nname = "storefront"\ncontract = []\n'


@pytest.fixture
def branch(tmp_path: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound branch, in a job of its pull request."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": fix_github.HEAD}}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    monkeypatch.setattr("tasks.step.DELAYS", ())
    assert github.comments == []
    return fix_repository.with_colours(tmp_path / "shop", config=CONFIG)


def told(root: Path, environment: str = "throw-away", **choices: str) -> PullRequest:
    found = judged(root, environment=environment, comment=True, status=True, **choices)
    assert (found.bundle, found.findings) == (None, ())
    return found


def without_main(root: Path) -> None:
    fix_repository.git(root, "branch", "-D", "main")


def with_a_wrong_key(root: Path) -> None:
    (root / "runbooks.toml").write_text(f"{CONFIG}migratons = []\n")


def with_half_a_file(root: Path) -> None:
    (root / "runbooks.toml").write_text("[project\n")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (without_main, "no commit 'main'"),
        (with_a_wrong_key, "migratons"),
        (with_half_a_file, "runbooks.toml"),
    ],
)
def test_what_is_refused_is_told(
    branch: Path, github: GitHub, spoil: Callable[[Path], None], said: str
) -> None:
    spoil(branch)
    found = told(branch)
    assert found.verdict is Verdict.REFUSED
    (comment,) = github.comments
    assert comment["body"].startswith(pull_request_note.marker("storefront"))
    assert "⛔ REFUSED" in comment["body"]
    assert said in comment["body"].replace("\\", "")
    assert [(each["state"], each["context"]) for each in github.statuses] == [
        ("failure", "pr-gate (storefront)")
    ]


def test_a_server_that_does_not_start_is_told_over_an_older_verdict(branch: Path, github: GitHub) -> None:
    github.say(f"{pull_request_note.marker('storefront')}\n\n## ✅ PASSED: storefront")
    found = told(branch, bindir=str(branch))
    (comment,) = github.comments
    assert f"{found.verdict.upper()}: storefront" in comment["body"]
    assert "PASSED" not in comment["body"]
    assert len(github.statuses) == 1


def test_a_defect_is_told_and_is_no_verdict_on_the_branch(
    branch: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throwaway, "opened", None)
    found = told(branch)
    assert found.verdict is Verdict.UNAVAILABLE
    assert "defect of its own, TypeError" in github.comments[0]["body"]
    assert [each["state"] for each in github.statuses] == ["error"]


def test_evidence_that_cannot_be_written_is_told(branch: Path, github: GitHub, tmp_path: Path) -> None:
    (tmp_path / "artifacts").write_text("in the way")
    found = told(branch)
    assert found.verdict is Verdict.REFUSED
    assert [each["state"] for each in github.statuses] == ["failure"]


def test_a_file_that_the_command_cannot_write_is_told(branch: Path, github: GitHub) -> None:
    done = fix_command.run("pr-gate", branch, "--base", "main", "--status", "--markdown", branch)
    assert done.returncode == 2
    assert [each["state"] for each in github.statuses] == ["failure"]


def test_no_commit_is_given_the_verdict_of_what_is_not_committed(branch: Path, github: GitHub) -> None:
    assert judged(branch, status=True).findings == ()
    assert len(github.statuses) == 1
    file = fix_repository.migration(branch, "20260104000000_loose")
    file.write_text("select 1;")
    found = judged(branch, status=True)
    assert found.branch.uncommitted == (f"supabase/migrations/{file.name}",)
    assert any("is not committed, so this is the verdict of no commit" in each for each in found.findings)
    assert len(github.statuses) == 1


def test_the_token_is_known_before_anything_is_said(
    branch: Path, github: GitHub, capfd: pytest.CaptureFixture[str]
) -> None:
    projects = branch / "supabase" / "verify" / "env.sql"
    projects.parent.mkdir()
    projects.write_text("\\! echo FAIL $GITHUB_TOKEN\nselect false as ok;\n")
    found = judged(branch, comment=True)
    assert found.verdict is Verdict.FAILED
    assert fix_github.TOKEN not in found.model_dump_json() + github.comments[0]["body"]
    assert fix_github.TOKEN not in "".join(capfd.readouterr())
    kept = Path(str(found.bundle))
    assert not [file for file in kept.rglob("*") if file.is_file() and fix_github.TOKEN in file.read_text()]
