"""The migrations as they are on the base, read from git: neither the working tree nor its index is touched."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from ops import errors, migrations, project, verification
from ops.migrations import Migration
from ops.project import Project

CONFIGURATION = (project.CONFIG_NAME, "supabase/config.toml")
_LINK = "120000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit; `path` is relative to the project's root."""

    mode: str
    id: str
    path: str


@dataclass(frozen=True, slots=True)
class State:
    """A commit's migrations; `ids` are git's names of their contents, and of the configuration's."""

    commit: str
    migrations: tuple[Migration, ...]
    ids: dict[str, str]


@dataclass(frozen=True, slots=True)
class Base:
    """The base as it was where the branch left it, and as it is now; one and the same where nothing came since."""

    left: State
    now: State


def read(operated: Project, ref: str) -> Base:
    """Read the base at the commit where the branch that is checked out left it, and at its last one.

    Raises:
        Refused: there is no such commit here, or the base's configuration has a mistake.
    """
    left, now = commits(operated.root, ref)
    state = _state(operated.root, left)
    return Base(state, state if now == left else _state(operated.root, now))


@contextmanager
def checked_out(root: Path, commit: str) -> Generator[Project]:
    """Lay a commit's `supabase` folder, its configuration and its seed files out, and return the project there.

    Raises:
        Refused: the configuration has a mistake.
    """
    with tempfile.TemporaryDirectory(prefix="runbooks-base-") as folder:
        place = Path(folder).resolve()
        _put(root, place, entries(root, commit, (*CONFIGURATION, "supabase")))
        then = _configured(place)
        # Up to where the name of a folder or a file may be anything.
        fixed = ("/".join(takewhile(_is_a_name, Path(glob).parts)) or "." for glob in then.seed or ())
        _put(root, place, entries(root, commit, sorted(set(fixed))) if then.seed else ())
        yield then


def _is_a_name(part: str) -> bool:
    return not set(part) & set("*?[")


def _state(root: Path, commit: str) -> State:
    with tempfile.TemporaryDirectory(prefix="runbooks-base-") as folder:
        place = Path(folder).resolve()
        configuration = entries(root, commit, CONFIGURATION)
        _put(root, place, configuration)
        then = _configured(place)
        found = entries(root, commit, [path.as_posix() for path in then.migrations])
        _put(root, place, found)
        there = migrations.read(then)
    ids = {entry.path: entry.id for entry in (*configuration, *found)}
    # In the working tree's words, since that is where a reader looks.
    return State(commit, tuple(replace(m, path=root / m.file, rollback=None) for m in there), ids)


def commits(root: Path, ref: str) -> tuple[str, str]:
    """Return the commit at which the branch that is checked out left `ref`, and the last one of `ref`.

    Raises:
        Refused: this is no repository, it has no such commit, or it does not reach back that far.
    """
    if ref.startswith("-") or not ref:
        raise errors.Refused(
            f"{ref!r} names no commit, so there is no base. Name a branch, such as origin/main."
        )
    _asked(root, "rev-parse", "--git-dir", otherwise=f"{root} is in no git repository that can be read")
    there = _git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    shallow = _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true"
    if there.returncode:
        raise errors.Refused(
            f"This repository has no commit {ref!r}, so it is not known what the branch adds. {_fetching(ref)}"
        )
    last = there.stdout.decode().strip()
    found = _git(root, "merge-base", last, "HEAD")
    if found.returncode and shallow:
        raise errors.Refused(
            "This is a shallow clone that does not reach back to where the branch left its base, so it is not known "
            f"what the branch adds. {_fetching(ref)}"
        )
    if found.returncode:
        raise errors.Refused(
            f"HEAD and {ref!r} have no commit in common, so it is not known what the branch adds. Name its base."
        )
    return found.stdout.decode().strip(), last


