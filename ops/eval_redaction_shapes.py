"""How card numbers, e-mail addresses and keys look in a text, also in JSON or a URL inside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops import secrets

SHORTEST = 8
Span = tuple[int, int]
_WORDS = (
    "sk-", "_live_", "_test_", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "sb_secret_",
    "sbp_", "AIza", "xox", "eyJ", "ccess",
)  # fmt: skip
_LONGEST_CARD, _SHORTEST_CARD = 19, 13
_KEY = re.compile(
    r"""(?x)
    (?:(?<![A-Za-z0-9])|(?<=\\[nrtbf])|(?<=\\u[0-9A-Fa-f]{4}))(?:
      sk-[A-Za-z0-9_-]{20,}
    | [srp]k_(?:live|test)_[A-Za-z0-9]{16,}
    | A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])
    | gh[pousr]_[A-Za-z0-9]{30,}
    | github_pat_[A-Za-z0-9_]{22,}
    | sb_secret_[A-Za-z0-9_-]{16,}
    | sbp_[A-Za-z0-9_]{30,}
    | AIza[A-Za-z0-9_-]{35}
    | xox[abeoprs]-[A-Za-z0-9-]{16,}
    | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    )
    """
)
_AWS_SECRET = re.compile(r"(?i)(?<=access)(?:_|-)?key[\"'\\\s:=]{1,16}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,60}-----")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\)*")
_LONGEST_PEM = 20_000
_LOGIN = re.compile(r"://[^\s:/@\"\\]{0,128}:([^\s:/@\"\\]{1,256})@")
_AT = re.compile(r"@|%40|\\{1,4}u0040")
# Inside JSON that is itself text a letter may be written as an escape; that of a line break belongs to nobody's name.
_LETTER = r"\\{1,4}u[0-9A-Fa-f]{4}"
_DOMAIN = re.compile(rf"(?:(?:[\w-]|{_LETTER}){{1,63}}\.){{1,8}}[^\W\d_]{{2,63}}")
_LOCAL = re.compile(rf"(?:(?<=\\[nrtbf])|(?<![\w.+%'\\-]))(?:[\w.+%'-]|{_LETTER}){{1,64}}\Z")
_LONGEST_LOCAL = 64
_HYPHENS = " \u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013-"
_NUMBER = re.compile(rf"(?<![\d.])\d{{3,}}(?:[{_HYPHENS}]\d{{3,}})*")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_LENGTH = 36
# Who issues cards of which length, so that not every tenth long number is taken for one.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))\d+|3[47]\d{13}"
    r"|3(?:0[0-5]|[689])\d+|35(?:2[89]|[3-8]\d)\d+|6(?:011|4[4-9]|5|2)\d+|(?:50|5[6-9]|6[0-9])\d+"
)
_DOUBLED = str.maketrans("0123456789", "0246813579")
_LENGTHS = {"2": (16,), "3": (14, 15, 16), "4": (13, 16, 19), "5": (16,), "6": (16, 17, 18, 19)}


def cleaned(text: str, found: set[str], *, opened: bool) -> str:
    """Return the text with a mask for each secret, and add to `found` what there was."""
    clean = text
    if any(word in clean for word in _WORDS):
        clean = _without(clean, _keys(clean), found, "key")
    if "-----BEGIN" in clean:
        clean = _without(clean, _private_keys(clean), found, "key")
    if "://" in clean and "@" in clean:
        clean = _without(clean, (match.span(1) for match in _LOGIN.finditer(clean)), found, "secret")
    clean = _without(clean, _addresses(clean), found, "email")
    clean = without_cards(clean, found, mask=_mask("card"))
    if opened and (redacted := secrets.redact(clean)) != clean:
        found.add("secret")
        clean = redacted
    return clean


def without_cards(text: str, found: set[str], *, mask: str) -> str:
    """Return the text with a mask for each card number."""
    return _without(text, _cards(text), found, "card", mask=mask)


def is_card(digits: str) -> bool:
    """Whether these digits are a card's number: one that is issued, with the right last digit."""
    return (
        len(digits) in _LENGTHS.get(digits[:1], ())
        and _ISSUERS.fullmatch(digits) is not None
        and _luhn(digits) % 10 == 0
    )


def _cards(text: str) -> Iterator[Span]:
    for run in _NUMBER.finditer(text):
        # Part of an identifier is none, and that would no longer be one.
        if run.end() - run.start() >= _SHORTEST_CARD and not _in_identifier(run):
            yield from _cards_in(run)


def _in_identifier(run: re.Match[str]) -> bool:
    first = max(0, run.start() - _UUID_LENGTH)
    beside = _UUID.finditer(run.string, first, run.end() + _UUID_LENGTH)
    return any(each.start() < run.end() and run.start() < each.end() for each in beside)


def _cards_in(run: re.Match[str]) -> Iterator[tuple[int, int]]:
    """Yield where whole groups of digits are a card; part of a longer number is none."""
    groups = [(match.start() + run.start(), match[0]) for match in re.finditer(r"\d+", run[0])]
    first = 0
    while first < len(groups):
        digits, last = "", first
        while last < len(groups) and len(digits) < _LONGEST_CARD:
            digits += groups[last][1]
            last += 1
            if is_card(digits):
                yield groups[first][0], groups[last - 1][0] + len(groups[last - 1][1])
                first = last - 1
                break
        first += 1


def _luhn(digits: str) -> int:
    return sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED)))


def _keys(text: str) -> Iterator[Span]:
    for match in _KEY.finditer(text):
        # Words with hyphens between them may begin like a key.
        if not match[0].startswith("sk-") or any(char.isdigit() for char in match[0]):
            yield match.span()
    if "ccess" in text:
        yield from (match.span(1) for match in _AWS_SECRET.finditer(text))


def _private_keys(text: str) -> Iterator[Span]:
    at = 0
    while match := _PEM.search(text, at):
        closing = text.find("-----END ", match.end(), match.end() + _LONGEST_PEM)
        end = _PEM_END.match(text, closing) if closing >= 0 else None
        inside = _BASE64.match(text, match.end(), match.end() + _LONGEST_PEM)
        at = end.end() if end else inside.end() if inside else match.end()
        yield match.start(), at


def _addresses(text: str) -> Iterator[Span]:
    for at in _AT.finditer(text):
        domain = _DOMAIN.match(text, at.end())
        if domain and (start := _local(text[max(0, at.start() - _LONGEST_LOCAL - 8) : at.start()])):
            yield at.start() - start, domain.end()


def _local(before: str) -> int:
    """Return the length of the name with which the text before an @ ends; 0: it ends with none."""
    found = _LOCAL.search(before)
    return len(before) - found.start() if found else 0


def _without(text: str, spans: Iterator[Span], found: set[str], kind: str, *, mask: str | None = None) -> str:
    parts: list[str] = []
    end = 0
    for start, stop in spans:
        if start >= end:
            parts += (text[end:start], mask or _mask(kind))
            end = stop
    if not end:
        return text
    found.add(kind)
    return "".join((*parts, text[end:]))


def _mask(kind: str) -> str:
    return f"[redacted {kind}]"
