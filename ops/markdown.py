"""Markdown: tables, and texts that show as what they are, whatever stands in them.

A file's name, an object's and a server's message are written by whoever brings them: none may be markup, call
somebody, lead somewhere or hide what follows. Secrets are masked before a text is escaped or cut.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from ops import secrets

_MARKUP = re.compile(r"([\\`*_~\[\]])")
# What turns a line into a heading, a list or a rule.
_FIRST = re.compile(r"\A(\d*)([#+=.)-])(?=[\s#+=.)-]|\Z)")
# GitHub makes a mention, a reference or a link of what follows; between the two stands a space that nobody sees.
_CALLING = re.compile(r"(@|#(?=\d)|\bGH-(?=\d)|:(?=//)|\bwww(?=\.))", re.IGNORECASE)
_UNSEEN = "\u200b"
# Longer than any secret.
_FAR = 1 << 14
# Control characters, and those that write the rest of a line backwards.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table and an empty one; none without rows."""
    lines = [f"| {' | '.join(map(_cell, row))} |" for row in rows]
    if lines:
        yield from (f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}", *lines, "")


def escaped(value: object) -> str:
    """Return text that Markdown shows as it is, on one line."""
    marked = _MARKUP.sub(r"\\\1", html.escape(_flat(str(value)), quote=False))
    return _CALLING.sub(rf"\1{_UNSEEN}", _FIRST.sub(r"\1\\\2", marked))


def code(value: str) -> str:
    """Return text as code, on one line."""
    flat = _flat(value).replace("`", "'").replace("@", f"@{_UNSEEN}")
    return f"`{flat}`" if flat else ""


def short(value: str, most: int) -> str:
    """Return text of at most so many characters and an ellipsis, without half a secret at its end."""
    # What is masked depends on what follows, but not on what follows so far behind.
    clean = secrets.redact(value[: most + _FAR])
    return clean if len(clean) <= most else f"{clean[:most]}…"


def fenced(language: str, text: str) -> tuple[str, ...]:
    """Return a block of code that its own backticks cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return (f"{fence}{language}", text.strip("\n"), fence)


def _cell(value: object) -> str:
    return escaped(value).replace("|", "\\|")


def _flat(value: str) -> str:
    return _HIDDEN.sub("\ufffd", " ".join(secrets.redact(value).split()))
