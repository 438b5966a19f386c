"""Suspend a flow run until somebody has answered its question, and read what was answered.

Facts this rests on (Prefect 3.8): on resume the flow runs again from the top; a key that was used in this
attempt answers itself; a key of an earlier attempt deadlocks. So a key names the gate, the content, the
attempt and the number of the question, and stored answers are read before anything is asked.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, cast

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput

from ops import errors

_PREFIX = "suspended-"
_SUFFIX = "-response"
_MOST_INPUTS = 200
_MOST_OF_NONSENSE = 100


@dataclass(frozen=True)
class Stored:
    """An answer as Prefect's server keeps it: to which question, when it was given, and its fields."""

    key: str
    at: datetime
    said: dict[str, Any]


def ask(form: type[RunInput], question: str, *, key: str, patience: timedelta) -> NoReturn:
    """Suspend the run until the form is filled in; the run then starts again from the top.

    Raises:
        Denied: the run was made to go on without an answer.
    """
    # What is not found is the answer, where somebody has set the run's state by hand.
    with contextlib.suppress(ObjectNotFound):
        suspend_flow_run(
            wait_for_input=form.with_initial_data(description=question),
            timeout=max(1, int(patience.total_seconds())),
            key=key,
        )
    raise errors.Denied("The run went on without an answer, so nothing more is done. Start it again.")


def answers(base: str) -> list[Stored]:
    """Return what was answered to the questions whose key begins with `base`, in the order of the answers."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return []
    prefix = f"{_PREFIX}{base}"
    with get_client(sync_client=True) as client:
        inputs = client.filter_flow_run_input(context.flow_run.id, prefix, _MOST_INPUTS, set())
    found = [
        Stored(
            each.key.removeprefix(_PREFIX).removesuffix(_SUFFIX),
            each.created or datetime.now(UTC),
            _fields(each.value),
        )
        for each in inputs
        if each.key.endswith(_SUFFIX)
    ]
    return sorted(found, key=lambda one: one.at)


def clock() -> datetime | None:
    """Return what time it is where the answers are stored, to the second."""
    with get_client(sync_client=True) as client:
        said = client.request("GET", "/health").headers.get("date")
    return parsedate_to_datetime(said) if said else None


def _fields(value: str) -> dict[str, Any]:
    """Return the fields of an answer; anything can be written through the API."""
    try:
        said = json.loads(value)
    except (ValueError, RecursionError):
        return {"answer": value[:_MOST_OF_NONSENSE]}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {"answer": said}
