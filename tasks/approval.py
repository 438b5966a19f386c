"""A person decides: in Prefect the run suspends and no process waits, in a terminal it is a prompt.

This is the gate of design.md section 5 in its plainest form: who answered is not proven yet.
"""

from __future__ import annotations

import sys
from typing import Literal

import rich.prompt

from ops import errors
from ops.migrations import Migration
from ops.project import OnFailure
from ops.rehearsal import Rehearsing
from tasks import runs

MOST_REPLAYS = 3
Decision = Literal["replay", "skip", "stop"]


def replay(rehearsing: Rehearsing, migration: Migration) -> bool:
    """Ask an operator what to do about a failed migration, and say whether to replay it.

    Asks at most three times for a replay, and only where the environment says `on_failure = "ask"`. To skip
    lets the others go on; to stop leaves them skipped.

    Raises:
        Denied: nobody can be asked here.
    """
    result = rehearsing.results[migration.file]
    if rehearsing.plan.environment.on_failure is not OnFailure.ASK or result.status != "failed":
        return False
    rehearsing.asked[migration.file] = number = rehearsing.asked.get(migration.file, 0) + 1
    if number > MOST_REPLAYS:
        return False
    question = f"{result.error}\n\nFix {migration.file}, then replay it; or skip it, or stop here."
    decision = _ask(question, gate="failed-migration", content=migration.sha256, number=number)
    if decision == "skip":
        rehearsing.stopped = None
    if decision == "replay":
        rehearsing.stopped = None
    return decision == "replay"


def _ask(question: str, *, gate: str, content: str, number: int) -> Decision:
    run = runs.current()
    if run.suspends:
        from tasks import suspension

        return suspension.ask(question, gate=gate, digest=content[:8], attempt=run.attempt)
    if not sys.stdin.isatty():
        raise errors.Denied(
            'The environment says on_failure = "ask", and nobody can be asked here: there is no terminal and no '
            'deployment that could suspend. Run it from the Prefect UI, in a terminal, or with on_failure = "stop".'
        )
    answer = rich.prompt.Prompt.ask(
        f"{question} ({number} of {MOST_REPLAYS})", choices=["replay", "skip", "stop"]
    )
    return answer  # pyright: ignore[reportReturnType]  # one of the choices
