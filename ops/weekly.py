"""Hours of the week, such as `mon-thu 08:00-16:00`: read, compared with an instant, and when they begin next.

What a clock on the wall of that time zone shows decides: an hour that it shows twice counts twice, one that it leaves
out is not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = f"(?:{'|'.join(DAYS)})"
_TIME = r"(\d\d):(\d\d)"
_ENTRY = re.compile(rf"({_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*) {_TIME}-{_TIME}", re.IGNORECASE)
_MIDNIGHT = 24 * 60
_MINUTE = timedelta(minutes=1)
# A week, and another one where a change of the clock leaves out the hours.
_FAR = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes of a day, on days counted from Monday; those that end at or before their begin end on the next day."""

    days: frozenset[int]
    begin: int
    end: int

    def __contains__(self, wall: datetime) -> bool:
        minute = wall.hour * 60 + wall.minute
        today, yesterday = wall.weekday() in self.days, (wall.weekday() - 1) % 7 in self.days
        if self.begin < self.end:
            return today and self.begin <= minute < self.end
        return (today and minute >= self.begin) or (yesterday and minute < self.end)


def read(entry: str) -> Hours:
    """Read an entry.

    Raises:
        ValueError: it is none; the message says what one looks like.
    """
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(
            f"{entry!r} is no window; write days and hours, such as 'mon-thu 08:00-16:00', 'mon,wed 10:00-12:00' or "
            "'fri 22:00-02:00'"
        )
    days = frozenset(day for part in found[1].lower().split(",") for day in _days(part))
    begin, end = _minute(entry, *found.group(2, 3)), _minute(entry, *found.group(4, 5))
    if begin in (end, _MIDNIGHT):
        raise ValueError(f"{entry!r} has no length; write 00:00-24:00 for whole days")
    return Hours(days, begin, end)


def within(hours: Sequence[Hours], now: datetime, zone: tzinfo) -> bool:
    """Whether an instant is in any of these hours."""
    wall = now.astimezone(zone)
    return any(wall in each for each in hours)


def opens(hours: Sequence[Hours], now: datetime, zone: tzinfo) -> datetime | None:
    """Return the next instant, to the minute, that is in any of these hours; `None`: not in two weeks."""
    first = now.astimezone(UTC).replace(second=0, microsecond=0)
    # Minute by minute, since every shortcut forgets a way in which a clock is changed.
    minutes = (first + n * _MINUTE for n in range(1, _FAR // _MINUTE))
    found = next((at for at in minutes if within(hours, at, zone)), None)
    return found.astimezone(zone) if found else None


def _days(part: str) -> list[int]:
    first, _, last = part.partition("-")
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]


def _minute(entry: str, hour: str, minute: str) -> int:
    found = int(hour) * 60 + int(minute)
    if int(minute) > 59 or found > _MIDNIGHT:
        raise ValueError(f"{entry!r}: {hour}:{minute} is no time of a day")
    return found
