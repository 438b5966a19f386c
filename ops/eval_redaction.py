"""Takes card numbers, addresses and keys out of a record before it is written anywhere.

What is no secret stays as it is, byte for byte: whole numbers of any size, odd escapes, broken JSON.
Source: the issue of the nightly evaluation (redaction before anything leaves the database).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ops import eval_redaction_shapes as shapes
from ops import secrets
from ops.eval_redaction_looks import Look, suspicious
from ops.eval_redaction_parts import joined

FIELD = "_redacted"
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
# Names of fields, mostly.
_PLAIN = re.compile(rb'"[a-z_ ]*"')


def redact_line(
    line: bytes, *, opened: bool = True, page: tuple[Look, ...] | None = None
) -> tuple[bytes, tuple[str, ...]]:
    """Return a line of JSON without what must not leave the database, and what that was: card, email, key, secret.

    A string stays a string and a number a number; `_redacted` is added to an object. Without `opened` the caller knows
    that no opened secret is in it; `page` has the looks that found something in the page of the line.
    """
    known = opened and secrets.may_hold(line)
    if not known and not (suspicious(line) if page is None else any(look(line) for look in page)):
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
