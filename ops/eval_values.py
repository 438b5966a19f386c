"""What a value of a record means, whoever wrote it: texts, numbers and times as the table of samples holds them."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from typing import Any, cast

from ops import eval_times
from ops.eval_problems import Problems

LONGEST_LABEL = 200
LONGEST_KEY = 300
BIGINT = 2**63 - 1
_NOT_FINITE = {"nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity"}


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
    if eval_times.NUMBER.fullmatch(said):
        problems.append(f"{field}: number as text")
        return int(said) if said.isdigit() else float(said)
    problems.append(f"{field}: {'not finite' if said.lower() in _NOT_FINITE else 'wrong type'}")
    return None


def time(value: Any, field: str, problems: Problems) -> datetime | None:
    """Return a moment from ISO 8601, without a zone in UTC, or from (milli-, micro-, nano-)seconds since 1970."""
    if value is None or value == "":
        return None
    if type(value) is not str and type(value) is not int and type(value) is not float:
        problems.append(f"{field}: wrong type")
        return None
    if type(value) is str and eval_times.is_number(value.strip()):
        problems.append(f"{field}: number as text")
    try:
        return eval_times.read(value)
    except (ValueError, OverflowError):
        problems.append(f"{field}: no time")
        return None
