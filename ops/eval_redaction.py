"""Takes card numbers, addresses and keys out of a record before it is written anywhere.

What is no secret stays as it is, byte for byte: whole numbers of any size, odd escapes, broken JSON.
Source: the issue of the nightly evaluation (redaction before anything leaves the database).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ops import eval_redaction_keys, secrets
from ops import eval_redaction_shapes as shapes
from ops.eval_redaction_parts import joined

FIELD = "_redacted"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# The characters that the shapes are made of, written as `\uXXXX`.
_ESCAPED = re.compile(rb"\\u00(?:[2-7][0-9A-Fa-f]|[Aa][0Dd])|\\u20(?:1[0-5]|[02][0-9AaFf])")
# Names of fields, mostly.
_PLAIN = re.compile(rb'"[a-z_ ]*"')
_RUN, _DIGITS = b"a" * 16, b"0" * 13
_LETTERS = bytes(ord("a") if chr(code).isalnum() and code < 128 else 0 for code in range(256))
# What stands between the groups of a card's number ends in one of these bytes in UTF-8, and begins with those.
_LAST, _FIRST = b" ./_\t\n\r-\xa0\x87\x89\xaf\x90\x91\x92\x93", b"\xc2\xe2\x80"
_NUMBERS = bytes(
    ord("0") if code in b"0123456789" else ord(" ") if code in _LAST else code if code in b"\\" else letter
    for code, letter in enumerate(_LETTERS)
)
_TWO_GROUPS, _BROKEN_GROUPS = b"000 000", b"000\\"
# Between the groups of a card may be a line break as JSON writes it.
_GROUPS = re.compile(rb"(?<!0)0{3,12}(?:(?: |\\{1,8}(?:[a ]|a[a0]{4})){1,2}0{3,12}){1,4}(?!0)")
_FEWEST = 13
_WITH_RUN = tuple(word.encode() for word in eval_redaction_keys.WITH_RUN)
_WITHOUT_RUN = tuple(word.encode() for word in eval_redaction_keys.WITHOUT_RUN)


def redact_line(line: bytes, *, opened: bool = True) -> tuple[bytes, tuple[str, ...]]:
    """Return a line of JSON without what must not leave the database, and what that was: card, email, key, secret.

    A string stays a string and a number a number; `_redacted` is added to an object. Without `opened` the caller knows
    that no opened secret is in it.
    """
    known = opened and secrets.may_hold(line)
    if not known and not suspicious(line):
        return line, ()
    found: set[str] = set()
    clean = _cleaned(line, found, known)
    if not found:
        return line, ()
    names = tuple(sorted(found))
    return with_fields(clean, {FIELD: list(names)}), names


def redact_text(text: str) -> str:
    """Return a text without any of it."""
    return shapes.cleaned(text, set(), opened=True)


def with_fields(line: bytes, fields: dict[str, object]) -> bytes:
    """Return an object's line with more fields at its end; a line that is no object stays as it is."""
    whole = line.strip()
    if not whole.startswith(b"{") or not whole.endswith(b"}"):
        return line
    body = whole[:-1].rstrip()
    added = json.dumps(fields, separators=(",", ":")).encode()[1:]
    return body + (b"" if body == b"{" else b",") + added


def suspicious(data: bytes) -> bool:
    """Whether anything that is redacted may be there: a quick look that never overlooks one."""
    return (
        b"@" in data
        or _has_digits(data.translate(_NUMBERS, _FIRST))
        or any(word in data for word in _WITHOUT_RUN)
        or (_RUN in data.translate(_LETTERS) and any(word in data for word in _WITH_RUN))
        or b"-----BEGIN" in data
        or (b"%" in data and b"%40" in data)
        or (b"\\" in data and b"\\u" in data and _ESCAPED.search(data) is not None)
    )


def _has_digits(marked: bytes) -> bool:
    if _DIGITS in marked:
        return True
    if _TWO_GROUPS not in marked and _BROKEN_GROUPS not in marked:
        return False
    return any(found[0].count(b"0") >= _FEWEST for found in _GROUPS.finditer(marked))


def _cleaned(line: bytes, found: set[str], known: bool) -> bytes:
    return joined(_pieces(line, found, known), b"".join)


def _pieces(line: bytes, found: set[str], known: bool) -> Iterator[bytes]:
    end = 0
    for match in _STRING.finditer(line):
        yield _bare(line[end : match.start()], found, known)
        yield _string(match[0], found, known)
        end = match.end()
    yield _bare(line[end:], found, known)


def _string(token: bytes, found: set[str], known: bool) -> bytes:
    """Return a string, with its quotes, without what is secret in it."""
    if len(token) < shapes.SHORTEST or (not known and (_PLAIN.fullmatch(token) or not suspicious(token))):
        return token
    try:
        text = json.loads(token, strict=False) if b"\\" in token else _text(token[1:-1])
    except ValueError:
        return _broken(token, found, known)
    if not token.endswith(b'"'):
        return _broken(token, found, known)
    clean = shapes.cleaned(text, found, opened=known)
    return token if clean == text else json.dumps(clean).encode()


def _bare(piece: bytes, found: set[str], known: bool) -> bytes:
    """Return what stands between strings: numbers, and what is no JSON at all."""
    if len(piece) < shapes.SHORTEST or not (known or suspicious(piece)):
        return piece
    text = _text(piece)
    clean = shapes.cleaned(text, found, opened=known, number=True)
    return piece if clean == text else clean.encode("utf-8", "surrogateescape")


def _broken(token: bytes, found: set[str], known: bool) -> bytes:
    text = _text(token)
    clean = shapes.cleaned(text, found, opened=known)
    return token if clean == text else clean.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
