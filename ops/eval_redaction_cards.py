"""How the numbers of payment cards look in a text: which digits are one, and how they are grouped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ops.eval_redaction_parts import Masked

MASK = "[redacted card]"
# For a number that has to stay one: as long as a card's, and of nobody who issues cards.
NUMBER = "9000000000000000"
_SHORTEST, _LONGEST = 13, 19
# Between the groups of any card; the others only between groups as cards are printed, since dates and paths have them.
_USUAL = r" \u00a0\u2007\u2009\u202f\u2010-\u2013-"
# As JSON inside a text writes them.
_ESCAPE = r"\\{1,8}(?:[nrt/]|u(?:00[aA]0|20(?:0[79]|2[fF]|1[0-3])))"
_BETWEEN = rf"(?:[./_\t\n{_USUAL}]|\r\n?|{_ESCAPE}(?:{_ESCAPE})?)"
_PRINTED = {(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4), (4, 3, 3, 3)}
# Decimals are no card: neither 0.4111… nor .4111…, but that of `no.4111…` is one.
_CANDIDATE = re.compile(
    rf"(?<![0-9])(?<![0-9\s,:=(\[+-]\.)(?<!^\.)(?=[2-6])"
    rf"([0-9]{{13,19}}(?![0-9])|[0-9]{{3,12}}(?![0-9])(?={_BETWEEN}[0-9]{{3}}))"
    rf"(?=((?:{_BETWEEN}[0-9]{{3,16}}(?![0-9])){{0,5}}))"
)
_SPLIT = re.compile(_BETWEEN)
_ARE_USUAL = re.compile(rf"[0-9{_USUAL}]*")
_DECIMALS = re.compile(r"\.[0-9]")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID_LENGTH = 36
# Who issues cards of which length, so that not every tenth long number is taken for one.
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720))\d+|3[47]\d{13}"
    r"|3(?:0[0-5]|[689])\d+|35(?:2[89]|[3-8]\d)\d+|6(?:011|4[4-9]|5|2)\d+|(?:50|5[6-9]|6[0-9])\d+"
)
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")
_LENGTHS = {"2": (16,), "3": (14, 15, 16), "4": (13, 16, 19), "5": (16,), "6": (16, 17, 18, 19)}
# JSON as a text, bare or in a fence of Markdown: a number in it has to stay one.
_JSON = re.compile(r"\s*+(?:```\w*+\s*+)?[\[{]")
_NEAR = 16


def spans(text: str) -> Iterator[Masked]:
    """Yield where a card's number is, and what takes its place."""
    end, is_json = 0, _JSON.match(text) is not None
    for found in _CANDIDATE.finditer(text):
        start = found.start()
        if start < end or not (stop := _end(found)) or _in_identifier(text, start, stop):
            continue
        end = stop
        yield start, stop, NUMBER if is_json and _is_number(text, found, stop) else MASK


def is_card(digits: str) -> bool:
    """Whether these digits are a card's number: one that is issued, with the right last digit."""
    return (
        len(digits) in _LENGTHS.get(digits[:1], ())
        and _ISSUERS.fullmatch(digits) is not None
        and _luhn(digits.encode()) % 10 == 0
    )


def _end(found: re.Match[str]) -> int:
    """Return where the card ends that begins with these digits; 0: it is none. Part of a longer number is none."""
    if not found[2]:
        solid = is_card(found[1]) and not _DECIMALS.match(found.string, found.end(1))
        return found.end(1) if solid else 0
    groups = _SPLIT.split(found[1] + found[2])
    size = 0
    for count, group in enumerate(groups, 1):
        size += len(group)
        if size > _LONGEST:
            break
        if (
            size >= _SHORTEST
            and is_card("".join(groups[:count]))
            and (end := _grouped(found, groups[:count]))
        ):
            return end
    return 0


def _grouped(found: re.Match[str], groups: list[str]) -> int:
    """Return where these groups end, if cards are grouped so."""
    end = found.start()
    for group in groups:
        end = found.string.index(group, end) + len(group)
    usual = _ARE_USUAL.fullmatch(found.string, found.start(), end)
    return end if usual or tuple(map(len, groups)) in _PRINTED else 0


def _in_identifier(text: str, start: int, stop: int) -> bool:
    """Whether it is part of a UUID, which would no longer be one."""
    beside = _UUID.finditer(text, max(0, start - _UUID_LENGTH), stop + _UUID_LENGTH)
    return any(each.start() < stop and start < each.end() for each in beside)


def _is_number(text: str, found: re.Match[str], stop: int) -> bool:
    """Whether it stands in JSON as a number does."""
    before = text[max(0, found.start() - _NEAR) : found.start()].rstrip()
    after = text[stop : stop + _NEAR].lstrip()
    return stop == found.end(1) and before[-1:] in (":", "[", ",") and after[:1] in (",", "]", "}")


def _luhn(digits: bytes) -> int:
    return sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED)) - ord("0") * len(digits)
