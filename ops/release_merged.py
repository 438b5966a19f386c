"""Whether what is promoted is merged: the commit, and that the files are the commit's.

Source: database-pipeline.md, "How to Promote to Production", 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ops import operated_git, released_files, triage
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import Environment, Project

_SHOWN = 3
# How `ls-files -v` marks a file of which git was told not to look at changes.
_HIDDEN = "S"


def check(operated: Project, where: Environment) -> Evidence:
    """Say whether HEAD is contained in the branch of `[release]`, and nothing that is released differs from it.

    What git cannot say is a no, each with its own reason.

    Raises:
        Refused: there is no git.
        Unavailable: git does not answer.
    """
    if not where.promotion.require_merged:
        return Evidence(ok=True, idle=True, summary=f"{where.name} does not ask that a change is merged.")
    root, branch = operated.root, operated.release.branch
    head, problem = _head(root)
    problem = problem or _contained(root, head, branch) or changed(operated)
    if problem:
        return Evidence(ok=False, summary=problem)
    said = f"Commit {head[:12]} is contained in {branch}, and the files are as it has them."
    return Evidence(ok=True, summary=said, rows=({"commit": head, "branch": branch},))


def _head(root: Path) -> tuple[str, str]:
    said = operated_git.ask(root, "rev-parse", "--is-inside-work-tree")
    if not said.ok or said.text != "true":
        why = said.complaint or "it has no files checked out"
        return "", (
            f"{root.name} is in no git repository that can be read ({why}), so it is not known what would be "
            "promoted. Promote from a clone."
        )
    head = operated_git.commit(root)
    return (
        head,
        "" if head else "The repository has no commit yet, so nothing of it is merged. Commit and merge it.",
    )


def _contained(root: Path, head: str, branch: str) -> str:
    tip = _tip(root, branch)
    remote = branch.partition("/")[0]
    if not tip:
        return (
            f"The repository has no branch {branch!r}, so it is not known whether {head[:12]} is merged. Run "
            f"`git fetch {remote}`, or mend `branch` of [release]."
        )
    said = operated_git.ask(root, "merge-base", "--is-ancestor", head, tip)
    if said.ok:
        return ""
    if operated_git.ask(root, "rev-parse", "--is-shallow-repository").text != "false":
        return (
            f"This is a shallow clone, which does not say whether {head[:12]} is contained in {branch}, so it is not "
            "known whether it is merged. Run `git fetch --unshallow`."
        )
    if said.code != 1:
        return (
            f"git cannot say whether {head[:12]} is contained in {branch} ({said.complaint}), so it is not promoted. "
            "Clone it again."
        )
    return (
        f"Commit {head[:12]} is not contained in {branch} ({tip[:12]} here), so it is not merged and not promoted. "
        f"Merge it, run `git fetch {remote}`, and check out what was merged."
    )


def _tip(root: Path, branch: str) -> str:
    """Return the commit of a branch; a local one that is called like a remote's is not taken for it."""
    remotes = operated_git.ask(root, "remote").text.splitlines()
    remote = branch.partition("/")[0] in remotes and "/" in branch
    kinds = ("refs/remotes",) if remote else ("refs/remotes", "refs/heads")
    return next(filter(None, (operated_git.commit(root, f"{kind}/{branch}") for kind in kinds)), "")


def changed(operated: Project, found: Sequence[Migration] | None = None) -> str:
    """Say which files of the release are not as HEAD has them, "" if all are; `found`: the migrations, once read.

    Raises:
        Refused: there is no git.
        Unavailable: git does not answer.
    """
    specs = released_files.pathspecs(operated, found)
    root = operated.root
    words = ("status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=none")
    status = operated_git.ask(root, *words, "--untracked-files=all", "--ignored=matching", "--", *specs)
    flags = operated_git.ask(root, "ls-files", "-v", "-z", "--", *specs)
    for said in (status, flags):
        if not said.ok:
            return (
                f"git cannot say whether the files are those of the commit ({said.complaint}), so they are not "
                "promoted. Promote from a clone of its own."
            )
    differing = [_described(line) for line in status.text.split("\0") if line]
    hidden = [f"{line[2:]} (hidden from git)" for line in flags.text.split("\0") if _is_hidden(line)]
    wrong = [*differing, *hidden]
    if not wrong:
        return ""
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return (
        f"{triage.counted(len(wrong), 'file')} of the release {'is' if len(wrong) == 1 else 'are'} not as the commit "
        f"has them: {', '.join(wrong[:_SHOWN])}{more}. So what was merged is not what would be promoted. Commit and "
        "merge them, or take them back."
    )


def _described(line: str) -> str:
    kinds = {"??": "untracked", "!!": "ignored by git"}
    return f"{line[3:]} ({kinds.get(line[:2], 'changed')})"


def _is_hidden(line: str) -> bool:
    # A lower case letter: assume-unchanged.
    return bool(line) and (line[0].islower() or line[0] == _HIDDEN)
