"""The steps of the staging soak."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial

from ops import soak, soak_change, soak_end
from ops.soak import Soaking, SoakPlan
from tasks.recording import recorded
from tasks.step import step

plan_soak = step(soak.plan, title="Plan the soak of {path} on {environment}", evidence="soak-plan")
find_change = step(soak_change.find_change, title="Find the change that soaks", evidence="soak-change")
look = step(soak.look, title="Look at the acceptance rules", evidence="soak-look", stops=False)
record_look = step(soak.record, title="Write the look down", evidence="soak-record")
hand_off_soak = step(soak_end.hand_off, title="Hand off the soak", evidence="soak-verdict")


def opened(plan: SoakPlan) -> AbstractContextManager[Soaking]:
    """Open the run's bundle; whatever ends the block, it is sealed."""
    return recorded(partial(soak.opened, plan), kind="staging-soak", out=plan.out)
