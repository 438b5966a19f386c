"""What the gate of a pull request found: a rehearsal of what the branch adds, and what was looked at beside it."""

from __future__ import annotations

from typing import ClassVar, Literal

from ops.drift import Side
from ops.verdict import ContractFile, Difference, Part, Rehearsal


class Change(Part):
    """One file that the branch changes; `line` is the first that is not the same, `fails` that it may not be so."""

    kind: Literal[
        "added", "edited", "deleted", "renamed", "out-of-order", "gained", "rollback", "configuration"
    ]
    file: str
    line: int | None = None
    said: str
    fails: bool

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Branch(Part):
    """What is to be merged: into which base and its last commit, from which commit on, and what it changes.

    `tree` is git's name of the files of `head`, which a merge may give to another commit; `clean` says that what is
    released of it is those files, and `uncommitted` which files were judged as they are in the working tree.
    """

    base: str = ""
    base_commit: str | None = None
    merge_base: str | None = None
    head: str | None = None
    tree: str | None = None
    clean: bool = False
    changes: tuple[Change, ...] = ()
    uncommitted: tuple[str, ...] = ()


class Verification(Part):
    """The project's verification scripts and smoke SQL; `missing` are the globs that nothing matches."""

    files: tuple[ContractFile, ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None


class StagingDrift(Part):
    """How the live staging schema differs from what the migrations produce.

    `before` of a difference is what the migrations make, `after` what staging has. `compared_with` says which
    files were applied for it, `behind` which of the base's staging has not, `unknown` which versions it has
    without a file; `ignored` counts what the project leaves out (`idle_globs` leave out nothing), `platform` what is
    the platform's own.
    """

    status: Literal["equal", "differs", "unknown", "skipped"] = "skipped"
    reason: str | None = None
    staging: Side | None = None
    compared_with: str | None = None
    behind: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    ignored: int = 0
    idle_globs: tuple[str, ...] = ()
    platform: int = 0
    warnings: tuple[str, ...] = ()


class PullRequest(Rehearsal):
    """The whole result of the gate."""

    THEN: ClassVar[str] = "merge it"

    branch: Branch = Branch()
    verification: Verification = Verification()
    drift: StagingDrift = StagingDrift()
