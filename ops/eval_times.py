"""What a time in a record means, whoever wrote it: one reading of it, for windows as for samples."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROS = 1_000_000
# From which number on a time since 1970 is in nano-, micro- and milliseconds: in each the year 5138 of the next.
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))


@dataclass(frozen=True, slots=True)
class Unit:
    """How times are written in a place: as text, or as so many `parts` of a second since 1970, with decimals or not."""

    parts: int | None = None
    decimals: bool = False


TEXT = Unit()


def is_number(said: str) -> bool:
    """Whether a text is a number of seconds or parts of them, and no date."""
    return said[4:5] != "-" and NUMBER.fullmatch(said) is not None


def read(value: str | float) -> datetime:
    """Return a moment: ISO 8601, without a zone in UTC, or (milli-, micro-, nano-)seconds since 1970, also as text.

    Raises:
        ValueError: it is none.
        OverflowError: no calendar has it.
    """
    if not isinstance(value, str):
        return _since_1970(value)
    said = value.strip()
    if is_number(said):
        return _since_1970(int(said) if said.isdigit() else float(said))
    found = datetime.fromisoformat(said.removesuffix(" UTC"))
    if found.tzinfo is UTC:
        return found
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def unit(value: object) -> Unit:
    """Return how times are written where this is one of them."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return TEXT
    return Unit(_parts(value), isinstance(value, float))


def written(when: datetime, unit: Unit) -> str:
    """Return a moment as it is written there; never a later one."""
    if unit.parts is None:
        return when.astimezone(UTC).isoformat()
    micros = (when - _EPOCH) // _MICROSECOND
    if unit.parts >= _MICROS:
        return str(micros * (unit.parts // _MICROS))
    each = _MICROS // unit.parts
    whole, rest = divmod(micros, each)
    return f"{whole}.{rest:0{len(str(each)) - 1}d}" if rest and unit.decimals else str(whole)


def _parts(number: float) -> int:
    return next((parts for least, parts in _UNITS if abs(number) >= least), 1)


def _since_1970(number: float) -> datetime:
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError("no moment")
    parts = _parts(number)
    if parts == 1:
        return _EPOCH + timedelta(seconds=number)
    return _EPOCH + timedelta(microseconds=round(number * _MICROS / parts))
