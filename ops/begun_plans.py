"""Whether a plan that is recorded as begun was let through: a row of a record alone lets nothing through.

A restore rewinds the audit log and leaves its copy in the evidence store alone, so that both are looked at. Of either
only what fits the key of the log counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

from ops import audit, database, queries
from ops.approval import FINAL
from ops.audit import Log, Row
from ops.project import Environment

LASTS = timedelta(days=30)
_DECIDING = ("approved", "break-glass")


@dataclass(frozen=True)
class Found:
    """By whom a plan was let through, from the audit log; where nobody has, `why` says what there is instead."""

    rows: tuple[Row, ...] = ()
    why: str = ""

    @property
    def by(self) -> list[str]:
        return [row.actor for row in self.rows]

    @property
    def doubt(self) -> str:
        """Say to who is asked anew that it was begun without an approval; nothing where there is one."""
        if self.rows:
            return ""
        return (
            f"The record says that this was begun, and no approval of it is found: {self.why}. So it is asked anew; "
            "find out who wrote it."
        )

    def approved(self, gate: str, digest: str) -> dict[str, Any]:
        """Return the approval as a record of a run names it."""
        return {"gate": gate, "plan": digest, "run": self.rows[-1].run, "by": self.by}


def look(log: Log, where: Environment, gate: str, digest: str, *, run: str = "", ends: bool = True) -> Found:
    """Look for the approval of a plan at a gate, given to this run or, where none is named, to any.

    It takes as many people as the environment asks for. With `ends` it is over once a run has come to its end with it.
    """
    said, unread = _read(log, gate, digest)
    fit = {row.hash: row for row in said if row.hash == row.hashed(log.key)}
    ours = [row for row in fit.values() if row.environment == where.name]
    asked = [row for row in ours if run in ("", row.run)]
    reasons: list[str] = []
    for _, rows in groupby(sorted(asked, key=lambda row: (row.run, row.at, row.id)), lambda row: row.run):
        found = _judge([*rows], ours if ends else (), where, log.now())
        if found.rows:
            return found
        reasons.append(found.why)
    if not any(reasons) and not all(row.hash in fit for row in said):
        reasons.append("what there is does not fit the key of the log (was it changed, or the key rotated?)")
    why = next((each for each in reversed(reasons) if each), "neither the audit log nor its copy has one")
    return Found(why=f"{why}{unread}")


def given_up(log: Log, gate: str, digest: str) -> Row | None:
    """Return the newest row by which a plan was given up; None where it was not.

    A restore makes the database forget it, and the copy of its log does not.
    """
    said, _ = _read(log, gate, digest)
    rows = [
        row
        for row in said
        if row.event == "ended" and row.details.get("given_up") and row.hash == row.hashed(log.key)
    ]
    return max(rows, key=lambda row: row.at, default=None)


def _read(log: Log, gate: str, digest: str) -> tuple[list[Row], str]:
    """Return what the log and its copy say of a plan, and whether the copy could not be read."""
    rows: list[Row] = []
    if log.exists():
        asked = {"gate": gate, "plan_digest": digest}
        with database.translating():
            found = log.connection.execute(queries.load("audit/of_plan"), asked).fetchall()
        rows = [Row(*columns) for columns in found]
    try:
        copied = audit.copied(log.store)
    except OSError as error:
        return rows, f"; its copy {log.store.path.name} cannot be read ({error.strerror})"
    return [*rows, *(row for row in copied if row.gate == gate and row.plan_digest == digest)], ""


def _judge(rows: Sequence[Row], ending: Iterable[Row], where: Environment, now: datetime) -> Found:
    """Say whether what one run was answered lets the plan through."""
    deciding = [row for row in rows if row.event in _DECIDING]
    if where.guarded:
        deciding = [row for row in deciding if row.proof == "totp"]
    if not deciding:
        return Found()
    last = deciding[-1]
    if final := [row for row in rows if row.event in FINAL]:
        return Found(why=f"it was {final[0].event} (row {final[0].id} of the audit log)")
    broken = any(row.event == "break-glass" for row in deciding)
    if not broken and len({row.actor for row in deciding}) < max(where.approvals, _demanded(rows)):
        return Found(why=f"only {len({row.actor for row in deciding})} have approved it")
    if over := [row for row in ending if row.event == "ended" and row.at > last.at and _came_to_its_end(row)]:
        how = "given up" if over[0].details.get("given_up") else "done"
        return Found(why=f"what was approved was {how} (row {over[0].id} of the audit log)")
    if now - last.at > LASTS:
        return Found(why=f"it was approved on {last.at:%Y-%m-%d}, and that counts for {LASTS.days} days")
    return Found(tuple(deciding))


def _demanded(rows: Iterable[Row]) -> int:
    """Return how many people the question asked for: whoever asks for fewer since asks anew."""
    asked = [
        cast("Mapping[str, Any]", row.details.get("rules") or {}) for row in rows if row.event == "asked"
    ]
    return max((int(rules.get("approvals", 1)) for rules in asked), default=1)


def _came_to_its_end(row: Row) -> bool:
    return bool(row.details.get("ok") or row.details.get("over") or row.details.get("given_up"))
