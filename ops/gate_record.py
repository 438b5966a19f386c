"""What is kept of one run's gate and plan: in the audit log, or, where no name is proven, only as long as a pass."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from ops import database, queries
from ops.audit import ORIGIN, Event, Log, Row
from ops.proposal import Proposal

_OPENING = frozenset({"requested", "approved", "break-glass"})
_LONG_AGO, _FAR_AWAY = "2000-01-01T00:00:00+00:00", "9999-01-01T00:00:00+00:00"


class Record(Protocol):
    """What is kept of one run's gate and plan."""

    def rows(self) -> Sequence[Row]: ...
    def append(self, event: Event) -> None: ...
    def now(self) -> datetime: ...
    def used(self) -> Collection[tuple[str, int]]: ...


@dataclass
class Kept:
    """The record in the audit log."""

    log: Log
    proposal: Proposal
    run: str

    def rows(self) -> Sequence[Row]:
        asked = {"run": self.run, "gate": self.proposal.gate, "plan_digest": self.proposal.plan_digest}
        with database.translating():
            found = self.log.connection.execute(queries.load("audit/record"), asked).fetchall()
        return [self._fitting(Row(*columns)) for columns in found]

    def _fitting(self, row: Row) -> Row:
        """Return a row as it counts: one that lets through and does not fit the key of the log was not written by us.

        It stays in the record, since its answer cannot be judged again.
        """
        if row.event in _OPENING and row.hash != row.hashed(self.log.key):
            return replace(row, event="forged")
        return row

    def append(self, event: Event) -> None:
        self.log.append(event)

    def now(self) -> datetime:
        return self.log.now()

    def used(self) -> Collection[tuple[str, int]]:
        """The codes that were used, also those that a restore has made the database forget."""
        with database.translating():
            found = self.log.connection.execute(queries.load("audit/used")).fetchall()
        return {(str(actor), int(step)) for actor, step in found} | self.log.store.used()


@dataclass
class InMemory:
    """The record where nothing is kept and no name proven: made again from the answers at each pass."""

    policy_digest: str
    kept: list[Row] = field(default_factory=list[Row])

    def __post_init__(self) -> None:
        # Prefect's server alone keeps the time there.
        details = {"given": _LONG_AGO, "ask": "", "expires": _FAR_AWAY, "policy": self.policy_digest}
        self.append(Event("asked", "", details=details))

    def rows(self) -> Sequence[Row]:
        return self.kept

    def append(self, event: Event) -> None:
        at = datetime.fromisoformat(event.details.get("given") or self.now().isoformat())
        self.kept.append(Row(len(self.kept) + 1, at, *_columns(event), previous=ORIGIN, hash=""))

    def now(self) -> datetime:
        return datetime.now(UTC)

    def used(self) -> Collection[tuple[str, int]]:
        return ()


def _columns(event: Event) -> tuple[str, str, str, str, str, str, str, str, dict[str, object]]:
    return (
        event.event,
        event.environment,
        event.run,
        event.gate,
        event.plan_digest,
        event.actor,
        event.proof,
        event.note,
        dict(event.details),
    )
