"""Suspend a flow run until somebody has answered its question.

Facts this rests on (Prefect 3.8): on resume the flow runs again from the top; a key that was used in this
attempt answers itself; a key of an earlier attempt deadlocks. So a key names the gate, the attempt, the
content and the number of the question, and stored answers are read before anything is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from ops import errors

Decision = Literal["replay", "skip", "stop"]

PATIENCE = timedelta(days=1)
_PREFIX = "suspended-"
_SUFFIX = "-response"
_MOST_INPUTS = 200


class Answer(RunInput):
    """What the operator fills in."""

    decision: Decision = Field(description="Replay after fixing the file, skip this migration, or stop here")
    note: str = Field(default="", description="Remark for the record")


@dataclass(frozen=True)
class Stored:
    """An answer that was given in this attempt, to a question about `digest`."""

    digest: str
    decision: Decision
    note: str


def ask(question: str, *, gate: str, digest: str, attempt: int, most_replays: int) -> Stored:
    """Return the answer to this question; suspends the run, and does not return, while there is none.

    A stored `replay` has been used up by the very run that reads it: the step failed again, so the next
    question is asked, until `most_replays` of the gate are used up and the answer is `stop`.

    Raises:
        Denied: nobody answered in a day; Prefect's server ends the run itself then.
    """
    base = f"{gate}-{attempt}-"
    given = answers(base)
    for answer in given:
        if answer.digest == digest and answer.decision != "replay":
            return answer
    if sum(answer.decision == "replay" for answer in given) >= most_replays:
        return Stored(digest, "stop", f"{most_replays} replays are used up")
    suspend_flow_run(
        wait_for_input=Answer.with_initial_data(description=question),
        timeout=int(PATIENCE.total_seconds()),
        key=f"{base}{digest}-{len(given) + 1}",
    )
    raise errors.Denied("The run went on without an answer, so nothing more is done. Start it again.")


def answers(base: str) -> list[Stored]:
    """Return what was answered to the questions whose key begins with `base`."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return []
    prefix = f"{_PREFIX}{base}"
    with get_client(sync_client=True) as client:
        inputs = client.filter_flow_run_input(context.flow_run.id, prefix, _MOST_INPUTS, set())
    return [
        Stored(each.key.removeprefix(prefix).split("-")[0], **json.loads(each.value))
        for each in inputs
        if each.key.endswith(_SUFFIX)
    ]