def entries(root: Path, commit: str, paths: Iterable[str]) -> tuple[Entry, ...]:
    """Return the files at and below these paths as they are in a commit."""
    listed = _asked(root, "ls-tree", "-r", "-z", commit, "--", *paths)
    found: list[Entry] = []
    for line in listed.split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if facts.split()[1:2] == [b"blob"]:
            mode, _, identity = facts.decode().split()
            found.append(Entry(mode, identity, os.fsdecode(path)))
    return tuple(found)


def blobs(root: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Return the contents that git has under these names; what it does not have is left out."""
    wanted = list(dict.fromkeys(ids))
    answer = _asked(root, "cat-file", "--batch", stdin="".join(f"{each}\n" for each in wanted).encode())
    found: dict[str, bytes] = {}
    at = 0
    for each in wanted:
        end = answer.index(b"\n", at)
        *_, last = answer[at:end].split()
        at = end + 1
        if last.isdigit():
            found[each] = answer[at : at + int(last)]
            at += int(last) + 1
    return found


def named(root: Path, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Return git's names of these files' contents in a commit, without those that are not there."""
    wanted = list(paths)
    lines = "".join(f"{commit}:./{path}\n" for path in wanted)
    answer = _asked(root, "cat-file", "--batch-check=%(objectname)", stdin=os.fsencode(lines))
    said = answer.decode("utf-8", "replace").splitlines()
    return {path: name for path, name in zip(wanted, said, strict=True) if not name.endswith(" missing")}


def hashed(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Return how git would name these files' contents as they are in the working tree."""
    wanted = list(paths)
    top, prefix = _asked(root, "rev-parse", "--show-toplevel", "--show-prefix").split(b"\n")[:2]
    # It reads them from the top, wherever it is started.
    lines = b"".join(prefix + os.fsencode(path) + b"\n" for path in wanted)
    answer = _asked(Path(os.fsdecode(top)), "hash-object", "--stdin-paths", stdin=lines)
    return dict(zip(wanted, answer.decode().split(), strict=True))


def uncommitted(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Return which of these files are not in the working tree what they are in the commit that is checked out."""
    wanted = sorted({path for path in paths if not (root / path).is_symlink()})
    then = named(root, "HEAD", wanted)
    now = hashed(root, [path for path in wanted if (root / path).is_file()])
    return tuple(path for path in wanted if now.get(path) != then.get(path))


def _configured(place: Path) -> Project:
    try:
        return project.load(place)
    except errors.Refused as error:
        raise errors.Refused(f"On the base: {error}") from None


def _put(root: Path, place: Path, found: Iterable[Entry]) -> None:
    files = list(found)
    contents = blobs(root, (entry.id for entry in files)) if files else {}
    for entry in files:
        path = place / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode == _LINK:
            path.unlink(missing_ok=True)
            path.symlink_to(os.fsdecode(contents[entry.id]))
        else:
            path.write_bytes(contents[entry.id])


def _fetching(ref: str) -> str:
    return (
        "Fetch the whole history: `fetch-depth: 0` of actions/checkout, or `git fetch --unshallow`, and "
        f"`git fetch {ref.partition('/')[0] or 'origin'}`."
    )


def _asked(root: Path, *words: str, stdin: bytes = b"", otherwise: str = "git cannot read the base") -> bytes:
    done = _git(root, *words, stdin=stdin)
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise errors.Refused(f"{otherwise}, so it is not known what the branch adds: {said}")
    return done.stdout


def _git(root: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    # Without it git may write the index, to note what it has looked at.
    variables = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["git", *words], cwd=root, env=variables, input=stdin, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise errors.Refused(
            "There is no git, so it is not known what the branch adds. Install git."
        ) from None


def judged(where: Project, found: Sequence[Migration]) -> Iterator[str]:
    """Yield the files that a branch is judged by."""
    for migration in found:
        yield migration.file
        if migration.rollback:
            yield migration.rollback.file
    yield from (path.as_posix() for path in verification.find(where)[0])
    yield from CONFIGURATION
