"""What goes up a level: a run that ended badly or waits, and that nobody has looked after in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ops import spoken
from ops.notice_settings import Level, Occasion

_SINCE = {
    Occasion.FAILED: "Failed",
    Occasion.CRASHED: "Crashed",
    Occasion.LAPSED: "Was not answered in time",
    Occasion.WAITING: "Waits for somebody",
}


@dataclass(frozen=True)
class Matter:
    """Something that is to be looked after: `key` names it within its run, `acknowledged` who has said that they do."""

    key: str
    run: str
    name: str
    occasion: Occasion
    since: datetime
    said: str
    acknowledged: str = ""
    told: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def due(self, levels: Sequence[Level], now: datetime) -> tuple[Level, ...]:
        """Return the levels whose time has come, the lowest first; none once somebody looks after it."""
        if self.acknowledged:
            return ()
        return tuple(level for level in levels if now - self.since >= level.after)

    def asked(self, level: Level, now: datetime) -> str:
        """Return what a level is told."""
        whom = f"For {', '.join(level.people)}. " if level.people else ""
        since = f"{_SINCE[self.occasion]} {spoken.span(now - self.since)} ago"
        help_ = f"Look after it, and say so: runbooks acknowledge {self.run[:8]} --as NAME"
        answer = (
            "and nobody has answered." if self.occasion is Occasion.WAITING else "and nobody looks after it."
        )
        return f"{whom}{since}, {answer} {self.said}\n{help_}"

    def rows(self, levels: Sequence[Level]) -> tuple[dict[str, str], ...]:
        """Return what became of each level, as a table says it."""
        return tuple(
            {
                "run": self.name,
                "what": str(self.occasion),
                "since": _at(self.since),
                "level": level.name,
                "state": self._state(level),
            }
            for level in levels
        )

    def _state(self, level: Level) -> str:
        if level.name in self.told:
            return f"told at {_at(self.told[level.name])}"
        if self.acknowledged:
            return f"{self.acknowledged} looks after it"
        return f"due at {_at(self.since + level.after)}"


def _at(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
