"""The time that a line of an app's log is stamped with: at its beginning, in JSON, or as `ts=...`.

A date further back is of what the line is about, and is no stamp.
"""

from __future__ import annotations

import json
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timezone
from typing import Any, cast

_ISO = (
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?"
    r"(?:\s?(Z|UTC|GMT|[+-]\d\d:?\d\d)(?![\w:]))?"
)
# Before it there may be the name of a container, brackets, a level and colours.
_LEVEL = r"(?:trace|debug|info|notice|log|warn|warning|error|fatal|critical)"
_FIRST = re.compile(
    rf"(?:[\w.-]+\s+\|\s)?(?:\x1b\[[\d;]*m|[^\w\x1b])*(?:{_LEVEL}(?:\x1b\[[\d;]*m|[^\w\x1b])+)?{_ISO}",
    re.IGNORECASE,
)
_KEYED = re.compile(rf"(?:^|\s)(?:ts|time|timestamp)=\"?{_ISO}")
# As web servers have it: [31/Jan/2026:12:00:00 +0000]
_WEB = re.compile(r"^[^\[]{0,80}\[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_KEYS = ("timestamp", "@timestamp", "time", "ts", "datetime", "date")
_MILLISECONDS = 1e11


def read(line: str, zone: str | None) -> datetime | None:
    """Return the time of a line; `None`: it has none, or its time could be any zone's and `zone` does not say which."""
    if line.lstrip().startswith("{"):
        return _of_json(line, zone)
    if found := _FIRST.match(line) or _KEYED.search(line):
        return _moment(*found.groups(), zone=zone)
    if web := _WEB.match(line):
        return _parsed(lambda: datetime.strptime(web[1], "%d/%b/%Y:%H:%M:%S %z"))
    return None


def _of_json(line: str, zone: str | None) -> datetime | None:
    try:
        said: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    values = cast("dict[str, object]", said)
    for stamp in (values[key] for key in _KEYS if key in values):
        if isinstance(stamp, int | float) and not isinstance(stamp, bool):
            seconds = stamp / 1000 if stamp > _MILLISECONDS else stamp
            return _parsed(lambda seconds=seconds: datetime.fromtimestamp(seconds, UTC))
        if found := re.match(_ISO, str(stamp)):
            return _moment(*found.groups(), zone=zone)
    return None


def _moment(
    day: str, time: str, fraction: str | None, offset: str | None, *, zone: str | None
) -> datetime | None:
    moment = _parsed(lambda: datetime.fromisoformat(f"{day} {time}.{(fraction or '0')[:6]:0<6}"))
    if moment is None or (offset is None and zone is None):
        return None
    if offset is None:
        return moment.replace(tzinfo=zoneinfo.ZoneInfo(zone or "UTC"))
    if offset[0] not in "+-":
        return moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=_offset(offset))


def _offset(text: str) -> timezone:
    return cast("timezone", datetime.strptime(text, "%z").tzinfo)


def _parsed(parse: Callable[[], datetime]) -> datetime | None:
    try:
        return parse()
    except (ValueError, OverflowError, OSError):
        return None
