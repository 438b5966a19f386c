"""Copies of psql's files in which nothing can commit, and which say what they are doing.

In a copy a BEGIN is a savepoint, a ROLLBACK goes back to it and a COMMIT lets it go, as in `ops.undone`. Around
each statement stand marks, so that what psql prints can be told apart, and a result's types are asked for
before the result, so that a boolean is known as one. Included files are copied in the same way. Lines keep
their numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ops import lexer, statements
from ops.nature import Nature
from ops.statements import Script, Statement

_INCLUDE = re.compile(
    r"^[ \t]*\\(?P<how>ir|i|include_relative|include)(?![a-z_])[ \t]+(?P<path>'[^'\n]*'|[^\s]+)[ \t]*$",
    re.MULTILINE,
)
# These change how results are printed, and the reader of the output is not a person.
_FORMATTING = re.compile(
    r"(?:\\(?:(?:pset|[atxHfCTo]|timing)(?![\w?!])|(?:un)?set[ \t]+(?:VERBOSITY|SHOW_CONTEXT|ECHO)\b)[^\n\\]*)+"
)
_CONTROL = {Nature.BEGIN, Nature.COMMIT, Nature.COMMIT_AND_CHAIN, Nature.ROLLBACK, Nature.PREPARE}
_WITH_RESULT = {"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt"}

Change = tuple[int, int, str]


class Uncopied(Exception):
    """A file of which no copy can be made; the text goes after the file's name."""


@dataclass(frozen=True, slots=True)
class Included:
    """A file that another includes; `start` and `end` are the place of the whole command."""

    path: Path
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A statement, and the file it stands in as the project would say it."""

    file: str
    statement: Statement


@dataclass(slots=True)
class Copies:
    """The copies of a file and of what it includes, each made once; `mark` occurs nowhere in them.

    Statements of which `omit` is true are left out. `home` is where psql would have been started, if not in `root`.
    """

    folder: Path
    root: Path
    mark: str
    omit: Callable[[Statement], bool] = lambda _statement: False
    home: Path | None = None
    statements: list[Placed] = field(default_factory=list[Placed])
    _made: dict[Path, Path] = field(default_factory=dict[Path, Path])
    _making: list[Path] = field(default_factory=list[Path])

    def make(self, path: Path) -> Path:
        """Copy the file at `path` and all that it includes.

        Raises:
            Uncopied: one of them cannot be read, includes itself, or includes what only psql can name.
        """
        if path in self._making:
            raise Uncopied(f"includes itself by way of {self.name(self._making[-1])}")
        if path in self._made:
            return self._made[path]
        self._making.append(path)
        copy = self._made[path] = self.folder / f"{len(self._made)}.sql"
        copy.write_text(self._copied(path), encoding="utf-8", newline="")
        self._making.pop()
        return copy

    def _copied(self, path: Path) -> str:
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise Uncopied(f"needs {self.name(path)}, which cannot be read as UTF-8: {error}") from None
        if hidden := _hidden_include(text):
            raise Uncopied(
                f"includes by `{hidden}` a file that only psql's variables know, so nobody could undo it; name it"
            )
        script = statements.parse(text)
        changes = [*self._inclusions(path, text), *_plain_output(script)]
        changes += [change for group in self._statements(path, script) for change in group]
        return _changed(text, changes)

    def name(self, path: Path | str) -> str:
        """Return the path of a copy, or of a file, as the project would say it."""
        original = next((real for real, copy in self._made.items() if copy == Path(path)), Path(path))
        within = original.is_relative_to(self.root)
        return original.relative_to(self.root).as_posix() if within else str(original)

    def _inclusions(self, path: Path, text: str) -> Iterator[Change]:
        for included in includes(path, text, root=self.root, home=self.home):
            copy = self.make(included.path) if included.path.is_file() else included.path
            yield included.start, included.end, f"\\i '{copy}'"

    def _statements(self, path: Path, script: Script) -> Iterator[list[Change]]:
        in_block = False
        for statement in script.statements:
            if statement.nature in _CONTROL:
                yield [_without_commit(statement, in_block=in_block)]
                in_block = statement.nature in {Nature.BEGIN, Nature.COMMIT_AND_CHAIN}
            elif self.omit(statement):
                yield [_replaced(statement, "")]
            else:
                yield self._marked(path, script.text, statement)

    def _marked(self, path: Path, text: str, statement: Statement) -> list[Change]:
        number = len(self.statements)
        self.statements.append(Placed(self.name(path), statement))
        begins = (statement.offset, statement.offset, self._say("at", number))
        end = statement.offset + len(statement.text)
        semicolon = lexer.skip_gap(text, end)
        if not text.startswith(";", semicolon):
            return [begins]
        ends = self._say("end", number)
        if not _has_result(statement):
            return [begins, (semicolon + 1, semicolon + 1, f" {ends}")]
        described = f"\\gdesc {self._say('described', number)}\\g \\\\ {ends}"
        return [begins, (semicolon, semicolon + 1, f" {described}")]

    def _say(self, what: str, number: int) -> str:
        said = f"{self.mark} {what} {number}"
        return f"\\echo {said} \\\\ \\warn {said} \\\\ "


def begins(mark: str) -> str:
    """Return psql's commands that say that what ran before the file is over."""
    return f"\\echo {mark} start 0\n\\warn {mark} start 0\n"


