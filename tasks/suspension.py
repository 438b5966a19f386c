"""Suspend a flow run until somebody has answered its question.

Facts this rests on (Prefect 3.8): on resume the flow runs again from the top; a key that was used in this
attempt answers itself; a key of an earlier attempt deadlocks. So a key names the gate, the content, the
attempt and the number of the question, and stored answers are read before anything is asked.
"""

from __future__ import annotations

from typing import Literal

from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.input.actions import read_flow_run_input
from pydantic import Field

MOST_QUESTIONS = 3


class Answer(RunInput):
    """What the operator fills in."""

    decision: Literal["replay", "skip", "stop"] = Field(
        description="Replay after fixing the file, skip it, or stop"
    )
    note: str = Field(default="", description="Remark for the record")


def ask(question: str, *, gate: str, digest: str, attempt: int) -> Literal["replay", "skip", "stop"]:
    """Return the answer to this question; suspends the run, and does not return, while there is none.

    A stored `replay` has been used up by the very run that reads it: the file failed again, so the next
    question is asked. After three replays the answer is `stop`.
    """
    for number in range(1, MOST_QUESTIONS + 1):
        key = f"{gate}-{digest}-{attempt}-{number}"
        stored = read_flow_run_input(f"suspended-{key}-response")
        if stored is None:
            answer = suspend_flow_run(wait_for_input=Answer.with_initial_data(description=question), key=key)
            return answer.decision
        if stored["decision"] != "replay":
            return stored["decision"]
    return "stop"
