"""The app's repository: which commit it is at, and whether the tree is clean and pushed.

Source: deploy-gate.md, pre-deploy checklist 5 and the required evidence.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ops import errors
from ops.deploy_verdict import Commit, Found

_HASH = re.compile(r"[0-9a-f]{7,40}")
# What the gate itself leaves in the project is no change of it.
_OURS = ":(exclude)artifacts/ops"


def find(root: Path, given: str = "") -> Commit | None:
    """Return the commit that is checked out at `root`, or the one that was `given`; `None` if there is neither.

    Raises:
        Refused: what was given is no commit of this repository.
    """
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if given:
        return _given(root, given, head)
    return _looked_up(root, head, given=False) if head else None


def check(commit: Commit | None, *, strict: bool) -> Found:
    """Judge a commit: before a deploy (`strict`) the tree must be clean and pushed."""
    if commit is None:
        return Found(
            ok=False,
            summary="No commit is known: the project lies in no git repository, and none was given.",
            next_steps=("Give the commit that is deployed with --commit.",),
        )
    wrong = [said for holds, said, _ in _conditions(commit) if holds is False]
    steps = tuple(step for holds, _, step in _conditions(commit) if holds is False)
    known = [name for name, holds in (("clean", commit.clean), ("pushed", commit.pushed)) if holds]
    said = "; ".join(wrong) or (
        f"the tree is {' and '.join(known)}" if known else "its tree is not known here"
    )
    return Found(
        ok=not (wrong and strict),
        summary=f"Commit {commit.hash[:12]}{' (given)' if commit.given else ''}: {said}.",
        rows=({"commit": commit.hash, "clean": commit.clean, "pushed": commit.pushed},),
        next_steps=steps if strict else (),
    )


def _conditions(commit: Commit) -> tuple[tuple[bool | None, str, str], ...]:
    return (
        (commit.clean, "the tree has changes that are in no commit", "Commit or take back the changes."),
        (commit.pushed, "no remote has it", "Push the branch, so that what is deployed can be found again."),
    )


def _given(root: Path, given: str, head: str) -> Commit:
    if not head:
        if _HASH.fullmatch(given):
            return Commit(hash=given, given=True)
        raise errors.Refused(
            f"{given!r} is no hash of a commit, and there is no repository to look it up in. Give 7 to 40 "
            "hexadecimal digits."
        )
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{given}^{{commit}}")
    if not found:
        raise errors.Refused(
            f"{given!r} is no commit of the repository at {root.name}, so it is not known what is deployed. "
            "Fetch it, or give another with --commit."
        )
    return _looked_up(root, found, given=True, head=head)


def _looked_up(root: Path, commit: str, *, given: bool, head: str = "") -> Commit:
    changed = _git(root, "status", "--porcelain", "--untracked-files=normal", "--", ".", _OURS)
    remotes = _git(root, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes")
    # The tree of another commit than the one that lies there is not here to be looked at.
    clean = None if given and commit != head else not changed
    return Commit(hash=commit, clean=clean, pushed=bool(remotes), given=given)


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
