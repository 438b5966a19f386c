"""What a promotion waits for, of the words, of git and of earlier runs' evidence: each holds, breaks and is mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops import bundle, confirmation, kept_evidence, project, release_evidence, release_green
from ops.evidence import Evidence
from ops.project import Environment
from ops.release_settings import Promotion
from ops.verdict import ChangeParts
from tests import fix_repository, projects
from tests.fix_repository import git

WORDS = "CONFIRM PRODUCTION DEPLOYMENT"
MINE, OTHER, THEIRS = "a" * 64, "b" * 64, "c" * 64
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_the_exact_words_confirm():
    assert confirmation.check(WORDS).ok


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "it is empty"),
        (f" {WORDS}", "blanks before or after"),
        (f"{WORDS}\n", "blanks before or after"),
        (WORDS.lower(), "not all capitals"),
        ("CONFIRM PRODUCTION", "ends after 18 characters"),
        (f"{WORDS}!", "goes on after 29 characters"),
        (
            WORDS.replace("O", "\u041e", 1),
            "character 2 is CYRILLIC CAPITAL LETTER O and not LATIN CAPITAL LETTER O",
        ),
        (WORDS.replace(" ", "\u00a0"), "character 8 is NO-BREAK SPACE and not SPACE"),
        (WORDS.replace("M ", "M\u200b ", 1), "ZERO WIDTH SPACE"),
        ("\uff23" + WORDS[1:], "FULLWIDTH LATIN CAPITAL LETTER C"),
        ("postgresql://app:hunter2@db/app", "character 1"),
    ],
)
def test_what_is_not_the_words_is_refused_and_said(given: str, said: str):
    found = confirmation.check(given)
    assert not found.ok
    assert said in found.summary
    assert "hunter2" not in found.summary


def leave(
    root: Path, kind: str, file: str, result: Any, *, seal: bool = True, attempt: int = 1, run: str = ""
) -> Path:
    """Leave evidence as a run does."""
    kept = bundle.open_bundle(root, kind=kind, started=BEGAN, run=run or None, attempt=attempt)
    kept.write_json(file, result)
    if seal:
        kept.seal()
    return kept.path


def soak(
    root: Path, verdict: str = "passed", digest: str = MINE, environment: str = "staging", **more: Any
) -> Path:
    said = {
        "environment": environment,
        "migrations_digest": digest,
        "verdict": verdict,
        "ended": "2026-01-03T03:04:05Z",
    }
    return leave(root, "staging-soak", "soak.json", said, **more)


def soaked(root: Path, digest: str = MINE) -> Evidence:
    config = "[environments.staging]\n[environments.production.promotion]\nsoak = 'staging'\n"
    operated = project.load(projects.write(root / "shop", migrations={}, config=config))
    return release_evidence.check_soak(operated, operated.environment("production"), out=root, digest=digest)


def refused(found: Evidence, *said: str) -> None:
    assert not found.ok, found
    assert all(part in found.summary for part in said), found.summary


def test_a_soak_is_missed_found_and_overtaken(tmp_path: Path):
    refused(soaked(tmp_path), "The soak on staging of this change has not been done", "Run staging-soak")
    soak(tmp_path, digest=OTHER)
    refused(soaked(tmp_path), "the last one was of another change, bbbbbbbb")
    soak(tmp_path, environment="preview")
    refused(soaked(tmp_path), "has not been done")
    soak(tmp_path, verdict="failed")
    refused(soaked(tmp_path), "ended as 'failed'")
    soak(tmp_path)
    found = soaked(tmp_path)
    assert (found.ok, found.summary) == (
        True,
        "The soak on staging of this change passed (2026-01-03T03:04:05Z).",
    )
    soak(tmp_path, verdict="failed")
    refused(soaked(tmp_path), "ended as 'failed'")
    assert not soaked(tmp_path, digest="c" * 64).ok


def edited(path: Path) -> None:
    result = json.loads((path / "soak.json").read_text())
    (path / "soak.json").write_text(json.dumps({**result, "verdict": "passed"}, indent=2))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "edited": (edited, "is not as it was sealed"),
    "garbage": (lambda path: (path / "soak.json").write_text("{"), "is not as it was sealed"),
    "a list": (lambda path: (path / "soak.json").write_text("[]"), "is not as it was sealed"),
    "gone": (lambda path: (path / "soak.json").unlink(), "is not as it was sealed"),
    "unsealed": (lambda path: (path / "manifest.json").unlink(), "is not sealed"),
    "its seal": (lambda path: (path / "manifest.json").write_text("{}"), "cannot be read"),
    "a file more": (lambda path: (path / "more.txt").write_text(""), "1 added"),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_evidence_is_not_believed_and_not_passed_over(tmp_path: Path, how: str):
    damage, said = DAMAGE[how]
    soak(tmp_path)
    assert soaked(tmp_path).ok
    path = soak(tmp_path, verdict="failed")
    damage(path)
    refused(soaked(tmp_path), "cannot be believed", said)
    soak(tmp_path)
    assert soaked(tmp_path).ok, "a newer one is believed again"


def test_a_run_without_a_result_says_nothing(tmp_path: Path):
    soak(tmp_path)
    leave(tmp_path, "staging-soak", "log.txt", "it broke")
    leave(tmp_path, "staging-soak", "log.txt", "it runs", seal=False)
    assert soaked(tmp_path).ok


def test_the_last_attempt_of_a_run_counts(tmp_path: Path):
    soak(tmp_path, verdict="failed", run="r")
    refused(soaked(tmp_path), "'failed'")
    kept = bundle.open_bundle(tmp_path, kind="staging-soak", started=BEGAN, run="r", attempt=2)
    refused(soaked(tmp_path), "'failed'")
    kept.seal()
    soak(tmp_path, run="r", attempt=3)
    assert soaked(tmp_path).ok


def test_evidence_of_another_kind_is_not_taken(tmp_path: Path):
    path = leave(
        tmp_path, "staging-soak-trial", "soak.json", {"environment": "staging", "migrations_digest": MINE}
    )
    refused(soaked(tmp_path), "has not been done")
    path.rename(path.with_name("staging-soak_20260102T030405Z"))
    refused(soaked(tmp_path), "cannot be believed", "is sealed as 'staging-soak-trial'")


def test_a_soak_that_nobody_asks_for_and_one_where_there_is_nothing(tmp_path: Path):
    operated = project.load(projects.write(tmp_path, migrations={}))
    where = Environment(name="x")
    assert release_evidence.check_soak(operated, where, out=tmp_path, digest=MINE).idle
    where = Environment(name="x", promotion=Promotion(soak="nowhere"))
    refused(release_evidence.check_soak(operated, where, out=tmp_path, digest=MINE), "'nowhere', which")


def test_a_p0_rollback_is_rehearsed_for_this_change(tmp_path: Path):
    where = Environment(name="production", promotion=Promotion(require_p0=True))
    change = ChangeParts(
        migrations=MINE, overlay=THEIRS, overlay_environment="production", verification="", gates=""
    )

    def p0(**said: Any) -> Evidence:
        if said:
            result = {
                "rehearsal": True,
                "environment": "production",
                "migrations_digest": MINE,
                "overlays_digest": THEIRS,
                "verdict": "passed",
                **said,
            }
            leave(tmp_path, "p0-rollback", "p0-rollback.json", result)
        return release_evidence.check_p0(where, change, out=tmp_path)

    refused(p0(), "has not been done", "Run p0-rollback as a rehearsal")
    refused(p0(rehearsal=False), "has not been done")
    refused(p0(rehearsal="true"), "has not been done")
    refused(p0(migrations_digest=OTHER), "has not been done")
    refused(p0(overlays_digest=OTHER), "has not been done")
    assert p0(verdict="passed").ok
    assert p0(environment="staging", overlays_digest=OTHER).ok
    refused(p0(verdict="failed"), "ended as 'failed'")
    assert release_evidence.check_p0(Environment(name="x"), change, out=tmp_path).idle


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return fix_repository.with_colours(tmp_path / "shop")


def gate(
    root: Path, verdict: str = "passed", *, clean: bool = True, name: str = "shop", **branch: Any
) -> Path:
    said = {
        "head": git(root, "rev-parse", "HEAD"),
        "tree": git(root, "rev-parse", "HEAD^{tree}"),
        "clean": clean,
    }
    result = {
        "project": name,
        "commit": said["head"],
        "verdict": verdict,
        "summary": "So it is.",
        "branch": said | branch,
    }
    return leave(root.parent, "pr-gate", "rehearsal.json", result)


def green(root: Path) -> Evidence:
    return release_green.check(project.load(root), Environment(name="production"), out=root.parent)


def test_a_gate_is_green_for_its_commit_until_a_later_one_is_not(shop: Path):
    head = git(shop, "rev-parse", "HEAD")
    refused(
        green(shop),
        f"no evidence that the gate of a pull request has judged {head[:12]}",
        f"audit override {head}",
    )
    gate(shop)
    assert green(shop).summary == "The gate of the pull request is green for this commit."
    gate(shop, "failed")
    refused(green(shop), "ended as 'failed'", "So it is.")
    gate(shop, clean=False)
    refused(green(shop), "judged files that were in no commit")
    gate(shop, name="another project")
    refused(green(shop), "judged files that were in no commit")
    gate(shop)
    assert green(shop).ok
    (gate(shop, "failed") / "rehearsal.json").write_text("{}")
    refused(green(shop), "cannot be believed")


def test_a_squashed_merge_has_the_files_that_were_judged(shop: Path):
    gate(shop)
    branch = git(shop, "rev-parse", "HEAD")
    git(shop, "checkout", "-q", "main")
    refused(green(shop), "no evidence")
    git(shop, "merge", "-q", "--squash", "feature")
    fix_repository.committed(shop, "squashed")
    git(shop, "branch", "-q", "-D", "feature")
    assert f"green for {branch[:12]}, which has the same files" in green(shop).summary
    # Elsewhere the branch's own commit is not there at all.
    git(shop, "-c", "gc.reflogExpire=now", "reflog", "expire", "--expire=now", "--all")
    git(shop, "gc", "-q", "--prune=now")
    assert green(shop).ok
    (shop / "README.md").write_text("more\n")
    fix_repository.committed(shop)
    refused(green(shop), "no evidence")


def test_a_merge_counts_as_its_branch_while_the_migrations_are_the_same(shop: Path):
    gate(shop)
    branch = git(shop, "rev-parse", "HEAD")
    git(shop, "checkout", "-q", "main")
    (shop / "README.md").write_text("more\n")
    fix_repository.committed(shop)
    git(shop, "merge", "-q", "--no-ff", "-m", "merge", "feature")
    assert f"green for {branch[:12]}, which was merged with the same migrations" in green(shop).summary
    git(shop, "reset", "-q", "--hard", "HEAD^")
    fix_repository.add(shop, {"20260104000000_more": "select 1;\n"})
    git(shop, "merge", "-q", "--no-ff", "-m", "merge", "feature")
    refused(green(shop), "no evidence")


def test_evidence_that_is_nowhere_is_none(tmp_path: Path):
    assert kept_evidence.newest(tmp_path, "x", result="x.json", about=lambda _: True) is None
