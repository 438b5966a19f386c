"""What a person says of a restore that they had done elsewhere: the ticket and its times, in the note of the gate."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta

from ops import errors
from ops.prod_restore import Way

_PAIR = re.compile(r"(\w+)\s*=\s*(\S+)")
_TICKET = re.compile(r"[A-Za-z0-9#._/-]{2,60}")
_NEEDED = {Way.TICKET: ("ticket", "opened", "confirmed", "done"), Way.BACKUP: ("done",), Way.API: ()}
# The clocks of two people are not the same.
_AHEAD = timedelta(minutes=2)


def example(way: Way) -> str:
    """Return what the note should look like."""
    times = "opened=2026-11-29T04:10Z confirmed=2026-11-29T04:25Z done=2026-11-29T05:02Z"
    return {Way.TICKET: f"ticket=12345 {times}", Way.BACKUP: "done=2026-11-29T05:02Z", Way.API: ""}[way]


def read(note: str, way: Way, *, paused: datetime, now: datetime) -> dict[str, str]:
    """Return what the note says: the ticket's number, and its times in UTC, in their order.

    Raises:
        Refused: something is missing, is no time, or cannot be.
    """
    said = {name.lower(): value.strip(",;.") for name, value in _PAIR.findall(note)}
    missing = [name for name in _NEEDED[way] if name not in said]
    if missing:
        raise errors.Refused(
            f"The note does not say {', '.join(missing)}. Write it as in: {example(way)} (times with their zone)."
        )
    found = {name: said[name] for name in _NEEDED[way]}
    if "ticket" in found and not _TICKET.fullmatch(found["ticket"]):
        raise errors.Refused(f"{found['ticket']!r} is no number of a ticket. Write it as in: {example(way)}.")
    times = {name: _time(name, found[name]) for name in _NEEDED[way] if name != "ticket"}
    _verify(times, paused, now)
    return found | {name: at.isoformat() for name, at in times.items()}


def _time(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Refused(f"{name}={text} is no time. Write it as in: {name}=2026-11-29T04:10Z.") from None
    if at.tzinfo is None:
        raise errors.Refused(f"{name}={text} has no time zone. Write {text}Z for UTC.")
    return at.astimezone(UTC)


def _verify(times: dict[str, datetime], paused: datetime, now: datetime) -> None:
    named = [*times.items()]
    for (one, first), (other, second) in itertools.pairwise(named):
        if first > second:
            raise errors.Refused(
                f"{one} ({first:%H:%M}) is later than {other} ({second:%H:%M}), which cannot be."
            )
    for name, at in named:
        if at > now + _AHEAD:
            raise errors.Refused(f"{name} ({at:%Y-%m-%d %H:%M} UTC) is not over yet. Answer when it is done.")
    done = times.get("done")
    # A minute written without its seconds may lie before the pause within it.
    if done and done < paused.replace(second=0, microsecond=0):
        raise errors.Refused(
            f"done ({done:%Y-%m-%d %H:%M} UTC) is before writes were paused ({paused:%H:%M} UTC), so what was written "
            "in between would be lost unseen. Say when the restore was done."
        )
