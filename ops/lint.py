"""What squawk, the linter of migrations, says about the files that are about to run.

Source: staging-rehearsal.md, section 3.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypedDict

from ops.migrations import Migration
from ops.verdict import Lint

TIMEOUT = timedelta(minutes=1)
NOT_LINTED = "not-linted"
_SYNTAX = "syntax-error"
# Far below the length that a command line may have, with paths of the longest kind.
_AT_ONCE = 400
# Every login that runs a migration sets both.
_OURS = frozenset({"require-lock-timeout", "require-statement-timeout"})
_BOM = "\ufeff"
# squawk takes each path for a pattern.
_SPECIAL = str.maketrans({sign: f"[{sign}]" for sign in "*?["})


class _Said(TypedDict):
    """What squawk's JSON says of one finding; lines and columns count from 0, columns in bytes."""

    file: str
    line: int
    column: int
    level: str
    message: str
    help: str | None
    rule_name: str


class _Broken(Exception):
    """The linter gave no answer; the text says why."""


def findings(migrations: Sequence[Migration], *, major: int) -> dict[str, tuple[Lint, ...]]:
    """Return what the linter finds in each file that may run, by file; the project's .squawk.toml counts.

    `major` is the version of the server they are meant for. A file that could not be linted has one finding
    that says why.
    """
    found: dict[str, tuple[Lint, ...]] = {}
    readable = [migration for migration in migrations if migration.problem is None]
    for whole in (True, False):
        chosen = [migration for migration in readable if migration.script.transactional is whole]
        options = [f"--pg-version={major}", *(["--assume-in-transaction"] if whole else [])]
        for start in range(0, len(chosen), _AT_ONCE):
            found |= _linted(chosen[start : start + _AT_ONCE], options)
    return found


def _linted(migrations: Sequence[Migration], options: Sequence[str]) -> dict[str, tuple[Lint, ...]]:
    """Lint files in one process, and in ever fewer where one of them breaks the linter."""
    root = _root(migrations[0])
    try:
        said = _ask(options, [migration.file for migration in migrations], cwd=root)
        return {m.file: tuple(_lints(said[m.file], m.path)) if m.file in said else () for m in migrations}
    except (_Broken, OSError) as error:
        if len(migrations) > 1 and _works(options, cwd=root):
            middle = len(migrations) // 2
            return _linted(migrations[:middle], options) | _linted(migrations[middle:], options)
        failed = Lint(rule=NOT_LINTED, message=f"The linter did not read this file: {error}.", level="error")
        return {migration.file: (failed,) for migration in migrations}


def _root(migration: Migration) -> Path:
    return migration.path.parents[len(Path(migration.file).parts) - 1]


def _works(options: Sequence[str], *, cwd: Path) -> bool:
    """Whether the linter runs at all: a wrong .squawk.toml breaks it for every file."""
    try:
        _ask(options, (), cwd=cwd)
    except _Broken:
        return False
    return True


def _ask(options: Sequence[str], files: Sequence[str], *, cwd: Path) -> Mapping[str, list[_Said]]:
    program = shutil.which("squawk", path=sysconfig.get_path("scripts")) or shutil.which("squawk")
    if program is None:
        raise _Broken("squawk is not installed. Install the package squawk-cli")
    paths = [file.translate(_SPECIAL) for file in files]
    command = [program, "--reporter=json", *options, "--", *paths]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _Broken(f"squawk did not end within {TIMEOUT.total_seconds():g} s") from None
    except OSError as error:
        raise _Broken(f"squawk does not start: {error.strerror}") from None
    return _by_file(done)


def _by_file(done: subprocess.CompletedProcess[bytes]) -> Mapping[str, list[_Said]]:
    try:
        said: list[_Said] = json.loads(done.stdout)
    except ValueError:
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _Broken(complaint[0] if complaint else f"squawk ended with {done.returncode}") from None
    found: defaultdict[str, list[_Said]] = defaultdict(list)
    for item in said:
        # One broken quote makes errors of all that follows.
        echo = item["rule_name"] == _SYNTAX and any(e["rule_name"] == _SYNTAX for e in found[item["file"]])
        if item["rule_name"] not in _OURS and not echo:
            found[item["file"]].append(item)
    return found


def _lints(said: Sequence[_Said], path: Path) -> Iterator[Lint]:
    lines = path.read_bytes().split(b"\n")
    for item in said:
        # The bytes of a byte order mark are counted, too.
        before = lines[item["line"]][: item["column"]].decode("utf-8", "replace")
        yield Lint(
            rule=item["rule_name"],
            message=item["message"],
            level=item["level"].lower(),
            line=item["line"] + 1,
            column=len(before.removeprefix(_BOM)) + 1,
            help=item["help"],
        )
