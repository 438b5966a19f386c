"""Transactions that are open too long, and queries that wait for others, with who is at fault.

Source: supabase-operations.md, "Daily". A query's text may hold a row's values, so that no text is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from pydantic import BaseModel

from ops import check_connections, queries, spoken
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

_NAMED = 5


class _Open(BaseModel):
    role: str
    application: str
    database: str
    pid: int
    since: datetime
    idle_since: datetime | None
    idle: bool


class _Prepared(BaseModel):
    name: str
    role: str
    database: str
    since: datetime


class Session(BaseModel):
    """A session, what it waits for and since when, and by whom it is blocked; 0 is a prepared transaction."""

    pid: int
    role: str
    application: str
    state: str
    since: datetime | None
    waits_since: datetime | None
    what: str
    blockers: list[int]

    @property
    def name(self) -> str:
        return who(self.role, self.application)


def who(role: str, application: str) -> str:
    """Return who holds a session, in words that are the same tomorrow."""
    return f"role {role}, application {application or 'without a name'}"


def ask_sessions(checking: Checking) -> dict[int, Session]:
    """Return every session of the databases by its pid.

    Raises:
        OpsError: as `Checking.reading` does.
    """
    return {each.pid: each for each in checking.ask(queries.load("checks/blocked"), Session)}


@check("transactions")
def check_transactions(checking: Checking) -> Evidence:
    """Find transactions that are open for long, that are open and do nothing, and prepared ones that nobody ended."""
    check_connections.require_sessions(checking)
    wanted = checking.settings
    limits = {"idle": wanted.idle, "transaction": wanted.transaction}
    sessions = checking.ask(queries.load("checks/transactions"), _Open, limits)
    prepared = checking.ask(queries.load("checks/prepared"), _Prepared, {"transaction": wanted.transaction})
    return checking.found(
        [
            *(_idle(checking, each) for each in _grouped(one for one in sessions if one.idle)),
            *(_long(checking, each) for each in _grouped(one for one in sessions if not one.idle)),
            *(_unended(checking, each) for each in prepared),
        ],
        f"No transaction is open for more than {spoken.span(wanted.transaction)}, or idle for more than "
        f"{spoken.span(wanted.idle)}.",
    )


@check("blocked queries")
def check_blocked(checking: Checking) -> Evidence:
    """Find queries that wait for a lock, and at the root of each queue the session that holds it."""
    check_connections.require_sessions(checking)
    sessions = ask_sessions(checking)
    limit = checking.settings.blocked
    late = [
        each
        for each in sessions.values()
        if each.blockers and each.waits_since and checking.clock - each.waits_since > limit
    ]
    by_root = defaultdict[int, list[Session]](list)
    for each in late:
        by_root[_root(each, sessions)].append(each)
    return checking.found(
        [_blocked(checking, sessions.get(root), root, waiting) for root, waiting in by_root.items()],
        f"No query waits for another's lock for more than {spoken.span(limit)}.",
    )


def _grouped(sessions: Iterable[_Open]) -> Iterator[list[_Open]]:
    groups = defaultdict[str, list[_Open]](list)
    for each in sessions:
        groups[who(each.role, each.application)].append(each)
    yield from groups.values()


def _idle(checking: Checking, group: list[_Open]) -> Finding:
    first = min(group, key=lambda each: each.idle_since or each.since)
    began = first.idle_since or first.since
    return Finding(
        kind="idle-in-transaction",
        object=who(first.role, first.application),
        severity="attention",
        said=f"{_count(group)} of {who(first.role, first.application)} in {first.database} open and idle, the longest "
        f"for {spoken.span(checking.clock - began)} (pid {_pids(group)}).",
        why="It holds its locks and snapshot: others wait, and vacuum cannot clean up what was deleted since.",
        todo=f"Look whether the app forgets to commit; end it with select pg_terminate_backend({first.pid}), and set "
        "idle_in_transaction_session_timeout for its role.",
        since=first.since,
    )


def _long(checking: Checking, group: list[_Open]) -> Finding:
    first = min(group, key=lambda each: each.since)
    return Finding(
        kind="long-transaction",
        object=who(first.role, first.application),
        severity="attention",
        said=f"{_count(group)} of {who(first.role, first.application)} in {first.database} open, the longest for "
        f"{spoken.span(checking.clock - first.since)} (pid {_pids(group)}).",
        why="As long as it runs vacuum cannot clean up what was deleted since, and its locks are held.",
        todo=f"Look what it does (pg_stat_activity, pid {first.pid}); if it may end, select "
        f"pg_cancel_backend({first.pid}).",
        since=first.since,
    )


def _unended(checking: Checking, prepared: _Prepared) -> Finding:
    return Finding(
        kind="prepared-transaction",
        object=prepared.name,
        severity="attention",
        said=f"The prepared transaction {prepared.name} of {prepared.role} in {prepared.database} has been waiting for "
        f"{spoken.span(checking.clock - prepared.since)}.",
        why="It holds its locks over restarts, and vacuum cannot clean up what was deleted since.",
        todo=f"Ask who prepared it, then COMMIT PREPARED or ROLLBACK PREPARED '{prepared.name}'.",
        since=prepared.since,
    )


def _blocked(checking: Checking, root: Session | None, pid: int, waiting: list[Session]) -> Finding:
    first = min(waiting, key=lambda each: each.waits_since or checking.clock)
    longest = spoken.span(checking.clock - (first.waits_since or checking.clock))
    holder = f"{root.name} (pid {pid}, {root.state})" if root else "a prepared transaction"
    end = (
        f"end the holder with select pg_terminate_backend({pid})"
        if root
        else "end it (pg_prepared_xacts names it)"
    )
    noun = "query waits" if len(waiting) == 1 else "queries wait"
    return Finding(
        kind="blocked-queries",
        object=root.name if root else "prepared transactions",
        severity="failed",
        said=f"{len(waiting)} {noun} for {holder}, the longest for {longest} on {first.what} (pid {_pids(waiting)}).",
        why="Whoever waits holds a connection and may hold locks of its own, so that the queue grows until all wait.",
        todo=f"Look what the holder does; if it may stop, {end}.",
        since=first.waits_since,
    )


def _root(session: Session, sessions: Mapping[int, Session]) -> int:
    """Return who is at the beginning of the queue in which a session stands; of a deadlock any."""
    seen: set[int] = set()
    at = session
    while at.blockers and at.pid not in seen:
        seen.add(at.pid)
        following = sessions.get(at.blockers[0])
        if following is None:
            return at.blockers[0]
        at = following
    return at.pid


def _count(group: list[_Open]) -> str:
    return "1 transaction is" if len(group) == 1 else f"{len(group)} transactions are"


def _pids(group: Iterable[_Open | Session]) -> str:
    pids = [str(each.pid) for each in group]
    more = f" and {len(pids) - _NAMED} more" if len(pids) > _NAMED else ""
    return ", ".join(pids[:_NAMED]) + more
