"""What psql printed and complained about, read back into the answers of single statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from ops.copies import Copies, Placed
from ops.undone import Answer, Column
from ops.verdict import Failure

CELL, ROW, NULL = "\x1f", "\x1e", "\x1d"
_BOOLEAN, _TEXT = 16, 25
_TYPES = {
    "boolean": _BOOLEAN,
    "name": 19,
    "text": _TEXT,
    "character": 1042,
    "character varying": 1043,
}
_MESSAGE = re.compile(
    r"^psql:(?P<file>[^\n]*?):(?P<line>\d+): (?P<level>\w+): +(?:(?P<sqlstate>[0-9A-Z]{5}): )?", re.MULTILINE
)
_PART = re.compile(r"^(LINE|DETAIL|HINT|CONTEXT|QUERY|LOCATION|STATEMENT)(?: (\d+))?: *", re.MULTILINE)
_NOTICES = {"DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "warning", "info"}
_NO_ERROR = ("00", "01")


@dataclass(slots=True)
class Transcript:
    """What one run of psql said, each answer with the file it is from.

    `printed` is (place, text) of what belongs to no statement, `failures` what belongs to none, and `error`
    what kept it all from beginning or ending.
    """

    answers: list[tuple[str, Answer]] = field(default_factory=list[tuple[str, Answer]])
    printed: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    failures: list[Failure] = field(default_factory=list[Failure])
    error: str | None = None


@dataclass(slots=True)
class _Run:
    """One statement that psql has begun."""

    placed: Placed
    text: str
    complaints: str
    described: str | None = None


def read(output: str, said: str, copies: Copies) -> Transcript:
    """Put standard output and standard error, cut by the marks of the copies, together again."""
    transcript = Transcript()
    run: _Run | None = None
    for mark, printed, complaints in _segments(output, said, copies.mark):
        what, number = mark
        if run and what != "described":
            transcript.answers.append((run.placed.file, _answer(run, copies)))
        if what == "at":
            run = _Run(copies.statements[number], printed, complaints)
        elif what == "described" and run:
            run.described, run.text, run.complaints = run.text, printed, run.complaints + complaints
        else:
            place = run.placed if run else None
            run = None
            _outside(transcript, place, printed, complaints, copies)
    if run:
        transcript.answers.append((run.placed.file, _answer(run, copies)))
    return transcript


def _segments(output: str, said: str, mark: str) -> Iterator[tuple[tuple[str, int], str, str]]:
    """Yield (mark, what was printed after it, what was complained about after it)."""
    cut = re.compile(rf"{mark} (start|at|described|end) (\d+)\n?")
    # What stands before the first mark was said before the file began.
    printed, complaints = cut.split(output), cut.split(said)
    marks = zip_longest(*(iter(printed[1:]),) * 3)
    for index, (what, number, text) in enumerate(marks):
        heard = complaints[3 * index + 3] if len(complaints) > 3 * index + 3 else ""
        yield (what, int(number)), text, heard


def _outside(
    transcript: Transcript, after: Placed | None, printed: str, complaints: str, copies: Copies
) -> None:
    """What stands between statements: the output of psql's own commands, and its complaints about them."""
    if printed.strip():
        place = f"{after.file}:{after.statement.line}: " if after else ""
        transcript.printed.append((place, printed))
    for notice, failure in _messages(complaints, None, copies):
        if failure:
            transcript.failures.append(failure)
        elif notice:
            transcript.printed.append(("", notice[1]))


def _answer(run: _Run, copies: Copies) -> Answer:
    said = list(_messages(run.complaints, run.placed, copies))
    error = next((failure for _, failure in said if failure), None)
    columns, rows = ((), ()) if error else _result(run)
    notices = tuple(notice for notice, _ in said if notice)
    return Answer(run.placed.statement, columns, rows, notices, error)


def _result(run: _Run) -> tuple[tuple[Column, ...], tuple[tuple[str | None, ...], ...]]:
    rows = _rows(run.text)
    if run.described is None:
        # Nobody said what these are: t and f alone in a cell are what psql prints for booleans.
        widest = max(map(len, rows), default=0)
        cells = [[row[at] for row in rows if at < len(row)] for at in range(widest)]
        types = [_BOOLEAN if {*column} <= {"t", "f"} else _TEXT for column in cells]
        return tuple(Column("", type_) for type_ in types), tuple(row for row in rows if len(row) == widest)
    described = [row for row in _rows(run.described) if len(row) == 2]
    types = [_TYPES.get(re.sub(r"\(.*", "", type_ or ""), 0) for _, type_ in described]
    columns = tuple(Column(name or "", type_) for (name, _), type_ in zip(described, types, strict=True))
    return columns, tuple(row for row in rows if len(row) == len(columns))


def _rows(text: str) -> list[tuple[str | None, ...]]:
    if not text:
        return []
    rows = text.removesuffix("\n").split(ROW)
    return [tuple(None if cell == NULL else cell for cell in row.split(CELL)) for row in rows]


def _messages(
    text: str, placed: Placed | None, copies: Copies
) -> Iterator[tuple[tuple[str, str] | None, Failure | None]]:
    """Yield each message as a notice or as a failure."""
    found = list(_MESSAGE.finditer(text))
    for match, following in zip_longest(found, found[1:]):
        parts = _parts(text[match.end() : following.start() if following else len(text)])
        harmless = match["level"] in _NOTICES or (match["sqlstate"] or "").startswith(_NO_ERROR)
        if harmless:
            yield (match["level"].upper(), parts["MESSAGE"]), None
        else:
            yield None, _failure(match, parts, placed, copies)


def _parts(text: str) -> dict[str, str]:
    """Split a message into itself, its DETAIL, its HINT and the LINE of the statement."""
    pieces = _PART.split(text)
    parts = {"MESSAGE": pieces[0].strip()}
    for name, number, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        parts.setdefault(name, number or rest.strip())
    return parts


def _failure(match: re.Match[str], parts: dict[str, str], placed: Placed | None, copies: Copies) -> Failure:
    line = placed.statement.line + int(parts.get("LINE", "1")) - 1 if placed else int(match["line"])
    return Failure(
        message=parts["MESSAGE"],
        sqlstate=match["sqlstate"],
        hint=parts.get("HINT"),
        detail=parts.get("DETAIL"),
        file=placed.file if placed else copies.name(match["file"]),
        line=line,
        statement=placed.statement.text if placed else None,
    )
