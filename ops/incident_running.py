"""Which statements run for long and have not ended, and which one many sessions run at once.

Source: supabase-operations.md, "High Latency / Timeouts". pg_stat_statements counts a statement when it has ended; what
burns a processor meanwhile is only among the sessions. Their texts hold values, which are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import postgast
from pydantic import BaseModel

from ops import check_connections, incident_correction, incident_plans, queries, spoken, watch_sample
from ops.check_looks import check
from ops.check_transactions import who
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_plans import Planned

_NAMED = 5


class Running(BaseModel):
    """A statement that a session runs at this moment, for how long, and what it waits for: nothing, where it works."""

    pid: int
    role: str
    application: str
    database: str
    here: bool
    since: datetime
    lasted: timedelta
    waits_for: str
    id: str
    text: str
    cut: bool

    @property
    def name(self) -> str:
        return f"statement {self.id}" if self.id else "a statement without a query id"

    @property
    def is_locked(self) -> bool:
        return self.waits_for.startswith("Lock")


@check("running statements")
def check_running(checking: Checking) -> Evidence:
    """Find statements that run for too long and have not ended, and one that many sessions run at once."""
    check_connections.require_sessions(checking)
    wanted = checking.settings
    running = checking.ask(queries.load("incident/running"), Running)
    texts = watch_sample.texts(checking.connection, [each.id for each in running if each.id])
    long = [*_grouped(each for each in running if each.lasted > wanted.running)]
    planned = {group[0].pid: _planned(checking, group[0], texts) for group in long}
    incident_correction.keep(checking, [index for each in planned.values() for index in each.proposals])
    hot = [each for each in _same(running) if len(each) >= wanted.at_once]
    return checking.found(
        [
            *(_long(group, texts, planned[group[0].pid]) for group in long),
            *(_hot(group, texts) for group in hot),
        ],
        f"No statement has been running for more than {spoken.span(wanted.running)}{_longest(running)}, and none in "
        f"{wanted.at_once} sessions or more at once.",
    )


def _grouped(running: Iterable[Running]) -> Iterator[list[Running]]:
    groups = defaultdict[tuple[str, ...], list[Running]](list)
    for each in running:
        groups[each.id or str(each.pid), each.database, each.role, each.application].append(each)
    yield from groups.values()


def _same(running: Iterable[Running]) -> Iterator[list[Running]]:
    groups = defaultdict[tuple[str, str], list[Running]](list)
    for each in running:
        if each.id:
            groups[each.id, each.database].append(each)
    yield from groups.values()


def _planned(checking: Checking, running: Running, texts: Mapping[str, str]) -> Planned:
    """Plan the statement with its own values where it is known whole; it is not run again."""
    if not running.here:
        return Planned("")
    text = texts.get(running.id, "") if running.cut else running.text
    try:
        # Of several statements in one text only the first would be prepared, and the others would be run.
        single = len(postgast.parse(text).stmts) == 1
    except postgast.PgQueryError:
        single = False
    if not single:
        return Planned("")
    planned = incident_plans.planned(checking, text, secret=True)
    known = postgast.normalize(text)
    return replace(planned, proposals=tuple(replace(each, text=known) for each in planned.proposals))


def _long(group: list[Running], texts: Mapping[str, str], planned: Planned) -> Finding:
    first = group[0]
    end = f"If it may stop: select pg_cancel_backend({first.pid})"
    locked = "It waits for another's lock: locks.txt of the bundle has who holds it, and to stop that one helps more."
    return Finding(
        kind="statement-running",
        object=f"{who(first.role, first.application)}, {first.name}",
        severity="attention" if all(each.is_locked for each in group) else "failed",
        said=f"{who(first.role, first.application)} in {first.database} has been running {first.name} for "
        f"{spoken.span(first.lasted)} (pid {_pids(group)}), {_waits(group)}: {_shown(first, texts)} {planned.said}",
        why="It is not among the costliest, since it is counted when it ends; as long as it runs it takes a processor, "
        "the disk, or locks from all others.",
        todo=" ".join([f"{end}.", *_next(planned), *([locked] if first.is_locked else [])]),
        since=first.since,
    )


def _next(planned: Planned) -> Iterator[str]:
    if planned.proposals:
        yield f"Then {' '.join(each.creation for each in planned.proposals)} ({incident_correction.MENDING} has it)."
    else:
        yield "Then look who started it, and whether a recent migration or release has brought it."


def _hot(group: list[Running], texts: Mapping[str, str]) -> Finding:
    first = group[0]
    whose = ", ".join(sorted({who(each.role, each.application) for each in group})[:_NAMED])
    return Finding(
        kind="statement-hotspot",
        object=f"{first.name} in {first.database}",
        severity="attention",
        said=f"{len(group)} sessions run {first.name} in {first.database} at once, of {whose} (pid {_pids(group)}), "
        f"{_waits(group)}: {_shown(first, texts)}",
        why="They take the processors from all others, or wait for one another's rows.",
        todo="Where they wait for locks they all change the same rows: change these less often or later. Where they "
        "work, the statement's plan stands with the costliest: mend that, or let the app ask less often.",
    )


def _longest(running: list[Running]) -> str:
    return f" (the longest of {len(running)} for {spoken.span(running[0].lasted)})" if running else ""


def _waits(group: Iterable[Running]) -> str:
    counted = Counter(each.waits_for for each in group)
    working = counted.pop("", 0)
    said = [f"{count} waiting for {name}" for name, count in counted.most_common(_NAMED)]
    return ", ".join([*([f"{working} waiting for nothing"] if working else []), *said])


def _shown(running: Running, texts: Mapping[str, str]) -> str:
    """Return the text without any value; one that cannot be read so is not shown."""
    try:
        return watch_sample.said(postgast.normalize(texts.get(running.id, running.text)))
    except postgast.PgQueryError:
        return "its text is too long or odd to be shown without its values."


def _pids(group: Iterable[Running]) -> str:
    pids = [str(each.pid) for each in group]
    more = f" and {len(pids) - _NAMED} more" if len(pids) > _NAMED else ""
    return ", ".join(pids[:_NAMED]) + more
