"""`@flow`: Prefect's own, except in a process that runs a runbook without Prefect and should not wait for its import.

Prefect takes two seconds to import, which is more than a small rehearsal takes as a whole.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from ops import errors, secrets

if TYPE_CHECKING:
    from prefect import Flow

P = ParamSpec("P")
R = TypeVar("R")

_plain = False


@dataclass(frozen=True)
class PlainFlow(Generic[P, R]):
    """A runbook as a function and nothing else."""

    fn: Callable[P, R]


def without_prefect() -> None:
    """Make every runbook that is imported from now on a plain function under `.fn`."""
    global _plain  # one decision of one process, taken before anything is imported
    _plain = True


def flow(**options: Any) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return Prefect's decorator with these options, or one that leaves the function alone."""

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        if _plain:
            return cast("Flow[P, R]", PlainFlow(_recorded(function)))
        from prefect import flow as prefects

        return prefects(on_failure=[tell_how_it_ended], on_crashed=[tell_how_it_ended], **options)(
            _ended_by_people(function)
        )

    return decorate


def tell_how_it_ended(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell people that a run failed or crashed, as Prefect calls it when that has happened."""
    # Most runs end well, and then nobody pays for this.
    from tasks import notifying

    notifying.of_end(flow, flow_run, state)


def _recorded(function: Callable[P, R]) -> Callable[P, R]:
    """Write down what came of what was approved, whichever way a run ends."""

    @functools.wraps(function)
    def run(*arguments: P.args, **keywords: P.kwargs) -> R:
        from tasks import outcomes

        try:
            found = function(*arguments, **keywords)
        except errors.Denied as denied:
            outcomes.record(ok=False, said=str(denied))
            raise
        except Exception as error:
            outcomes.record(ok=False, said=f"{type(error).__name__}: {error}")
            raise
        outcomes.record(ok=getattr(found, "ok", True), said=getattr(found, "summary", "completed"), over=True)
        return found

    return run


def _ended_by_people(function: Callable[P, R]) -> Callable[P, R]:
    """Let a run that a person has said no to end as cancelled."""
    recorded = _recorded(function)

    @functools.wraps(function)
    def run(*arguments: P.args, **keywords: P.kwargs) -> R:
        try:
            return recorded(*arguments, **keywords)
        except errors.Denied as denied:
            from prefect.states import Cancelled

            from tasks import notifying

            given = inspect.signature(function).bind(*arguments, **keywords)
            given.apply_defaults()
            notifying.denied(given.arguments, secrets.redact(str(denied)))
            return cast("R", Cancelled(name="Rejected", message=secrets.redact(str(denied))))

    # Prefect would look for the names of the types in this file.
    vars(run)["__signature__"] = inspect.signature(function, eval_str=True)
    return run
