"""What git says of the operated repository: it only reads, and nothing of this process's environment misleads it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ops import errors

# A person's settings may let git pass over a change.
_SETTINGS = (
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.trustctime=true",
    "core.checkStat=default",
)
_TIMEOUT = 120


@dataclass(frozen=True, slots=True)
class Said:
    """What git said: its exit code, its output and its complaint."""

    code: int
    text: str
    complaint: str

    @property
    def ok(self) -> bool:
        return self.code == 0


def ask(root: Path, *words: str) -> Said:
    """Ask git in this folder.

    Raises:
        Refused: there is no git, or no such folder.
        Unavailable: it does not answer.
    """
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    # Replaced objects would show other contents than those of the commit.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    variables = {**kept, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_REPLACE_OBJECTS": "1"}
    try:
        done = subprocess.run(
            ["git", *settings, *words],
            cwd=root,
            env={**variables, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
        )
    except FileNotFoundError:
        raise errors.Refused("There is no git, so nothing is known of the commit. Install git.") from None
    except subprocess.TimeoutExpired:
        raise errors.Unavailable(f"git {words[0]} did not answer within {_TIMEOUT} s.") from None
    complaint = " ".join(os.fsdecode(done.stderr).split())
    return Said(done.returncode, os.fsdecode(done.stdout).strip("\n"), complaint)


def commit(root: Path, name: str = "HEAD") -> str:
    """Return the hash of a commit, "" where there is none of this name."""
    return ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").text


def tree(root: Path, name: str) -> str:
    """Return the hash of a commit's tree, "" where the commit is not here."""
    return ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{tree}}").text


def parents(root: Path, name: str) -> tuple[str, ...]:
    """Return the commits that a commit has come of."""
    said = ask(root, "rev-list", "--parents", "--max-count=1", name, "--")
    return tuple(said.text.split()[1:])


def same(root: Path, one: str, other: str, paths: tuple[str, ...]) -> bool:
    """Whether two commits have the same at and below these paths (git's pathspecs); false where git cannot say."""
    return ask(root, "diff-tree", "--quiet", "-r", "--no-ext-diff", one, other, "--", *paths).ok
