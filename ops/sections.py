"""Migration files that hold their own way back, below a mark that other tools know: dbmate, goose, sql-migrate.

The Supabase CLI knows no such mark and would run both parts, one after the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ops import lexer, statements

_MARK = re.compile(
    r"^--[ \t]*(?:migrate:(?P<dbmate>up|down)\b|\+(?:goose|migrate)[ \t]+(?P<goose>up|down)\b"
    r"|(?P<words>up|down)[ \t]+migration[ \t]*$).*$",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Sections:
    """A file's way forth and its way back, each as the whole text with the other part blank.

    `back` is "" where there is none; `mark` is the line that begins it and `line` its number.
    """

    forth: str
    back: str = ""
    mark: str = ""
    line: int = 0


def split(text: str) -> Sections:
    """Return the two parts of a file; what a mark has no statement below it for stays one part."""
    marks = list(_MARK.finditer(text))
    down = next((mark for mark in marks if _says(mark) == "down"), None)
    if down is None:
        return Sections(text)
    end = next((mark.start() for mark in marks if mark.start() > down.end()), len(text))
    if lexer.skip_gap(text[:end], down.end()) >= end:
        return Sections(text)
    forth = text[: down.start()] + _blank(text[down.start() : end]) + text[end:]
    back = _blank(text[: down.start()]) + text[down.start() : end]
    line, _ = statements.position(text, down.start())
    return Sections(forth, back, down.group().strip(), line)


def _says(mark: re.Match[str]) -> str:
    return (mark["dbmate"] or mark["goose"] or mark["words"]).lower()


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
