"""The steps of the janitor."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import janitor
from ops.evidence import Evidence
from ops.janitor import JanitorPlan, Tidying
from tasks.recording import recorded
from tasks.step import step

plan_janitor = step(janitor.plan, title="Plan to tidy up after {environment}", evidence="janitor-plan")
find_lapsed = step(janitor.find_lapsed, title="Find gates that nobody answered", evidence="gates-lapsed")
close_gates = step(janitor.close_gates, title="Close them in the audit log", evidence="gates-closed")
remove_leftovers = step(
    janitor.remove_leftovers, title="Remove what dead runs have left", evidence="leftovers"
)
verify_tidy = step(janitor.verify_tidy, title="Verify that no gate is open past its time", evidence="tidy")
hand_off = step(janitor.hand_off, title="Hand off what was tidied up", evidence="janitor")
hand_off_broken = step(
    janitor.hand_off_broken,
    title="Hand off what there is of the tidying",
    evidence="janitor-broken",
    stops=False,
    retry=False,
)


def _find_dead(tidying: Tidying) -> Evidence:
    """Find runs that died with their machine."""
    from tasks import dead_runs

    return dead_runs.find_dead(tidying)


def _mark_crashed(tidying: Tidying) -> Evidence:
    """Call each of them crashed."""
    from tasks import dead_runs

    return dead_runs.mark_crashed(tidying)


def _find_missed(tidying: Tidying) -> Evidence:
    """Find what a schedule should have started and did not."""
    from tasks import dead_runs

    return dead_runs.find_missed(tidying)


def _tell_untold(tidying: Tidying) -> Evidence:
    """Tell people of what they were not told yet."""
    from tasks import untold

    return untold.tell_untold(tidying)


def _escalate(tidying: Tidying) -> Evidence:
    """Tell the next level what nobody has looked after."""
    from tasks import escalating

    return escalating.escalate(tidying)


escalate = step(
    _escalate,
    title="Tell the next level what nobody looks after",
    evidence="escalation",
    stops=False,
    retry=False,
)
tell_untold = step(
    _tell_untold, title="Tell people what they were not told yet", evidence="told", stops=False, retry=False
)
find_dead_runs = step(_find_dead, title="Find runs that died with their machine", evidence="dead-runs")
mark_crashed = step(_mark_crashed, title="Mark them as crashed", evidence="runs-crashed")
find_missed = step(
    _find_missed, title="Find what a schedule did not start", evidence="missed-runs", stops=False
)


def opened(plan: JanitorPlan) -> AbstractContextManager[Tidying]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    return recorded(partial(janitor.opened, plan), kind="janitor", out=plan.out, broken=hand_off_broken)
