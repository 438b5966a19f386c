"""The steps of the look at whether the night's evaluation has run."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import eval_watch
from ops.eval_watch import Watching, WatchPlan
from tasks.recording import recorded
from tasks.step import step

plan_watch = step(
    eval_watch.plan, title="Plan a look for the nights of {environment}", evidence="eval-watch-plan"
)
check_silence = step(
    eval_watch.check, title="Ask when it was last evaluated", evidence="eval-silence", stops=False
)
hand_off = step(eval_watch.hand_off, title="Hand off the look for the nights", evidence="eval-watch")
_broken = step(
    eval_watch.hand_off_broken,
    title="Tell that nobody knows whether it was evaluated",
    evidence="eval-watch-broken-off",
    stops=False,
    retry=False,
)


def opened(plan: WatchPlan) -> AbstractContextManager[Watching]:
    """Open the run's bundle; whatever ends the block, it is sealed, and people know."""
    return recorded(partial(eval_watch.opened, plan), kind="eval-watch", out=plan.out, broken=_broken)