def includes(path: Path, text: str, *, root: Path, home: Path | None = None) -> Iterator[Included]:
    """Yield what a file includes by name, there or not.

    `\\ir` counts from the file, `\\i` from `home` if it is there, else from `root`.
    """
    for match in _INCLUDE.finditer(text):
        name = match["path"].strip("'")
        base = root if home is None or not (home / name).is_file() else home
        if match["how"] in {"ir", "include_relative"}:
            base = path.parent
        yield Included((base / name).resolve(), match.start(), match.end())


def _hidden_include(text: str) -> str | None:
    """Return the include whose file only psql's variables know, so that no copy of it can be made."""
    named = (match for match in _INCLUDE.finditer(text) if re.search(r":['\"]?\w", match["path"]))
    return next((match.group().strip() for match in named), None)


def _plain_output(script: Script) -> Iterator[Change]:
    for command in script.meta_commands:
        if found := _FORMATTING.match(command.text):
            yield command.offset, command.offset + found.end(), ""


def _without_commit(statement: Statement, *, in_block: bool) -> Change:
    """Return what replaces the file's own transaction control, on as many lines."""
    leave = "release runbooks_block; reset role" if in_block else ""
    back = "rollback to runbooks_block; release runbooks_block" if in_block else ""
    replacement = {
        Nature.BEGIN: "" if in_block else "savepoint runbooks_block",
        Nature.ROLLBACK: back,
        Nature.COMMIT: leave,
        Nature.COMMIT_AND_CHAIN: f"{leave}; savepoint runbooks_block",
        Nature.PREPARE: "select 'PREPARE TRANSACTION cannot run where all is undone'::int",
    }[statement.nature]
    return _replaced(statement, replacement)


def _replaced(statement: Statement, replacement: str) -> Change:
    lines = "\n" * statement.text.count("\n")
    return statement.offset, statement.offset + len(statement.text), replacement + lines


def _has_result(statement: Statement) -> bool:
    if statement.kind not in _WITH_RESULT or "\\;" in statement.text:
        return False
    return statement.kind == "select_stmt" or "returning" in statement.text.lower()


def _changed(text: str, changes: Sequence[Change]) -> str:
    parts: list[str] = []
    last = 0
    for start, end, replacement in sorted(changes, key=lambda change: change[:2]):
        parts += [text[last:start], replacement]
        last = end
    return "".join([*parts, text[last:]])
