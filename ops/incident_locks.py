"""Who waits for whom, as a tree: at each root who holds the lock, below it those who wait, and those who wait for them.

Source: supabase-operations.md, "High Latency / Timeouts". A query's text may hold a row's values: none is shown.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from ops import check_connections, check_transactions, spoken
from ops.check_looks import check
from ops.check_transactions import Session
from ops.checking import Checking
from ops.evidence import Evidence

TREE = "locks.txt"
_PREPARED = 0
_INDENT = "   "


@check("locks")
def show(checking: Checking) -> Evidence:
    """Show every queue for a lock as a tree, however short the wait; what is wrong of it is found apart."""
    check_connections.require_sessions(checking)
    sessions = check_transactions.ask_sessions(checking)
    lines = [*tree(sessions)]
    if not lines:
        return checking.found([], "Nobody waits for another's lock.")
    if checking.bundle:
        checking.bundle.write_text(TREE, "".join(f"{line}\n" for line in lines))
    waiting = sum(bool(each.blockers) for each in sessions.values())
    return checking.found(
        [],
        f"{waiting} sessions wait for another's lock; {TREE} of the bundle has the tree.",
        rows=[{"who waits for whom": line} for line in lines],
    )


def tree(sessions: Mapping[int, Session]) -> Iterator[str]:
    """Yield the lines of the tree; who waits for several stands below the first and says for whom else."""
    below = defaultdict[int, list[int]](list)
    for each in sessions.values():
        if each.blockers:
            below[each.blockers[0]].append(each.pid)
    # A deadlock has no beginning, until the server ends it: then any of it stands for one.
    shown: set[int] = set()
    free = [pid for pid in below if pid not in sessions or not sessions[pid].blockers]
    for root in (*free, *below):
        if root not in shown:
            yield from _branch(root, 0, sessions, below, shown)


def _branch(
    pid: int, depth: int, sessions: Mapping[int, Session], below: Mapping[int, list[int]], shown: set[int]
) -> Iterator[str]:
    shown.add(pid)
    mark = f"{_INDENT * (depth - 1)}└─ " if depth else ""
    yield f"{mark}{_said(pid, sessions.get(pid), root=not depth)}"
    for each in below.get(pid, ()):
        if each not in shown:
            yield from _branch(each, depth + 1, sessions, below, shown)


def _said(pid: int, session: Session | None, *, root: bool) -> str:
    if session is None:
        return "a prepared transaction" if pid == _PREPARED else f"pid {pid}, which is gone"
    who = f"pid {pid}: {session.name}, {session.state or 'working'}"
    if root:
        since = f", in a transaction since {spoken.moment(session.since)}" if session.since else ""
        return f"{who}{since}"
    waits = f" since {spoken.moment(session.waits_since)}" if session.waits_since else ""
    others = [str(each) for each in dict.fromkeys(session.blockers[1:]) if each != session.blockers[0]]
    also = f", and for pid {', '.join(others)} too" if others else ""
    return f"{who}, waits on {session.what or 'a lock'}{waits}{also}"
