"""One line of a JSONL file as an object, whatever its writer has done to JSON."""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast

import orjson

from ops.eval_problems import Problems, Unreadable

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile(r"\\u[dD][89a-fA-F]")


def parse(line: bytes, problems: Problems) -> dict[str, Any]:
    """Return the object of a line; what had to be mended in it is added to its problems.

    Numbers that are none (NaN, infinities) become null, halves of surrogate pairs the replacement character.

    Raises:
        Unreadable: it is no JSON object.
    """
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        value = _loosely(line, problems)
    if type(value) is not dict:
        raise Unreadable("not an object")
    return cast("dict[str, Any]", value)


def whole_numbers(line: bytes) -> dict[str, Any]:
    """Return the object of a line with whole numbers of any size as they are written, which is slower."""
    return _Loose([]).decode(line.decode("utf-8", "replace"), strict=False)


def mended(text: str) -> str:
    """Return a text without halves of surrogate pairs."""
    return _SURROGATE.sub("\ufffd", text)


def _loosely(line: bytes, problems: Problems) -> Any:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = line.decode("utf-8-sig", "replace")
        problems.append("line: not UTF-8")
    decoder = _Loose(problems)
    try:
        value = _strictly_or_not(decoder, text, problems)
        if _ESCAPED.search(text):
            value = _without_surrogates(value, problems)
    except RecursionError:
        raise Unreadable("nested too deep") from None
    except ValueError:
        raise Unreadable("broken JSON") from None
    return value


def _strictly_or_not(decoder: _Loose, text: str, problems: Problems) -> Any:
    before = len(problems)
    try:
        return decoder.decode(text, strict=True)
    except ValueError:
        del problems[before:]
    value = decoder.decode(text, strict=False)
    problems.append("line: control character in text")
    return value


class _Loose:
    """Python's own decoder, which takes what orjson does not."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems

    def decode(self, text: str, *, strict: bool) -> Any:
        decoder = json.JSONDecoder(
            strict=strict, parse_float=self._number, parse_int=self._whole, parse_constant=self._constant
        )
        return decoder.decode(text.strip("\0 \t\r\n") if not strict else text)

    def _number(self, said: str) -> float | None:
        value = float(said)
        return value if math.isfinite(value) else self._constant(said)

    def _whole(self, said: str) -> int | None:
        # Python reads no number of more than 4,300 digits.
        return int(said) if len(said) < 4300 else self._constant(said)

    def _constant(self, _said: str) -> None:
        if "line: number not finite" not in self._problems:
            self._problems.append("line: number not finite")


def _without_surrogates(value: Any, problems: Problems) -> Any:
    if isinstance(value, str):
        clean = mended(value)
        if clean != value and "line: lone surrogate" not in problems:
            problems.append("line: lone surrogate")
        return clean
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {mended(key): _without_surrogates(each, problems) for key, each in pairs}
    if isinstance(value, list):
        return [_without_surrogates(each, problems) for each in cast("list[Any]", value)]
    return value
