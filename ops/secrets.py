"""Secrets are named in configuration and opened here, in this one place.

Every opened value is remembered, so that `redact` can take it out of whatever is about to leave the process,
however it is written there.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shlex
import subprocess
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast
from urllib.parse import unquote, unquote_plus, urlsplit

import psycopg
from psycopg import conninfo

from ops import errors
from ops.spellings import Span, Spellings

MASK = "[redacted]"
SHORTEST = 4
_SHORT = 200
# The passwords that every local Supabase has: as words they name roles and databases in every second line.
_PUBLIC = {"postgres", "password"}
_known: dict[str, Spellings] = {}

# What is a secret by where it stands, opened by us or not; the group is what is masked.
_CONTEXTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"://[^\s:/@]{0,256}:(\S{1,512})(?=@)",
        r"(?i:[?&](?:password|pgpassword|sslpassword|token|apikey)=)([^&\s#\"']+)",
        r"(?i:(?<![?&\w])(?:pg|ssl)?password\s{0,8}=\s{0,8})('(?:[^'\\]|\\.|'')*'|[^\s'][^\s]*)",
        r"(?i:[\"']password[\"']\s{0,8}:\s{0,8})(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')",
        r"(?i:\bpassword\s{1,8})((?:[eE])?'(?:[^']|'')*')",
        r"\b(eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)",
        r"\b(sb(?:p|_secret)_[A-Za-z0-9_-]{16,})",
    )
)
# Words of which one, whatever its case, is in every text that the pattern finds something in: cheap to look for.
_WORDS = (
    ("://",),
    ("word=", "token=", "key="),
    ("password",),
    ("password",),
    ("password",),
    ("eyj",),
    ("sbp_", "sb_secret_"),
)


def open_secret(reference: str) -> str:
    """Return the value that `env:NAME`, `file:PATH` or `command:LINE` stands for.

    Raises:
        Refused: the reference has another form, or what it names is absent or empty.
    """
    kind, _, name = reference.partition(":")
    readers = {"env": _from_environment, "file": _from_file, "command": _from_command}
    if kind not in readers or not name:
        raise errors.Refused(
            "A secret is named as env:NAME, file:PATH or command:LINE and never written out; "
            "this one has another form. Name it in one of the three ways."
        )
    value = readers[kind](name).strip()
    if not value:
        raise errors.Refused(f"The secret {kind}:{name} is empty, so nothing can use it. Set it first.")
    remember(value)
    return value


def remember(value: str) -> None:
    """Keep `value`, and the password, key or line inside it that is secret on its own, out of all output.

    A text shorter than `SHORTEST`, and a password that is public or names the login itself, is masked only
    where its place says that it is a password: alone it would blot out half of every message.
    """
    for form in _unknown_forms(value):
        _known[form] = Spellings(form)
        _redacted.cache_clear()


@contextlib.contextmanager
def remembered(value: str) -> Generator[None]:
    """Keep `value` out of all output while the block lasts: one of many that are short-lived, and soon worth nothing.

    Every text that leaves is looked through for all that is remembered. After an error it stays: that may name it.
    """
    forms = _unknown_forms(value)
    remember(value)
    yield
    for form in forms:
        _known.pop(form, None)


def _unknown_forms(value: str) -> set[str]:
    """Return what of a secret is to be masked wherever it stands, and is not yet."""
    value = value.strip()
    texts = {value, *_lines(value), *_passwords(value), *_web_tokens(value)}
    forms = {form for text in texts for form in (text, unquote(text), unquote_plus(text))}
    return {form for form in forms if len(form) >= SHORTEST and form not in _PUBLIC and form not in _known}


def redact(text: str) -> str:
    """Return `text` with every opened secret and every password in a URL, conninfo or statement masked."""
    # Evidence says the same short words (names, states, modes) thousands of times.
    return _redacted(text) if len(text) <= _SHORT else _redact(text)


@functools.lru_cache(maxsize=4096)
def _redacted(text: str) -> str:
    return _redact(text)


def _redact(text: str) -> str:
    masked = [match.span() for match in re.finditer(re.escape(MASK), text)]
    spans = [span for span in _secret_spans(text) if not _inside(span, masked)]
    if not spans:
        return text
    parts: list[str] = []
    end = 0
    for start, stop in _merged(spans):
        parts += (text[end:start], MASK)
        end = stop
    return "".join((*parts, text[end:]))


def may_hold(text: bytes) -> bool:
    """Whether an opened secret may stand there as letters, as a quick look at much text says; `redact` knows."""
    return any(spellings.anchor in text for spellings in list(_known.values()))


def redact_nested(value: object) -> object:
    """Return a copy of nested dicts, lists and tuples with every string in them redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {redact_nested(key): redact_nested(item) for key, item in pairs}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_nested(item) for item in cast("Iterable[object]", value)]
    return value


