"""Replicas that are behind and slots that hold WAL back. Source: supabase-operations.md, "Daily" (replica lag)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel

from ops import check_connections, check_replicas, queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence


class _Replica(BaseModel):
    name: str
    address: str
    state: str
    lag: timedelta
    behind: int | None
    silent: timedelta | None
    stays: bool
    since: datetime | None

    @property
    def object(self) -> str:
        return f"{self.name} at {self.address}"


class _Itself(BaseModel):
    replica: bool
    lag: timedelta | None


class _Slot(BaseModel):
    name: str
    kind: str
    active: bool
    status: str
    retained: int


@check("replication")
def check_replication(checking: Checking) -> Evidence:
    """Hold each replica's lag, and the WAL that each slot holds back, against what is allowed."""
    check_connections.require_sessions(checking)
    replicas = checking.ask(queries.load("checks/replication"), _Replica)
    (itself,) = checking.ask(queries.load("checks/replica"), _Itself)
    slots = checking.ask(queries.load("checks/slots"), _Slot)
    missing = list(check_replicas.missing(checking, [each.name for each in replicas if each.stays]))
    check_replicas.keep_lags(checking, missing, {each.object for each in replicas})
    return checking.found(
        [
            *_itself(checking, itself),
            *missing,
            *(finding for each in replicas for finding in _replica(checking, each)),
            *(finding for each in slots for finding in _slot(checking, each)),
        ],
        f"{len(replicas)} replicas are up to date, and {len(slots)} slots hold no more WAL back than they may.",
        rows=[{"what": "slot", "name": each.name, "held back": spoken.size(each.retained)} for each in slots],
    )


def _replica(checking: Checking, replica: _Replica) -> Iterator[Finding]:
    wanted = checking.settings
    behind, silent = replica.behind or 0, replica.silent or timedelta(0)
    if replica.lag <= wanted.lag and behind <= wanted.retained_wal and silent <= wanted.lag:
        return
    quiet = f", and has not answered for {spoken.span(silent)}" if silent > wanted.lag else ""
    yield Finding(
        kind=check_replicas.LAG,
        object=replica.object,
        severity="attention",
        said=f"{replica.object} ({replica.state}) is {spoken.size(behind)} and "
        f"{spoken.span(replica.lag)} behind{quiet}.",
        why="Whoever reads there reads the past, and a failover to it would lose as much.",
        todo="Look whether a long query on it holds replay up, and whether it or the network is overloaded.",
    )


def _itself(checking: Checking, itself: _Itself) -> Iterator[Finding]:
    if itself.replica and itself.lag is not None and itself.lag > checking.settings.lag:
        yield Finding(
            kind=check_replicas.LAG,
            object="this server",
            severity="attention",
            said=f"This replica has replayed nothing for {spoken.span(itself.lag)}, though it has more.",
            why="Whoever reads here reads the past.",
            todo="Look whether a long query holds replay up (pg_stat_activity), or replay is paused.",
        )


def _slot(checking: Checking, slot: _Slot) -> Iterator[Finding]:
    if slot.status == "lost":
        yield Finding(
            kind="slot-lost",
            object=slot.name,
            severity="failed",
            said=f"The {slot.kind} slot {slot.name} has lost the WAL that its reader still needs.",
            why="Its reader can never go on: what it should have copied is missing there.",
            todo="Drop the slot and make the replica or subscription anew.",
        )
    elif slot.retained > checking.settings.retained_wal:
        reader = "which is read" if slot.active else "which nobody reads"
        yield Finding(
            kind="slot-holds-wal",
            object=slot.name,
            severity="attention" if slot.active else "failed",
            said=f"The {slot.kind} slot {slot.name}, {reader}, holds {spoken.size(slot.retained)} of WAL back.",
            why="WAL grows until the disk is full, and then the database stops.",
            todo="Let its reader go on, or drop it if it is not needed: select pg_drop_replication_slot.",
        )
