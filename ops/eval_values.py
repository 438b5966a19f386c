"""What a value of a record means, whoever wrote it: texts, numbers and times as the table of samples holds them."""

from __future__ import annotations

import hashlib
import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from ops.eval_problems import Problems

LONGEST_LABEL = 200
LONGEST_KEY = 300
BIGINT = 2**63 - 1
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_NOT_FINITE = {"nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# From which number on a time since 1970 is in milli-, micro- and nanoseconds: years 5138, 5138 and 5138.
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))


def text(value: Any, field: str, problems: Problems) -> str | None:
    """Return a value as text that Postgres can hold; of an array its texts with commas between them."""
    if isinstance(value, list):
        problems.append(f"{field}: array for text")
        parts = cast("list[Any]", value)
        simple = all(isinstance(part, str | int | float) for part in parts)
        value = ", ".join(map(str, parts)) if simple else {}
    if isinstance(value, bool | dict):
        problems.append(f"{field}: wrong type")
        return None
    if value is None or value == "":
        return None
    return _held(str(value), field, problems)


def _held(found: str, field: str, problems: Problems) -> str | None:
    if "\0" in found:
        problems.append(f"{field}: NUL")
        found = found.replace("\0", "\ufffd")
    return None if found.isspace() else found


def label(value: Any, field: str, problems: Problems) -> str | None:
    """Return a value by which records are told apart, shortened where it is very long."""
    found = text(value, field, problems)
    if found and len(found) > LONGEST_LABEL:
        problems.append(f"{field}: too long")
        found = f"{found[:LONGEST_LABEL]}…"
    return found


def key(value: Any, problems: Problems) -> str | None:
    """Return a key; a very long one is shortened, and stays its own by its digest."""
    if type(value) is int:
        return str(value)
    found = text(value, "key", problems)
    if found and len(found) > LONGEST_KEY:
        problems.append("key: too long")
        found = f"{found[:LONGEST_LABEL]}…{hashlib.sha256(found.encode()).hexdigest()[:32]}"
    return found


def whole(value: Any, field: str, problems: Problems, *, scale: int, most: int) -> int | None:
    """Return a number of at least 0 times `scale` as a whole number; nothing for what is none."""
    if type(value) is int and 0 <= value * scale <= most:
        return value * scale
    if type(value) is str:
        value = _spelled(value, field, problems)
    if value is None:
        return None
    if type(value) is not int and type(value) is not float:
        problems.append(f"{field}: wrong type")
    elif type(value) is float and not math.isfinite(value):
        problems.append(f"{field}: not finite")
    elif value < 0:
        problems.append(f"{field}: negative")
    elif value * scale > most:
        problems.append(f"{field}: out of range")
    else:
        return value * scale if type(value) is int else round(value * scale)
    return None


def _spelled(said: str, field: str, problems: Problems) -> float | None:
    said = said.strip()
    if not said:
        return None
    if _NUMBER.fullmatch(said):
        problems.append(f"{field}: number as text")
        return int(said) if said.isdigit() else float(said)
    problems.append(f"{field}: {'not finite' if said.lower() in _NOT_FINITE else 'wrong type'}")
    return None


def time(value: Any, field: str, problems: Problems) -> datetime | None:
    """Return a moment from ISO 8601, without a zone in UTC, or from (milli-, micro-, nano-)seconds since 1970."""
    if value is None or value == "":
        return None
    try:
        if type(value) is str:
            found = _from_text(value.strip(), field, problems)
        elif type(value) is int or type(value) is float:
            found = _since_1970(value)
        else:
            problems.append(f"{field}: wrong type")
            return None
    except (ValueError, OverflowError):
        problems.append(f"{field}: no time")
        return None
    return found


def _from_text(said: str, field: str, problems: Problems) -> datetime:
    if said[4:5] != "-" and _NUMBER.fullmatch(said):
        problems.append(f"{field}: number as text")
        return _since_1970(float(said))
    found = datetime.fromisoformat(said.removesuffix(" UTC"))
    if found.tzinfo is UTC:
        return found
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _since_1970(number: float) -> datetime:
    for least, unit in _UNITS:
        if abs(number) >= least:
            return _EPOCH + timedelta(microseconds=round(number * 1_000_000 / unit))
    return _EPOCH + timedelta(seconds=number)
