"""SQL read without a grammar: where statements end, and what is psql's own language.

The real parser reads sound files; this reads the others, since a file with `\\connect` in it, or with the
syntax of a newer Postgres, still has statements with a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_LETTER = r"A-Za-z_\x80-\U0010ffff"
_TOKEN = re.compile(
    rf"""
      (?P<gap>[ \t\n\r\f\v]+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<escape>[eE]'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\\?\Z))
    | (?P<quoted>'[^']*(?:''[^']*)*(?:'|\Z) | "[^"]*(?:""[^"]*)*(?:"|\Z))
    | (?P<word>[{_LETTER}][{_LETTER}0-9$]*)
    | (?P<dollar>\$(?:[{_LETTER}][{_LETTER}0-9]*)?\$)
    | (?P<meta>\\)
    | (?P<variable>:(?:'[^'\n]*'|"[^"\n]*"|\{{\?\w+\}}))
    | (?P<name>(?<![:\w\])]):[{_LETTER}]\w*)
    | (?P<semicolon>;)
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<other>[0-9.]+|:[:=]|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_GAP = re.compile(r"(?:[ \t\n\r\f\v]+|--[^\n\r]*)+")
_BLOCK_COMMENT = re.compile(r"/\*|\*/")
_META = re.compile(r"\\(?:\\|;|[^\n\r]*)")
# These send the query buffer, as a semicolon does.
_SENDS = re.compile(r"\\(?:g|gx|gset|gexec|gdesc|crosstabview|watch|bind)\b")
_END_OF_DATA = re.compile(r"^\\\.[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text.

    `kind` is word, quoted, dollar, meta, variable, data, semicolon, open, close or other.
    """

    kind: str
    start: int
    end: int


@dataclass(slots=True)
class Reading:
    """A file's statements as character ranges (no final semicolon), and what only psql understands in it."""

    statements: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    psql: list[Token] = field(default_factory=list[Token])
    data: list[Token] = field(default_factory=list[Token])


def skip_gap(text: str, start: int) -> int:
    """Return the offset of the first character from `start` on that is neither white space nor comment."""
    while True:
        gap = _GAP.match(text, start)
        start = gap.end() if gap else start
        if not text.startswith("/*", start):
            return start
        _, start = _comment(text, start)


def tokens(text: str, start: int = 0) -> Iterator[Token]:
    """Yield the tokens of a text, without white space and comments."""
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            return
        kind, end = match.lastgroup or "other", match.end()
        if kind == "comment":
            kind, end = _comment(text, start)
        elif kind == "dollar":
            closing = text.find(match.group(), end)
            end = len(text) if closing < 0 else closing + len(match.group())
        elif kind == "meta":
            end = _after_meta(text, start)
        if kind not in {"gap", "comment"}:
            yield Token({"escape": "quoted", "name": "variable"}.get(kind, kind), start, end)
        start = end


def words(text: str) -> list[str]:
    """Return the words of a text outside quotes and comments, in lower case."""
    return [text[token.start : token.end].lower() for token in tokens(text) if token.kind == "word"]


def read(text: str) -> Reading:
    """Split a text into statements as psql does, its own commands and `COPY … FROM stdin` data included."""
    reading = Reading()
    start = 0
    while start < len(text):
        start = _read_statement(text, start, reading)
    return reading


def _read_statement(text: str, start: int, reading: Reading) -> int:
    statement = _Statement()
    for token in tokens(text, start):
        if token.kind == "meta":
            reading.psql.append(token)
            if _SENDS.match(text, token.start):
                statement.close(reading)
                return token.end
            continue
        if token.kind == "variable" and (statement.depth == 0 or text[token.start + 1] in "'\"{"):
            reading.psql.append(token)
        if token.kind == "semicolon" and statement.complete:
            statement.close(reading)
            return _skip_data(text, token.end, reading) if statement.copies_in else token.end
        statement.add(token, text)
    statement.close(reading)
    return len(text)


@dataclass(slots=True)
class _Statement:
    start: int | None = None
    end: int = 0
    depth: int = 0
    blocks: int = 0
    words: list[str] = field(default_factory=list[str])

    @property
    def complete(self) -> bool:
        return self.depth == 0 and self.blocks == 0

    @property
    def copies_in(self) -> bool:
        return self.words[:1] == ["copy"] and ("from", "stdin") in zip(
            self.words, self.words[1:], strict=False
        )

    def add(self, token: Token, text: str) -> None:
        self.start = token.start if self.start is None else self.start
        self.end = token.end
        if token.kind == "open":
            self.depth += 1
        elif token.kind == "close":
            self.depth = max(0, self.depth - 1)
        elif token.kind == "word":
            self._add_word(text[token.start : token.end].lower())

    def _add_word(self, word: str) -> None:
        atomic = word == "atomic" and self.words[-1:] == ["begin"]
        if self.words[:1] == ["create"] and (atomic or (self.blocks and word == "case")):
            self.blocks += 1
        elif self.blocks and word == "end":
            self.blocks -= 1
        self.words.append(word)

    def close(self, reading: Reading) -> None:
        if self.start is not None:
            reading.statements.append((self.start, self.end))


def _skip_data(text: str, start: int, reading: Reading) -> int:
    line_end = text.find("\n", start)
    if line_end < 0:
        return start
    ending = _END_OF_DATA.search(text, line_end + 1)
    end = ending.end() if ending else len(text)
    reading.data.append(Token("data", line_end + 1, end))
    return end


def _comment(text: str, start: int) -> tuple[str, int]:
    """Return the kind and the end of a comment; one that nothing ends hides statements, so it is no gap."""
    depth = 0
    for mark in _BLOCK_COMMENT.finditer(text, start):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return "comment", mark.end()
    return "other", len(text)


def _after_meta(text: str, start: int) -> int:
    match = _META.match(text, start)
    return match.end() if match else start + 1
