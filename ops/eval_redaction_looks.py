"""The quick looks for what may be redacted: over a page of records, and over each of its lines for what was found.

None overlooks anything. What is found is no more than a reason to read the strings one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ops import eval_redaction_keys

# No letter, no digit, and nothing that stands between the groups of a number.
BETWEEN = b"\0"
Look = Callable[[bytes], bool]
# The characters that the shapes are made of, written as `\uXXXX`.
_ESCAPED = re.compile(rb"\\u00(?:[2-7][0-9A-Fa-f]|[Aa][0Dd])|\\u20(?:1[0-5]|[02][0-9AaFf])")
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

# One of these stands in most of the words, and there are few of them in a text.
_MARKS = b".-_"


def suspicious(data: bytes) -> bool:
    """Whether anything that is redacted may be there."""
    return (
        any(look(data) for look in _LOOKS)
        or any(word in data for word in _WITHOUT_RUN)
        or (_has_run(data) and any(word in data for word in _WITH_RUN))
    )


def of_page(page: bytes) -> tuple[Look, ...]:
    """Return the looks that find something in a page of lines, and so those that may find something in one of them.

    Between the lines stands `BETWEEN`, which ends whatever a look looks for.
    """
    words = _WITHOUT_RUN + _WITH_RUN if _has_run(page) else _WITHOUT_RUN
    return (*(look for look in _LOOKS if look(page)), *map(_has, _words_in(page, words)))


def _words_in(page: bytes, words: Sequence[bytes]) -> Iterator[bytes]:
    """Yield those of the words that stand in much text: where the rarest of their characters does, if they have one."""
    data = np.frombuffer(page, np.uint8)
    places = {mark: np.flatnonzero(data == mark) for mark in _MARKS}
    for word in words:
        mark = next((mark for mark in _MARKS if mark in word), None)
        if mark is None:
            if word in page:
                yield word
            continue
        starts = places[mark] - word.index(mark)
        starts = starts[(starts >= 0) & (starts <= len(page) - len(word))]
        for offset, letter in enumerate(word):
            starts = starts[data[starts + offset] == letter]
        if starts.size:
            yield word


def _has(word: bytes) -> Look:
    return lambda data: word in data


def _has_run(data: bytes) -> bool:
    return _RUN in data.translate(_LETTERS)


def _has_address(data: bytes) -> bool:
    return b"@" in data or (b"%" in data and b"%40" in data)


def _has_card(data: bytes) -> bool:
    return _has_digits(data.translate(_NUMBERS, _FIRST))


def _has_pem(data: bytes) -> bool:
    return b"-----BEGIN" in data


def _has_escape(data: bytes) -> bool:
    return b"\\" in data and b"\\u" in data and _ESCAPED.search(data) is not None


def _has_digits(marked: bytes) -> bool:
    if _DIGITS in marked:
        return True
    if _TWO_GROUPS not in marked and (b"\\" not in marked or _BROKEN_GROUPS not in marked):
        return False
    return any(found[0].count(b"0") >= _FEWEST for found in _GROUPS.finditer(marked))


_LOOKS: tuple[Look, ...] = (_has_address, _has_card, _has_pem, _has_escape)
