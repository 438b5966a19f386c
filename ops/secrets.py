"""Secrets are named in configuration and opened here, in this one place.

Every opened value is remembered, with its encoded forms, so that `redact` can take it out of whatever is
about to leave the process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shlex
import subprocess
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, urlsplit

from ops import errors

MASK = "[redacted]"
_known: set[str] = set()
_PASSWORD_IN_URL = re.compile(r"(?P<head>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@]*(?=@)", re.IGNORECASE)
_PASSWORD_IN_CONNINFO = re.compile(r"(?P<head>\bpassword\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s']+)", re.IGNORECASE)


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
    """Keep `value`, the password inside it if it is a URL or conninfo, and their encoded forms out of all output."""
    found = {value, *_passwords(value)}
    for text in found - {""}:
        for form in {text, unquote(text), quote(text, safe=""), quote_plus(text), quote(text)}:
            if len(form) >= 4:
                _known.add(form)
                _known.add(form.replace("\\", "\\\\").replace('"', '\\"'))
                _known.add(form.replace("'", "''"))


def redact(text: str) -> str:
    """Return `text` with every opened secret and every password in a URL or conninfo masked."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _PASSWORD_IN_URL.sub(rf"\g<head>{MASK}", text)
    return _PASSWORD_IN_CONNINFO.sub(rf"\g<head>{MASK}", text)


class RedactionFilter(logging.Filter):
    """Masks opened secrets in every record, message, arguments and traceback alike."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def _passwords(value: str) -> set[str]:
    found = {match.group(2).strip("'") for match in _PASSWORD_IN_CONNINFO.finditer(value)}
    if "://" in value:
        netloc = value.split("://", 1)[1]
        userinfo, at, _ = netloc.rpartition("@")
        if at and ":" in userinfo:
            found.add(userinfo.split(":", 1)[1])
        # A stray bracket in the password makes urlsplit fail; the raw form above covers it.
        with contextlib.suppress(ValueError):
            found.add(urlsplit(value).password or "")
    return found - {""}


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise errors.Refused(
            f"The environment variable {name} is not set, so its secret cannot be opened. Set it."
        )
    return value


def _from_file(name: str) -> str:
    try:
        return Path(name).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise errors.Refused(f"The secret file {name} cannot be read: {error.strerror}.") from None


def _from_command(line: str) -> str:
    try:
        done = subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.Refused(f"The secret command did not run: {type(error).__name__}.") from None
    if done.returncode != 0:
        raise errors.Refused(
            f"The secret command ended with exit code {done.returncode}; its output is not shown."
        )
    return done.stdout
