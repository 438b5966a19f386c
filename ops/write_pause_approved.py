"""Which events of an open incident were approved: the record names approvals, and the audit log has them or has not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

from ops import begun_plans, database
from ops.audit import Log
from ops.begun_plans import Found
from ops.project import Environment
from ops.write_pause import Site
from ops.write_pause_journal import APPROVED_ANEW, Event, Record

PAUSE, RESTORE, VERIFIED, ENABLE = "pause-writes", "restore", "verified-read-only", "enable-writes"
READ_ONLY, READ_WRITE = "read-only", "read-write"
_PAUSES = {"begun": (PAUSE, READ_ONLY), APPROVED_ANEW: (PAUSE, READ_ONLY)}
_ENDS = {"verified": (VERIFIED,), "given-up": (ENABLE,)}
_GATES = {**_PAUSES, **_ENDS, "restore-confirmed": (RESTORE,), "resumed": (READ_WRITE,)}


@dataclass(frozen=True)
class Proven:
    """What was found of the approvals that the events of the open incident name, by the events' numbers."""

    record: Record = field(default_factory=Record)
    found: Mapping[int, Found] = field(default_factory=dict[int, Found])

    @property
    def pause(self) -> Event | None:
        """The event with which an approved pause began; None where nobody has approved that there is one now."""
        named = [each for each in self.record.open if each.event in _PAUSES]
        return next((each for each in reversed(named) if self.of(each)), None)

    @property
    def paused(self) -> bool:
        """Whether that pause is still in force: writes that somebody is said to have let go on are asked about."""
        return self.pause is not None and self.record.resumed is None

    @property
    def end(self) -> bool:
        """Whether somebody has approved that writes go on, of the database as it is now."""
        return self._ended(before=self.record.last + 1)

    @property
    def over(self) -> bool:
        """Whether writes were let go on, and that was approved."""
        resumed = self.record.resumed
        if resumed is None or self.record.rewound or resumed.number < self._restored:
            return False
        return self.of(resumed) if resumed.details.get("approved") else self._ended(before=resumed.number)

    @property
    def _restored(self) -> int:
        return max((each.number for each in self.record.open if each.event == "rewound"), default=0)

    def _ended(self, *, before: int) -> bool:
        span = range(self._restored + 1, before)
        named = [each for each in self.record.open if each.event in _ENDS and each.number in span]
        return bool(named) and self.of(named[-1])

    def of(self, event: Event) -> bool:
        """Whether the approval that an event names was found."""
        return bool(self.found.get(event.number, Found()).rows)

    @property
    def doubt(self) -> str:
        """Say what the record says without an approval, for who is asked anew; nothing where nothing is open."""
        if not self.record.open or self.paused or self.over:
            return ""
        event = self.record.resumed or self.record.open[0]
        said = f"Event {event.number} of the record ({event.run}, {event.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC) says"
        if event.event == "resumed" and (self.record.rewound or event.number < self._restored):
            return f"{said} that writes were re-enabled, and the database was restored since, so it is asked anew."
        what = "writes were re-enabled" if event.event == "resumed" else "writes are paused"
        why = self.found.get(event.number, Found()).why or "it names none that could be looked for"
        return f"{said} that {what}, and no approval of it is found: {why}. So it is asked anew; find out who wrote it."


def read(site: Site, connection: database.Connection) -> Proven:
    """Read the record of paused writes, and look for what it says was approved.

    Raises:
        CheckFailed: the record and its copy contradict each other.
    """
    where = site.environment
    return find(site.journal.read(connection), Log.of(where, site.project.root, connection), where)


def find(record: Record, log: Log, where: Environment) -> Proven:
    """Look for the approvals that the open incident names; what another incident was let through with is used up."""
    here = record.open
    used = {_key(each) for each in record.events if each not in here}
    found: dict[int, Found] = {}
    for event in here:
        gate, plan, run = key = _key(event)
        if gate not in _GATES.get(event.event, ()) or not plan:
            continue
        if key in used:
            found[event.number] = Found(why="it was for an incident that is over")
        else:
            found[event.number] = begun_plans.look(log, where, gate, plan, run=run, ends=False)
    return Proven(record, found)


def approved(event: Event) -> Mapping[str, Any]:
    """Return what an event says of its approval: the gate, the plan's digest, the run, and by whom."""
    return event.details if "gate" in event.details else event.details.get("approved") or {}


def _key(event: Event) -> tuple[str, str, str]:
    said = approved(event)
    return str(said.get("gate", "")), str(said.get("plan", "")), str(said.get("run") or event.run)
