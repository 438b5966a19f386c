"""Release notes committed to a branch of a repository of which nothing else is touched: no tree, no index, no HEAD.

Two that commit at once both find their file on the branch: a branch moves only from where its commit was seen.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from ops import errors, release_note, secrets
from ops.evidence import Evidence
from ops.project import Project
from ops.release_note import Facts

_FOLDER = "docs/releases"
_MOST_TRIES = 20
_PATIENCE = 60
# Where git was told to look by whoever called us is not where the project is.
_ELSEWHERE = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_COMMON_DIR",
    "GIT_PREFIX",
)
_NOBODY = {"NAME": "supabase-runbooks", "EMAIL": "runbooks@localhost"}


class Noted(Evidence):
    """Where a file is on a branch."""

    branch: str
    path: str
    commit: str


def keep(project: Project, facts: Facts) -> Evidence:
    """Commit the note of a release where `[release]` says that notes are kept.

    Raises:
        Refused: this is no git repository, or the branch cannot be one or is checked out.
        Unavailable: others move the branch all the time, or git cannot write.
    """
    release = project.release
    if release.notes_branch is None:
        return Evidence(
            ok=True, idle=True, summary="No branch for release notes is configured, so none has one."
        )
    path = f"{release.notes or _FOLDER}/{release_note.file_name(facts)}"
    message = f"Note the release of {facts.project} to {facts.environment}"
    text = release_note.markdown(facts)
    return commit(project.root, release.notes_branch, path=path, text=text, message=message)


def commit(root: Path, branch: str, *, path: str, text: str, message: str) -> Noted:
    """Commit a text as the file at `path`, which counts from `root`; a file that says so already is left as it is.

    A branch that does not exist yet begins where the remote's of this name is, or with this file alone.

    Raises:
        Refused: this is no git repository, the branch cannot be one or is checked out, or the path leads outside.
        Unavailable: others move the branch all the time, or git cannot write.
    """
    place = _place(root, path)
    reference = _reference(root, branch)
    blob = _git(root, "hash-object", "-w", "--stdin", text=secrets.redact(text))
    for _ in range(_MOST_TRIES):
        tip = _tip(root, reference)
        start = tip or _tip(root, f"refs/remotes/origin/{branch}")
        if tip and _at(root, tip, place) == blob:
            said = f"{place} is on the branch {branch} already, with the same words."
            return Noted(ok=True, idle=True, summary=said, branch=branch, path=place, commit=tip)
        made = _made(root, start, place, blob, message)
        if _moved(root, reference, made, tip):
            said = f"{place} was committed to the branch {branch} ({made[:12]}); push it."
            rows = ({"branch": branch, "path": place, "commit": made},)
            return Noted(ok=True, summary=said, rows=rows, branch=branch, path=place, commit=made)
    raise errors.Unavailable(
        f"The branch {branch} was moved or locked by others {_MOST_TRIES} times, so {place} is not on it. Try again; "
        "if it stays so, look for a lock that a killed git has left."
    )


def _place(root: Path, path: str) -> str:
    """Return the path as it counts from the top of the repository."""
    parts = PurePosixPath(path).parts
    if not parts or PurePosixPath(path).is_absolute() or {"..", ".git"} & {part.lower() for part in parts}:
        raise errors.Refused(
            f"{path!r} does not lie in the project, so nothing was committed. Name a path below its root."
        )
    try:
        return _git(root, "rev-parse", "--show-prefix") + "/".join(parts)
    except errors.Unavailable as error:
        raise errors.Refused(
            f"{root.name} is no git repository that can be used here, so no note is committed to a branch of it "
            f"({error}). Make it one, or take notes_branch out of [release] in runbooks.toml."
        ) from None


def _reference(root: Path, branch: str) -> str:
    reference = f"refs/heads/{branch}"
    if branch.startswith("-") or _run(root, "check-ref-format", reference).returncode != 0:
        raise errors.Refused(f"{branch!r} is no name for a branch, so nothing was committed. Name another.")
    if f"branch {reference}" in _git(root, "worktree", "list", "--porcelain").splitlines():
        raise errors.Refused(
            f"The branch {branch} is checked out, and a commit beside its working tree would look like a change that "
            "somebody took back. Give notes a branch of their own: notes_branch in [release] of runbooks.toml."
        )
    return reference


def _tip(root: Path, reference: str) -> str:
    return _run(root, "rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}").stdout.strip()


def _at(root: Path, commit: str, place: str) -> str:
    return _run(root, "rev-parse", "--verify", "--quiet", f"{commit}:{place}").stdout.strip()


def _made(root: Path, start: str, place: str, blob: str, message: str) -> str:
    with tempfile.TemporaryDirectory(prefix="runbooks-index-") as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        if start:
            _git(root, "read-tree", start, **index)
        _git(root, "update-index", "--add", "--cacheinfo", f"100644,{blob},{place}", **index)
        tree = _git(root, "write-tree", **index)
    parents = ("-p", start) if start else ()
    return _git(root, "commit-tree", tree, *parents, text=secrets.redact(message), **_who(root))


def _moved(root: Path, reference: str, made: str, tip: str) -> bool:
    # An empty old value says that the branch must not be there yet.
    return _run(root, "update-ref", "-m", "release note", reference, made, tip).returncode == 0


def _who(root: Path) -> dict[str, str]:
    return {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        if _run(root, "var", f"GIT_{role}_IDENT").returncode != 0
        for part, value in _NOBODY.items()
    }


def _git(root: Path, *words: str, text: str = "", **variables: str) -> str:
    done = _run(root, *words, text=text, **variables)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise errors.Unavailable(secrets.redact(f"git {words[0]} did not do it: {said}"))
    return done.stdout.removesuffix("\n")


def _run(root: Path, *words: str, text: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    try:
        return subprocess.run(
            ["git", "-C", str(root), *words],
            input=text,
            env={**kept, "LC_ALL": "C", **variables},
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.Unavailable(f"git {words[0]} did not run: {type(error).__name__}.") from None
