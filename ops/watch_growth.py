"""What has grown between the looks of a watch, and where nobody knows: resets, restarts and what was forgotten."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from ops.watch_sample import Counters, Sample, Statement, Statements

_COUNTED = (
    *("commits", "rollbacks", "deadlocks", "conflicts", "temp_bytes", "blks_read", "blks_hit"),
    *("sessions_fatal", "sessions_killed", "sessions_abandoned"),
)


@dataclass
class Calls:
    """The calls of one statement while it was watched; times are in milliseconds."""

    calls: int = 0
    milliseconds: float = 0.0
    squares: float = 0.0
    rows: int = 0

    @property
    def mean(self) -> float:
        return self.milliseconds / self.calls if self.calls else 0.0

    @property
    def uncertainty(self) -> float:
        """The standard error of the mean."""
        if self.calls < 2:
            return math.inf
        # The difference of two sums of squares may come out below nought by rounding.
        variance = max(0.0, self.squares / self.calls - self.mean**2) * self.calls / (self.calls - 1)
        return math.sqrt(variance / self.calls)

    @classmethod
    def of(cls, statement: Statement) -> Calls:
        """Return all calls since the statement is counted."""
        return cls(statement.calls, statement.milliseconds, statement.squares, statement.rows)

    def add(self, now: Statement, before: Statement | None) -> bool:
        """Add what came between two looks; say whether the numbers can be subtracted."""
        if before and (now.calls < before.calls or now.milliseconds < before.milliseconds):
            return False
        self.calls += now.calls - (before.calls if before else 0)
        self.milliseconds += now.milliseconds - (before.milliseconds if before else 0.0)
        self.squares += now.squares - (before.squares if before else 0.0)
        self.rows += now.rows - (before.rows if before else 0)
        return True


@dataclass
class Growth:
    """What has grown over all looks; a stretch whose counters began anew is in `lost`, and adds nothing.

    `restarts` and `resets` say what happened; `missing` are statements that were counted, and are no more.
    """

    counted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTED, 0))
    statements: dict[str, Calls] = field(default_factory=dict[str, Calls])
    metrics: dict[str, float] = field(default_factory=dict[str, float])
    seconds: float = 0.0
    restarts: int = 0
    resets: list[str] = field(default_factory=list[str])
    missing: set[str] = field(default_factory=set[str])
    statements_seen: bool = False
    lost: timedelta = timedelta(0)


def between(samples: Sequence[Sample]) -> Growth:
    """Add up what grew from each look to the next: never a negative number, whatever became of the counters."""
    grown = Growth()
    for before, now in pairwise(samples):
        _add(grown, before, now)
    return grown


def restarted(before: Counters, now: Counters) -> bool:
    """Whether this is not the server process that it was."""
    return before.started != now.started


def reset(before: Counters, now: Counters) -> bool:
    """Whether a counter was set back, by somebody or by a crash."""
    return before.stats_reset != now.stats_reset or any(
        getattr(now, name) < getattr(before, name) for name in _COUNTED
    )


def _add(grown: Growth, before: Sample, now: Sample) -> None:
    stretch = now.at - before.at
    again = restarted(before.counters, now.counters)
    grown.restarts += again
    if reset(before.counters, now.counters):
        grown.resets.append(f"the database's counters, before {now.at:%H:%M:%S} UTC")
        grown.lost += stretch
    else:
        for name in _COUNTED:
            grown.counted[name] += getattr(now.counters, name) - getattr(before.counters, name)
    if before.statements and now.statements:
        grown.statements_seen = True
        _add_statements(grown, before.statements, now.statements, at=f"{now.at:%H:%M:%S}")
    for name, value in _metrics(before, now):
        grown.metrics[name] = grown.metrics.get(name, 0.0) + value
    grown.seconds += stretch.total_seconds()


def _add_statements(grown: Growth, before: Statements, now: Statements, *, at: str) -> None:
    if before.since != now.since:
        grown.resets.append(f"the statements' counters, before {at} UTC")
        return
    grown.missing |= before.by_id.keys() - now.by_id.keys()
    anew = 0
    for number, statement in now.by_id.items():
        calls = grown.statements.setdefault(number, Calls())
        anew += not calls.add(statement, before.by_id.get(number))
    if anew:
        grown.resets.append(f"the counters of {anew} statements, before {at} UTC")


def _metrics(before: Sample, now: Sample) -> Iterator[tuple[str, float]]:
    for name, value in now.metrics.items():
        if name not in before.metrics:
            continue
        # A counter that is less than before began at nought, as Prometheus itself reads it: the app was restarted.
        yield name, value - before.metrics[name] if value >= before.metrics[name] else value
