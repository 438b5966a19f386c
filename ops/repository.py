"""The app's repository: which commit it is at, and whether the tree is clean and pushed.

Source: deploy-gate.md, pre-deploy checklist 5 and the required evidence.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from ops import errors
from ops.deploy_verdict import Commit, Found

_HASH = re.compile(r"[0-9a-f]{7,40}")
# What the gate itself leaves in the project is no change of it.
_OURS = ":(exclude)artifacts/ops"
# In a hook of git's own these name another repository than the project's.
_ELSEWHERE = {
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
}
_WRONG = {
    "clean": ("the tree has changes that are in no commit", "Commit or take back the changes."),
    "pushed": ("no remote has it", "Push the branch, so that what is deployed can be found again."),
}
_HERE = "Run the gate where git works, in the clone from which is deployed, with that commit checked out."
_UNKNOWN = {
    "clean": ("git cannot show here that its tree is clean", _HERE),
    "pushed": ("git cannot show here that it is pushed", _HERE),
}


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
    """Judge a commit: before a deploy (`strict`) git must show that the tree is clean and pushed."""
    if commit is None:
        return Found(
            ok=False,
            summary="No commit is known: the project lies in no git repository, and none was given.",
            next_steps=("Give the commit that is deployed with --commit.",),
        )
    both = (("clean", commit.clean), ("pushed", commit.pushed))
    wrong = [_WRONG[name] for name, holds in both if holds is False]
    unknown = [_UNKNOWN[name] for name, holds in both if holds is None]
    said = [said for said, _ in (*wrong, *unknown)]
    return Found(
        ok=not (strict and said),
        summary=f"Commit {commit.hash[:12]}{' (given)' if commit.given else ''}: "
        f"{'; '.join(said) or 'the tree is clean and pushed'}.",
        rows=({"commit": commit.hash, "clean": commit.clean, "pushed": commit.pushed},),
        next_steps=tuple(dict.fromkeys(step for _, step in (*wrong, *unknown))) if strict else (),
    )


def _given(root: Path, given: str, head: str | None) -> Commit:
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


def _looked_up(root: Path, commit: str, *, given: bool, head: str | None = None) -> Commit:
    remotes = _git(root, "for-each-ref", "--count=1", "--contains", commit, "refs/remotes")
    # The tree of another commit than the one that lies there is not here to be looked at.
    clean = None if given and commit != head else _clean(root)
    return Commit(hash=commit, clean=clean, pushed=None if remotes is None else bool(remotes), given=given)


def _clean(root: Path) -> bool | None:
    words = (
        "status",
        "--porcelain",
        "--untracked-files=normal",
        "--ignore-submodules=none",
        "--",
        ".",
        _OURS,
    )
    changed = _git(root, *words)
    return None if changed is None else not changed


def _git(root: Path, *words: str) -> str | None:
    """Return what git says, or `None` where it does not end well."""
    variables = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=variables,
        )
    except (OSError, UnicodeDecodeError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
