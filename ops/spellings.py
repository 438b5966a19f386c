"""The ways in which a secret can be written: URL, JSON, SQL, shell, HTML, Python, base64 and hex.

One pattern per secret spells every character that any of these escapes in every way at once, so that a text
that was escaped twice, or by two of them, is found as well.
"""

from __future__ import annotations

import base64
import html.entities
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import groupby

Span = tuple[int, int]

_ALNUM_RUN = re.compile(r"[A-Za-z0-9]+")
_ESCAPES = {"\n": "n", "\t": "t", "\r": "r", "\f": "f", "\v": "v", "\b": "b", "\a": "a"}
# Bounded, so that a text made of backslashes costs no more than its length.
_SLASHES = r"\\{0,8}"
_QUOTE_IN_SHELL = ("'\"'\"'", r"'\\{1,8}''")


class Spellings:
    """Finds one secret in a text, however it is written there."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        # Letters and digits are written as they are by everything but base64 and hex.
        self._anchor = max(_ALNUM_RUN.findall(secret), key=len, default="")
        raw = secret.encode("utf-8", "surrogatepass")
        self._hex = (raw.hex(), raw.hex().upper())
        self._base64 = tuple(sorted(set(_base64_cores(raw))))

    @cached_property
    def anchor(self) -> bytes:
        """What stands in every text that holds the secret in letters; empty where it has neither letter nor digit."""
        return self._anchor.encode()

    def spans(self, text: str) -> Iterator[Span]:
        """Yield where the secret stands in `text`; spans may overlap."""
        if self._anchor in text:
            yield from (match.span() for match in self._pattern.finditer(text))
        for written in self._hex:
            yield from _literal(written, text)
        for core in self._base64:
            if core in text:
                # A core says nothing of the characters beside it that share bits with the secret.
                token = re.compile(rf"[A-Za-z0-9+/_-]*{re.escape(core)}[A-Za-z0-9+/_=-]*")
                yield from (match.span() for match in token.finditer(text))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(_spelled_run(char, len(list(run))) for char, run in groupby(self._secret)))


def _spelled_run(char: str, length: int) -> str:
    """Return the pattern of `length` times `char`."""
    if char.isascii() and char.isalnum():
        return char * length
    ways = "|".join(_ways(char))
    if char == "\\":
        return rf"(?:{ways}){{{length},{length * 16}}}"
    return rf"(?:{ways}){{{length}}}" if length > 1 else f"(?:{ways})"


def _ways(char: str) -> Iterator[str]:
    if char == "'":
        yield from _QUOTE_IN_SHELL
    if char == "\\":
        yield r"\\"
    else:
        # Twice for what SQL, CSV and format strings double.
        yield f"{_SLASHES}{re.escape(char)}{{1,2}}"
    if char == " ":
        yield r"\+"
    if char in _ESCAPES:
        yield rf"\\{{1,8}}{_ESCAPES[char]}"
    encoded = [char.encode("utf-8", "surrogatepass")]
    if ord(char) < 256:
        encoded.append(char.encode("latin-1"))
    hexed = {*map(_percent, encoded), *map(_backslash_x, encoded), _unicode(char), *_entities(char)}
    yield f"(?i:{'|'.join(sorted(hexed))})"
    yield "".join(rf"\\{{1,8}}{byte:03o}" for byte in encoded[0])


def _percent(raw: bytes) -> str:
    return "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in raw)


def _backslash_x(raw: bytes) -> str:
    return "".join(f"{_SLASHES}x{byte:02x}" for byte in raw)


def _unicode(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    pairs = "".join(f"{_SLASHES}u{units[at : at + 4]}" for at in range(0, len(units), 4))
    return rf"{pairs}|{_SLASHES}u\{{?0*{ord(char):x}\}}?|{_SLASHES}u{ord(char):08x}"


def _entities(char: str) -> Iterator[str]:
    names = {"'": ["apos"]}.get(char, [])
    if name := html.entities.codepoint2name.get(ord(char)):
        names = [*names, name]
    for name in (f"#0*{ord(char)}", f"#x0*{ord(char):x}", *names):
        yield f"&(?:amp;){{0,2}}{name};"


def _base64_cores(raw: bytes) -> Iterator[str]:
    """Yield what base64 writes for `raw` wherever it begins in the encoded bytes: three alignments."""
    for before in range(3):
        written = base64.b64encode(b"\0" * before + raw).decode()
        core = written[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
        if len(core) >= 4:
            yield core
            yield core.translate(str.maketrans("+/", "-_"))


def _literal(written: str, text: str) -> Iterator[Span]:
    at = text.find(written)
    while at >= 0:
        yield at, at + len(written)
        at = text.find(written, at + 1)
