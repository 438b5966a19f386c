"""Whether now is a time at which an environment may be changed.

Source: database-pipeline.md, "How to Promote to Production", 1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ops import weekly
from ops.evidence import Evidence
from ops.project import Environment


def check(where: Environment, *, now: datetime | None = None) -> Evidence:
    """Say whether it is within the deployment window of an environment, and otherwise when the next one opens.

    It is asked anew at each pass: a window may have closed while somebody was asked.
    """
    window, zone = where.promotion.window, ZoneInfo(where.promotion.timezone)
    if not window:
        return Evidence(
            ok=True, idle=True, summary=f"{where.name} has no deployment window: it is always open."
        )
    now = (now or datetime.now(UTC)).astimezone(zone)
    hours = [weekly.read(entry) for entry in window]
    said = f"{_told(now)}; the window of {where.name} is {', '.join(window)} ({where.promotion.timezone})"
    row = {
        "now": now.isoformat(timespec="seconds"),
        "window": ", ".join(window),
        "zone": where.promotion.timezone,
    }
    if weekly.within(hours, now, zone):
        return Evidence(ok=True, summary=f"It is {said}: it is open.", rows=({**row, "opens": ""},))
    opens = weekly.opens(hours, now, zone)
    when = f"It opens on {_told(opens)}" if opens else "It does not open within two weeks"
    return Evidence(
        ok=False,
        summary=f"It is {said}: it is closed, so nothing is promoted. {when}; run it again then.",
        rows=({**row, "opens": opens.isoformat(timespec="minutes") if opens else ""},),
    )


def _told(at: datetime) -> str:
    # The names of the days do not follow the language of the machine.
    return f"{weekly.DAYS[at.weekday()]} {at:%Y-%m-%d %H:%M %Z}"
