"""Which statements cost the most right now, which have become slower, and how the worst of them would be planned.

Source: supabase-operations.md, "High Latency / Timeouts". Texts are those of pg_stat_statements: without any value.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from ops import errors, incident_correction, incident_plans, spoken, watch_sample
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_plans import Planned
from ops.watch_sample import Statements

_SHOWN = 5
# So many times as slow as in all the time before, and by so many milliseconds a call.
_SLOWER, _LEAST = 2.0, 1.0
# Calls before, of which one can say what was usual.
_ENOUGH = 20
# Of all the time that statements took: what takes less is not what makes a database slow.
_SHARE, _MOST = 0.01, 0.5
# Of the time that was looked at: on a database that has nothing to do, any statement takes most.
_BUSY = 0.1
# They take no time themselves, and would fill the list of an app that is slow.
_SESSION = re.compile(
    r"\s*(?:/\*.*?\*/\s*)*(?:begin|start\s+transaction|commit|end|abort|rollback|savepoint|release|set|reset|show"
    r"|discard|deallocate|listen|unlisten|notify|close|prepare\s+transaction)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Ran:
    """A statement in the time that was looked at: its calls, and the milliseconds of one then and before."""

    id: str
    text: str
    calls: int
    total: float
    mean: float
    before: float | None
    share: float = 0.0
    dominates: bool = False

    @property
    def is_slower(self) -> bool:
        return (
            self.before is not None and self.mean > _SLOWER * self.before and self.mean - self.before > _LEAST
        )


@check("statements")
def check_statements(checking: Checking) -> Evidence:
    """Count for a while what each statement costs, and say of the costliest how it compares and is planned."""
    span = checking.settings.incident_span
    first = _taken(checking)
    time.sleep(span.total_seconds())
    second = _taken(checking)
    ran = _weighed(_between(first, second), span)
    texts = watch_sample.texts(checking.connection, [each.id for each in ran])
    worst = [
        replace(each, text=texts[each.id])
        for each in ran
        if each.id in texts and not _SESSION.match(texts[each.id])
    ]
    chosen = _chosen(worst)
    planned = {each.id: incident_plans.planned(checking, each.text) for each in chosen}
    incident_correction.keep(checking, [index for each in planned.values() for index in each.proposals])
    return checking.found(
        [_finding(each, planned[each.id], spoken.span(span)) for each in chosen],
        f"No statement of the app took time in {spoken.span(span)}.",
    )


def _taken(checking: Checking) -> Statements:
    found = watch_sample.take(
        checking.connection, checking.plan.environment.model_copy(update={"health_url": None})
    )
    if found.statements is None:
        raise errors.Refused(" ".join(found.unseen) or "Nobody counts the statements of this database.")
    return found.statements


def _between(first: Statements, second: Statements) -> list[Ran]:
    """Return what ran between two looks, the costliest first."""
    found: list[Ran] = []
    for number, now in second.by_id.items():
        was = first.by_id.get(number)
        calls = now.calls - (was.calls if was else 0)
        spent = now.milliseconds - (was.milliseconds if was else 0.0)
        if calls > 0:
            before = was.milliseconds / was.calls if was and was.calls >= _ENOUGH else None
            found.append(Ran(number, "", calls, spent, spent / calls, before))
    return sorted(found, key=lambda each: -each.total)


def _weighed(ran: list[Ran], span: timedelta) -> list[Ran]:
    """Say of each which share it has of all the time that was spent."""
    whole = sum(each.total for each in ran) or 1.0
    busy = _BUSY * span.total_seconds() * 1000
    return [
        replace(each, share=each.total / whole, dominates=each.total > _MOST * whole and each.total > busy)
        for each in ran
    ]


def _chosen(ran: list[Ran]) -> list[Ran]:
    """Return the costliest, and those that have become slower the most."""
    slower = sorted(
        (each for each in ran if each.is_slower), key=lambda each: -(each.mean / (each.before or 1))
    )
    costly = [each for each in ran if each.share >= _SHARE]
    return list({each.id: each for each in (*slower[:_SHOWN], *costly[:_SHOWN])}.values())


def _finding(ran: Ran, planned: Planned, span: str) -> Finding:
    was = "it had not run before" if ran.before is None else f"{ran.before:.1f} ms before"
    grave = ran.is_slower or ran.dominates or planned.proposals
    return Finding(
        kind="statement-slower" if ran.is_slower else "statement-costly",
        object=f"statement {ran.id}",
        severity="attention" if grave else "note",
        said=f"{ran.calls} calls in {span}, {ran.mean:.1f} ms each ({was}), {ran.share:.0%} of the time of all: "
        f"{watch_sample.said(ran.text)} {planned.said}",
        why="What costs the most is where time can be won, and what has become slower is what has changed.",
        todo=" ".join(_todo(planned)),
    )


def _todo(planned: Planned) -> Iterator[str]:
    if not planned.proposals:
        yield "Compare with the recent migrations, and look whether the app calls it more often than it must."
        return
    yield f"Try {' '.join(each.creation for each in planned.proposals)}"
    yield (
        f"{incident_correction.MENDING} of the bundle has it, with its rollback: build it with act index, behind a "
        "gate, or make it a migration, rehearse it, and apply it with emergency-migration, which is the shortened gate."
    )
