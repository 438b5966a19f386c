"""How card numbers, e-mail addresses and keys look in a text, also in JSON or a URL inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops import eval_redaction_cards, eval_redaction_keys, secrets
from ops.eval_redaction_parts import Masked, without

SHORTEST = 8
_LOGIN = re.compile(r"://[^\s:/@\"\\]{0,128}:([^\s:/@\"\\]{1,256})@")
_AT = re.compile(r"@|%40|\\{1,4}u0040")
# Inside JSON that is itself text a letter may be written as an escape; that of a line break belongs to nobody's name,
# and the name of a domain stands before a backslash.
_LETTER = r"\\{1,4}u[0-9A-Fa-f]{4}"
_DOMAIN = re.compile(rf"(?:(?:[\w-]|{_LETTER}){{1,63}}\.){{1,8}}[^\W\d_]{{2,63}}")
_LOCAL = re.compile(rf"(?:(?<=\\[nrtbf])|(?<![\w.+%'-])(?!(?<=\\)[nrtbf]))(?:[\w.+%'-]|{_LETTER}){{1,64}}\Z")
_LONGEST_LOCAL = 64
_OF_DOMAIN = re.compile(r"[A-Za-z0-9]\\{1,2}\Z")
_HOST = re.compile(r"[A-Za-z][\w-]{0,62}")


def cleaned(text: str, found: set[str], *, opened: bool, number: bool = False) -> str:
    """Return the text with a mask for each secret, and add to `found` what there was; `number`: no text holds it."""
    clean = eval_redaction_keys.cleaned(text, found)
    if "://" in clean and "@" in clean:
        clean = without(clean, _logins(clean), found, "secret")
    clean = without(clean, _addresses(clean), found, "email")
    cards = eval_redaction_cards.spans(clean)
    if number:
        cards = ((start, stop, eval_redaction_cards.NUMBER) for start, stop, _ in cards)
    clean = without(clean, cards, found, "card")
    if opened and (redacted := secrets.redact(clean)) != clean:
        found.add("secret")
        clean = redacted
    return clean


def _logins(text: str) -> Iterator[Masked]:
    return ((*match.span(1), "[redacted secret]") for match in _LOGIN.finditer(text))


def _addresses(text: str) -> Iterator[Masked]:
    for at in _AT.finditer(text):
        before = text[max(0, at.start() - _LONGEST_LOCAL - 8) : at.start()]
        start = _local(before)
        if not start:
            continue
        domain = _DOMAIN.match(text, at.end())
        if not domain and _OF_DOMAIN.search(before[:-start]):
            domain = _HOST.match(text, at.end())
        if domain:
            yield at.start() - start, domain.end(), "[redacted email]"


def _local(before: str) -> int:
    """Return the length of the name with which the text before an @ ends; 0: it ends with none."""
    found = _LOCAL.search(before)
    return len(before) - found.start() if found else 0
