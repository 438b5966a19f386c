"""What Redis counts from its start, from one look to the next: keys that it threw away, clients that it turned away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops import spoken

_COUNTED = ("evicted_keys", "rejected_connections")


class Counted(BaseModel):
    """Its counters at a look; `run_id` is another after each start."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    at: datetime
    run_id: str
    numbers: dict[str, int]


class Kept(BaseModel):
    """What the runbook redis-health remembers of an environment's Redis."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    counted: Counted | None = None


# Redis says in whole seconds for how long it has run, and may say one too many.
_ROUNDED = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Grown:
    """By how much the counters have grown, and since when; `first`: nobody can date it."""

    by: Mapping[str, int]
    since: datetime | None
    first: bool

    @property
    def said(self) -> str:
        """Since when, in words."""
        return f"since {spoken.moment(self.since)}" if self.since else "since its start"


class Counters:
    """The counters as the last look left them, and as this one finds them; however often it asks."""

    def __init__(self, before: Counted | None) -> None:
        self._before = before
        self.now = before

    def grown(self, info: Mapping[str, Any]) -> Grown:
        """Take the counters out of what INFO says, and return what came since the last look."""
        at, before = datetime.now(UTC), self._before
        numbers = {name: int(info.get(name, 0)) for name in _COUNTED}
        self.now = Counted(at=at, run_id=str(info.get("run_id", "")), numbers=numbers)
        if before is None:
            return Grown(numbers, None, first=True)
        if before.run_id == self.now.run_id:
            by = {name: count - before.numbers.get(name, 0) for name, count in numbers.items()}
            # Somebody has set them back (CONFIG RESETSTAT): all that is counted came since.
            by = numbers if min(by.values()) < 0 else by
            return Grown(by, before.at, first=False)
        started = at - timedelta(seconds=int(info.get("uptime_in_seconds", 0))) + _ROUNDED
        # One that runs for longer is another server, and has counted before the last look too.
        return (
            Grown(numbers, before.at, first=False)
            if started >= before.at
            else Grown(numbers, None, first=True)
        )
