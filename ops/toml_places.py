"""On which line of a TOML file each key stands: the parser that reads its values does not say.

The text has been parsed already, so it is known to be right.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
_TOKEN = re.compile(
    r'''
    (?P<blank> [ \t\r]+ | \#[^\n]* )
    | (?P<newline> \n )
    | (?P<string> """(?:\\.|[^\\])*?"{3,5} | \'\'\'.*?\'{3,5} | "(?:\\.|[^"\\])*" | '[^']*' )
    | (?P<mark> [][{}=,.] )
    | (?P<bare> [^][{}=,.\s\#"']+ )
    ''',
    re.VERBOSE | re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass
class _Reader:
    tokens: list[_Token]
    lines: dict[Place, int] = field(default_factory=dict[Place, int])
    counts: dict[Place, int] = field(default_factory=dict[Place, int])
    at: int = 0

    def read(self) -> None:
        table: Place = ()
        while self.at < len(self.tokens):
            if self.tokens[self.at].kind == "newline":
                self.at += 1
            elif self._next_is("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Place:
        line = self.tokens[self.at].line
        many = self._follows("[")
        self.at += 2 if many else 1
        keys = self._keys()
        self.at += 2 if many else 1
        *outer, last = keys
        place: Place = ()
        for key in outer:
            place = self._inside((*place, key), line)
        place = (*place, last)
        if many:
            self.counts[place] = self.counts.get(place, 0) + 1
        return self._inside(place, line)

    def _inside(self, place: Place, line: int) -> Place:
        """Return a table's place; of an array of tables it is the last one's."""
        self.lines.setdefault(place, line)
        if place in self.counts:
            place = (*place, self.counts[place] - 1)
            self.lines.setdefault(place, line)
        return place

    def _pair(self, table: Place) -> None:
        line = self.tokens[self.at].line
        for key in self._keys():
            table = (*table, key)
            self.lines.setdefault(table, line)
        self.at += 1
        self._value(table)

    def _keys(self) -> list[str]:
        keys = [_key(self._take())]
        while self._next_is("."):
            self.at += 1
            keys.append(_key(self._take()))
        return keys

    def _value(self, place: Place) -> None:
        if self._next_is("["):
            self._array(place)
        elif self._next_is("{"):
            self._inline(place)
        else:
            while self.at < len(self.tokens) and not self._ends_value():
                self.at += 1

    def _array(self, place: Place) -> None:
        self.at += 1
        number = 0
        while not self._next_is("]"):
            if self.tokens[self.at].kind == "newline":
                self.at += 1
            elif self._next_is(","):
                number += 1
                self.at += 1
            else:
                self.lines[*place, number] = self.tokens[self.at].line
                self._value((*place, number))
        self.at += 1

    def _inline(self, place: Place) -> None:
        self.at += 1
        while not self._next_is("}"):
            if self._next_is(",") or self.tokens[self.at].kind == "newline":
                self.at += 1
            else:
                self._pair(place)
        self.at += 1

    def _take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def _next_is(self, mark: str) -> bool:
        return self._is(self.at, mark)

    def _follows(self, mark: str) -> bool:
        return self._is(self.at + 1, mark)

    def _is(self, at: int, mark: str) -> bool:
        return at < len(self.tokens) and (self.tokens[at].kind, self.tokens[at].text) == ("mark", mark)

    def _ends_value(self) -> bool:
        token = self.tokens[self.at]
        return token.kind == "newline" or (token.kind == "mark" and token.text in ",]}")


def lines(text: str) -> dict[Place, int]:
    """Return the line of each key and of each item of an array, counted from 1; items are numbered from 0."""
    reader = _Reader(list(_tokens(text)))
    reader.read()
    return reader.lines


def line(found: dict[Place, int], place: Place) -> int | None:
    """Return the line of a place, or of the innermost one around it that is in the file."""
    while place and place not in found:
        place = place[:-1]
    return found.get(place)


def told(file: str, text: str, place: Place) -> str:
    """Return `file:line` of a place, or the file alone where nothing around it is in the text."""
    found = line(lines(text), place)
    return f"{file}:{found}" if found else file


def spelled(place: Place) -> str:
    """Return a place as a person looks for it: keys with dots between them, items of an array by number from 1."""
    said = ""
    for before, part in zip((None, *place), place, strict=False):
        if isinstance(part, int):
            said += f" item {part + 1}"
        elif before is None:
            said = _written(part)
        else:
            said += f"{' ' if isinstance(before, int) else '.'}{_written(part)}"
    return said


def _written(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    number = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "blank":
            found.append(_Token(kind, match.group(), number))
        number += match.group().count("\n")
    return found


def _key(token: _Token) -> str:
    return next(iter(tomllib.loads(f"{token.text} = 0")))
