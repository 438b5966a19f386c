"""Lengths of time and sizes as a person says them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def span(length: timedelta) -> str:
    """Return a length of time in the unit that says enough."""
    seconds = length.total_seconds()
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 259_200 else f"{length.days} days"


def size(count: int) -> str:
    """Return a number of bytes as Postgres says it, by 1,024."""
    value, unit = float(count), 0
    while abs(value) >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:,.0f} {_SIZES[unit]}" if unit == 0 or value >= 10 else f"{value:,.1f} {_SIZES[unit]}"


def moment(when: datetime) -> str:
    """Return a time in UTC, to the minute."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
