"""A plan that was begun and is given up, by the choice of somebody who starts a promotion."""

from __future__ import annotations

from ops import journal, promotions
from ops.audit import Event, Log
from ops.promoting import Promoting
from ops.promotions import Begun


def give_up(promoting: Promoting, begun: Begun) -> None:
    """End the record of a plan that was begun, so that what is left of it is planned anew.

    Raises:
        Refused: somebody is at work on it.
    """
    # Whoever is at work on it holds the lock.
    with journal.held(promoting.target.dsn, promoting.run):
        _say(promoting, begun)
        promotions.end(promoting.connection, begun, "abandoned")
    promoting.findings.append(
        f"Plan {begun.plan_digest[:8]}, begun by {begun.run}, was given up; its rest is planned anew."
    )
    promoting.begun = None


def _say(promoting: Promoting, begun: Begun) -> None:
    """Write down what came of the plan that was approved."""
    where = promoting.plan.environment
    event = Event(
        *("ended", where.name, promoting.run, "promote", begun.plan_digest),
        note=f"the plan that {begun.run} had begun was given up",
        details={"ok": False},
    )
    Log.of(where, promoting.plan.project.root, promoting.connection).append(event)