def _secret_spans(text: str) -> Iterator[Span]:
    for spellings in list(_known.values()):
        yield from spellings.spans(text)
    folded = text.casefold()
    for words, pattern in zip(_WORDS, _CONTEXTS, strict=True):
        if any(word in folded for word in words):
            yield from (match.span(1) for match in pattern.finditer(text))


def _inside(span: Span, masked: list[Span]) -> bool:
    return any(start <= span[0] and span[1] <= stop for start, stop in masked)


def _merged(spans: list[Span]) -> Iterator[Span]:
    start, end = min(spans)
    for left, right in sorted(spans):
        if left > end:
            yield start, end
            start, end = left, right
        end = max(end, right)
    yield start, end


def _lines(value: str) -> Iterator[str]:
    """Yield the lines of a key file, and the values of a file of NAME=value lines."""
    if "\n" not in value:
        return
    for line in map(str.strip, value.splitlines()):
        if line and not line.startswith(("-----", "#")):
            yield line
            name, equals, rest = line.partition("=")
            if equals and name.removeprefix("export ").isidentifier():
                yield rest.strip("\"'")
                yield from _passwords(rest.strip("\"'"))


def _passwords(value: str) -> Iterator[str]:
    """Yield the passwords of a URL or conninfo, as libpq reads it and as a person may have meant it."""
    with contextlib.suppress(psycopg.Error):
        parsed = conninfo.conninfo_to_dict(value)
        names = {parsed.get("user"), parsed.get("dbname"), parsed.get("host")}
        found = {str(parsed.get(key) or "") for key in ("password", "sslpassword")}
        yield from (password for password in found if password not in names)
        return
    yield from (_unquoted(match.group(1)) for match in _CONTEXTS[2].finditer(value))
    yield from (match.group(1) for match in _CONTEXTS[1].finditer(value))
    _, _, rest = value.partition("://")
    userinfo, _, _ = rest.rpartition("@")
    user, _, password = userinfo.partition(":")
    if password and password != user:
        yield password
        # libpq takes a bare @, : or / in a password for its end and names what follows in its complaint.
        yield from re.split(r"[@:/?#]", password)


def _unquoted(text: str) -> str:
    if text.startswith("'"):
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _web_tokens(value: str) -> Iterator[str]:
    """Yield the parts of a web address that open a door: its path, its query and what is long in them."""
    if value.startswith(("http://", "https://")):
        with contextlib.suppress(ValueError):
            address = urlsplit(value)
            path = f"{address.path}?{address.query}" if address.query else address.path
            yield path if len(path) > len("/webhook") else ""
            yield from (part for part in re.split(r"[/?&=]", path) if len(part) >= 16)


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise errors.Refused(
            f"The environment variable {name} is not set, so its secret cannot be opened. Set it."
        )
    return value


def _from_file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8-sig")
    except OSError as error:
        raise errors.Refused(
            f"The secret file {name} cannot be read: {error.strerror}. Check its path and its rights."
        ) from None
    except UnicodeDecodeError:
        raise errors.Refused(f"The secret file {name} is not UTF-8 text. Save it as text.") from None


def _from_command(line: str) -> str:
    try:
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=60, check=False)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise errors.Refused(
            f"The secret command did not run: {type(error).__name__}. Run it by hand to see why."
        ) from None
    if done.returncode != 0:
        raise errors.Refused(
            f"The secret command ended with exit code {done.returncode}; its output is not shown. "
            "Run it by hand to see why."
        )
    return done.stdout
