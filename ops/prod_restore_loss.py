"""What a restore has lost: time, rows, and what our own records had that the restored database had forgotten.

Source: supabase-operations.md, "Restore workflow (prod incident)", step 4.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops.prod_restore import Restoring

_MOST_LISTED = 50


class Loss(BaseModel):
    """The data-loss assessment; what could not be read on both sides is None."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    recovered_to: datetime | None = None
    known_by: str = "nothing tells"
    paused_at: datetime | None = None
    seconds: float | None = None
    tables: tuple[dict[str, Any], ...] = ()
    audit_rows: tuple[str, ...] = ()
    used_codes: int = 0
    record_events: tuple[int, ...] = ()
    journal_rows: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def assess(restoring: Restoring) -> Loss | None:
    """Compare what was kept at the pause with what the restored database had; None where nothing was restored."""
    rewound, baseline = restoring.said("rewound"), restoring.said("baseline")
    if not rewound:
        return None
    paused = restoring.event("paused")
    at, by = _recovered(restoring)
    before, after = baseline.get("marks", {}), rewound.get("marks", {})
    said = [] if baseline else ["Nothing was counted before the restore, so rows can not be compared."]
    said += [
        f"Row {number} of the audit log is another one in the restored database than in its copy."
        for number in rewound.get("other audit rows", ())
    ]
    return Loss(
        recovered_to=at,
        known_by=by,
        paused_at=paused.at if paused else None,
        seconds=(paused.at - at).total_seconds() if paused and at else None,
        tables=tuple(_tables(restoring)),
        audit_rows=tuple(rewound.get("audit", ())),
        used_codes=int(rewound.get("codes", 0)),
        record_events=tuple(rewound.get("events", ())),
        journal_rows=_gone(before, after, "journal"),
        migrations=_gone(before, after, "migrations"),
        said=tuple(said),
    )


def _recovered(restoring: Restoring) -> tuple[datetime | None, str]:
    """Return up to when it was recovered, by the best that there is: heartbeats, commits, our own rows, the target."""
    said = restoring.said("rewound")
    marks = said.get("marks", {})
    known = {
        "the last heartbeat": marks.get("heartbeat"),
        "the time of the last commit": marks.get("commit"),
        "the last commit of our own backup, restored aside": restoring.said("offer").get("last commit"),
    }
    times = {name: datetime.fromisoformat(text) for name, text in known.items() if text}
    at = restoring.plan.target.at
    # What was committed after the restore and before the pause is no sign of how far it was recovered.
    times = {name: time for name, time in times.items() if at is None or time <= at}
    if times:
        by = max(times, key=lambda name: times[name])
        return times[by], by
    return at, "the target that was asked for: no heartbeat and no time of a commit tells"


def _tables(restoring: Restoring) -> list[dict[str, Any]]:
    before: dict[str, Any] = restoring.said("baseline").get("tables", {})
    after: dict[str, Any] = restoring.said("verified").get("tables", {})
    rows: list[dict[str, Any]] = []
    for name, facts in before.items():
        then, now = facts["rows"], after.get(name, {}).get("rows")
        both = isinstance(then, int) and isinstance(now, int)
        rows.append(
            {"table": name, "at the pause": then, "restored": now, "fewer": then - now if both else None}
        )
    return rows


def _gone(before: dict[str, Any], after: dict[str, Any], name: str) -> tuple[str, ...]:
    there = set(after.get(name) or ())
    return tuple(each for each in before.get(name) or () if each not in there)[:_MOST_LISTED]
