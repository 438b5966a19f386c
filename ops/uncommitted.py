"""psql's own files, run by the real psql and undone: from a copy in which nothing can commit.

In the copy a BEGIN is a savepoint, a ROLLBACK goes back to it and a COMMIT lets it go, as in `ops.undone`;
psql itself, with AUTOCOMMIT off, opens the transaction that holds everything and drops it at the end.
Included files are copied in the same way. Lines keep their numbers.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from psycopg import conninfo

from ops import errors, secrets, statements, undone
from ops.nature import Nature
from ops.statements import Script, Statement

_INCLUDE = re.compile(
    r"^[ \t]*\\(?P<how>ir|i|include_relative|include)[ \t]+(?P<path>[^\s:]+)[ \t]*$", re.MULTILINE
)
_SAID = re.compile(r"^psql:(?P<file>.*?):(?P<line>\d+): (?P<level>[A-Z]+): +(?P<message>.*)$")


@dataclass(frozen=True, slots=True)
class Included:
    """A file that another includes; `start` and `end` are the place of the whole command."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Said:
    """A message of psql or the server, in the file where it came up."""

    file: str
    line: int
    level: str
    message: str


@dataclass(slots=True)
class Transcript:
    """What one run of psql said; `statements` are those of the file and of all that it includes."""

    output: list[str] = field(default_factory=list[str])
    said: list[Said] = field(default_factory=list[Said])
    statements: list[tuple[str, Statement]] = field(default_factory=list[tuple[str, Statement]])
    error: str | None = None


def needs_psql(script: Script) -> bool:
    """Whether a file uses psql's own language, or something that only psql can be asked to read."""
    copies = any(s.kind == "copy_stmt" and "std" in s.text.lower() for s in script.statements)
    return bool(script.meta_commands) or script.parse_error is not None or copies


def includes(path: Path, text: str, *, root: Path) -> Iterator[Included]:
    """Yield the files that a file includes by name: `\\i` counts from `root`, `\\ir` from the file."""
    for match in _INCLUDE.finditer(text):
        base = path.parent if match["how"] in {"ir", "include_relative"} else root
        found = base / match["path"].strip("'")
        if found.is_file():
            yield Included(found.resolve(), match.start(), match.end())


def run(
    path: Path,
    dsn: str,
    *,
    root: Path,
    prelude: str,
    keep_going: bool,
    bindir: Path | None = None,
    timeout: timedelta = undone.TIMEOUT,
) -> Transcript:
    """Run a file through psql and undo it; `prelude` is SQL that runs before it in the same session.

    Raises:
        Refused: there is no psql to run it.
    """
    with tempfile.TemporaryDirectory(prefix="runbooks-contract-") as folder:
        copies = _Copies(Path(folder), root)
        transcript = Transcript(statements=copies.statements)
        start = Path(folder) / "start.sql"
        limit = f"set local statement_timeout = {int(timeout.total_seconds() * 1000)};"
        start.write_text(f"{limit}\n{prelude}", encoding="utf-8")
        try:
            copy = copies.make(path.resolve())
        except (OSError, UnicodeDecodeError) as error:
            transcript.error = f"cannot be read as UTF-8: {error}"
            return transcript
        command = _command(bindir, keep_going=keep_going)
        _listen(command, dsn, (start, copy), copies, transcript, timeout)
    return transcript


@dataclass(slots=True)
class _Copies:
    """The copies of a file and of what it includes, each made once."""

    folder: Path
    root: Path
    made: dict[Path, Path] = field(default_factory=dict[Path, Path])
    statements: list[tuple[str, Statement]] = field(default_factory=list[tuple[str, Statement]])

    def make(self, path: Path) -> Path:
        if path in self.made:
            return self.made[path]
        copy = self.folder / f"{len(self.made)}.sql"
        self.made[path] = copy
        text = path.read_bytes().decode("utf-8-sig")
        script = statements.parse(text)
        self.statements += [(self.name(copy), statement) for statement in script.statements]
        changes = [*self._inclusions(path, text), *_without_commits(script)]
        copy.write_text(_changed(text, changes), encoding="utf-8", newline="")
        return copy

    def name(self, copy: Path) -> str:
        """Return the original's path as the project would say it."""
        original = next((path for path, made in self.made.items() if made == copy), copy)
        return (
            original.relative_to(self.root).as_posix()
            if original.is_relative_to(self.root)
            else str(original)
        )

    def _inclusions(self, path: Path, text: str) -> Iterator[tuple[int, int, str]]:
        for included in includes(path, text, root=self.root):
            yield included.start, included.end, f"\\i '{self.make(included.path)}'"


def _without_commits(script: Script) -> Iterator[tuple[int, int, str]]:
    """Yield what replaces the file's own transaction control; text, so that it takes the same lines."""
    in_block = False
    for statement in script.statements:
        replacement: str | None = None
        if statement.nature is Nature.BEGIN:
            replacement, in_block = ("" if in_block else "savepoint runbooks_block"), True
        elif statement.nature is Nature.ROLLBACK:
            back = "rollback to runbooks_block; release runbooks_block"
            replacement, in_block = (back if in_block else ""), False
        elif statement.nature is Nature.COMMIT:
            replacement, in_block = ("release runbooks_block; reset role" if in_block else ""), False
        elif statement.nature in {Nature.COMMIT_AND_CHAIN, Nature.PREPARE}:
            replacement = ""
        if replacement is not None:
            lines = "\n" * statement.text.count("\n")
            yield statement.offset, statement.offset + len(statement.text), replacement + lines


def _changed(text: str, changes: list[tuple[int, int, str]]) -> str:
    for start, end, replacement in sorted(changes, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text


def _command(bindir: Path | None, *, keep_going: bool) -> list[str]:
    program = shutil.which("psql", path=str(bindir)) if bindir else shutil.which("psql")
    if program is None:
        raise errors.Refused(
            f"psql is not in {bindir or 'PATH'}, and the contract uses its language; install postgresql-client."
        )
    stop = "ON_ERROR_ROLLBACK=on" if keep_going else "ON_ERROR_STOP=1"
    return [program, "-X", "-q", "-A", "-t", "-w", "-v", "AUTOCOMMIT=off", "-v", stop]


def _listen(
    command: list[str],
    dsn: str,
    files: tuple[Path, ...],
    copies: _Copies,
    transcript: Transcript,
    timeout: timedelta,
) -> None:
    parameters = conninfo.conninfo_to_dict(dsn)
    password = parameters.pop("password", None)
    environment = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    arguments = [*command, "-d", conninfo.make_conninfo("", **parameters)]
    for file in files:
        arguments += ["-f", str(file)]
    try:
        done = subprocess.run(
            arguments,
            cwd=copies.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout.total_seconds() + 5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        transcript.error = f"did not end within {timeout.total_seconds():g} s"
        return
    for line in secrets.redact(done.stdout.decode("utf-8", "replace")).splitlines():
        _hear(line, copies, transcript)
    if done.returncode == 2 and not transcript.said:
        raise errors.Unavailable(f"psql lost the server: {' '.join(transcript.output[-3:])}")


def _hear(line: str, copies: _Copies, transcript: Transcript) -> None:
    said = _SAID.match(line)
    if said is None:
        transcript.output.append(line)
        return
    file = copies.name(Path(said["file"]))
    transcript.said.append(Said(file, int(said["line"]), said["level"], said["message"]))
