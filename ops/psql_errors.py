"""What psql complains about, as a failure with its place in the file.

psql says at which line it sent a statement, and shows a piece of the line at which the server points.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ops import lexer, secrets
from ops.verdict import Failure

_FIRST = re.compile(
    r"psql:(?:(?P<file>.*?):(?P<line>\d+):)? (?P<level>[^:\s]+): +(?:(?P<sqlstate>[0-9A-Z]{5}): )?(?P<text>.*)"
)
_LABEL = re.compile(r"(?P<name>[A-Z][A-Z ]+):  (?P<text>.*)")
_POINTED = re.compile(r"LINE (?P<number>\d+): (?P<text>.*)")
_ROW_OF_COPY = re.compile(r"COPY .*?, line (?P<number>\d+)")
_ABORTED = "25P02"
Lines = Callable[[str], Sequence[str]]


@dataclass(slots=True)
class _Complaint:
    """One message and what stands below it; `pointed` is the line that is shown, `caret` the column below it."""

    file: str | None
    line: int | None
    level: str
    sqlstate: str | None
    parts: dict[str, str]
    pointed: re.Match[str] | None = None
    caret: int = 0
    last: str = field(default="MESSAGE")


def read(said: str, lines: Lines) -> Failure | None:
    """Return the error that ended a run of psql with `VERBOSITY=verbose` and `--echo-errors`, if one did.

    `said` is its standard error; `lines` returns the lines of a file that it names.
    """
    found = [each for each in _complaints(said) if each.sqlstate is None or _is_error(each)]
    if not found:
        return None
    # After an error that the script ignores, a transaction refuses whatever follows.
    causes = [each for each in found if each.sqlstate != _ABORTED]
    return _failure(causes[-1] if causes else found[-1], lines)


def _is_error(complaint: _Complaint) -> bool:
    return "STATEMENT" in complaint.parts or complaint.level in {"FATAL", "PANIC"}


def _complaints(said: str) -> Iterator[_Complaint]:
    current: _Complaint | None = None
    for line in said.splitlines():
        first = _FIRST.match(line)
        if first and first["level"] == "STATEMENT" and current:
            current.parts["STATEMENT"], current.last = first["text"], "STATEMENT"
        elif first:
            if current:
                yield current
            number = int(first["line"]) if first["line"] else None
            parts = {"MESSAGE": first["text"]}
            current = _Complaint(first["file"], number, first["level"], first["sqlstate"], parts)
        elif current:
            _continue(current, line)
    if current:
        yield current


def _continue(complaint: _Complaint, line: str) -> None:
    label = _LABEL.match(line)
    if complaint.last == "STATEMENT":
        complaint.parts["STATEMENT"] += f"\n{line}"
    elif pointed := _POINTED.match(line):
        complaint.pointed = pointed
    elif complaint.pointed and not complaint.caret and line.strip() == "^":
        complaint.caret = line.index("^") + 1
    elif label:
        complaint.last = label["name"]
        complaint.parts[complaint.last] = label["text"]
    else:
        complaint.parts[complaint.last] += f"\n{line}"


def _failure(complaint: _Complaint, lines: Lines) -> Failure:
    parts = {name: secrets.redact(text.strip()) for name, text in complaint.parts.items()}
    line, column = _place(complaint, lines(complaint.file) if complaint.file else ())
    detail = "\n".join(parts[name] for name in ("DETAIL", "CONTEXT") if name in parts)
    return Failure(
        message=parts["MESSAGE"],
        sqlstate=complaint.sqlstate,
        hint=parts.get("HINT"),
        detail=detail or None,
        file=complaint.file,
        line=line,
        column=column,
        statement=parts["STATEMENT"][:2000] if "STATEMENT" in parts else None,
    )


def _place(complaint: _Complaint, lines: Sequence[str]) -> tuple[int | None, int | None]:
    statement = complaint.parts.get("STATEMENT")
    if complaint.line is None or statement is None:
        return complaint.line, None
    row = _ROW_OF_COPY.match(complaint.parts.get("CONTEXT", ""))
    if row:
        return _line_of_copy(statement, lines, complaint.line) + int(row["number"]), None
    # What was sent ends in the line that psql names.
    before = complaint.line - statement.count("\n") - 1
    if complaint.pointed is None:
        gap = statement[: lexer.skip_gap(statement, 0)]
        return before + gap.count("\n") + 1, None
    line = before + int(complaint.pointed["number"])
    return line, _column(complaint, lines[line - 1] if line <= len(lines) else "")


def _line_of_copy(statement: str, lines: Sequence[str], last: int) -> int:
    end = statement.splitlines()[-1]
    numbers = (number for number in range(min(last, len(lines)), 0, -1) if end in lines[number - 1])
    return next(numbers, last)


def _column(complaint: _Complaint, line: str) -> int | None:
    """Return the column in the file of what the caret stands below, where psql cut the line or not."""
    if complaint.pointed is None or not complaint.caret:
        return None
    shown = complaint.pointed["text"]
    left = complaint.caret - 1 - complaint.pointed.start("text")
    cut = 3 if shown.startswith("...") else 0
    before = _first(shown, left)[cut:]
    start = line.replace("\t", " ").find(shown[cut:].removesuffix("..."))
    return start + len(before) + 1 if start >= 0 else None


def _first(text: str, width: int) -> str:
    """Return the characters that take the first `width` columns of a screen."""
    taken = 0
    for index, char in enumerate(text):
        if taken >= width:
            return text[:index]
        wide = unicodedata.east_asian_width(char) in "WF"
        taken += 0 if unicodedata.combining(char) else 2 if wide else 1
    return text
