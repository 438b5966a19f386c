"""The steps that all scheduled checks share: how they begin and how they end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from ops import check_end, check_looks, check_report, checking
from ops.check_looks import C
from ops.checking import Checking, CheckPlan
from ops.evidence import Evidence
from tasks.recording import recorded
from tasks.step import Step, step

plan_checks = step(checking.plan, title="Plan the {kind} of {environment}", evidence="checks-plan")
reach = step(check_looks.reach, title="Log in to the database", evidence="checks-database", stops=False)
list_findings = step(
    check_end.list_findings, title="List what was found", evidence="checks-findings", stops=False
)
hand_off = step(
    check_end.hand_off, title="Hand off the report", evidence="checks-report", shown=check_report.shown
)
record_broken = step(
    check_end.hand_off_broken,
    title="Tell that the check was broken off",
    evidence="checks-broken",
    stops=False,
    retry=False,
)


def look(check: Callable[[C], Evidence], *, title: str, evidence: str) -> Step[[C], Evidence]:
    """Declare the step of one check: whatever it finds, the others are looked at too."""
    return step(check, title=title, evidence=evidence, stops=False)


def opened(plan: CheckPlan) -> AbstractContextManager[Checking]:
    """Open the run's bundle; whatever ends the block, it is sealed, and people know."""
    return recorded(partial(checking.opened, plan), kind=plan.kind, out=plan.out, broken=record_broken)
