"""A person decides: in Prefect the run suspends and no process waits, in a terminal it is a prompt.

This is the gate of design.md section 5 in its plainest form: who answered is not proven yet.
"""

from __future__ import annotations

import sys

import rich.prompt

from ops import errors, secrets
from ops.migrations import Migration
from ops.project import OnFailure
from ops.rehearsal import Rehearsing
from tasks import runs

MOST_REPLAYS = 3
_CHOICES = ("replay", "skip", "stop")


def replay(rehearsing: Rehearsing, migration: Migration) -> bool:
    """Ask an operator what to do about a failed migration, and say whether to replay it.

    Asks only where the environment says `on_failure = "ask"`, and offers at most three replays. To skip lets
    the others go on; to stop leaves them skipped.

    Raises:
        Denied: nobody can be asked here.
    """
    result = rehearsing.results[migration.file]
    if rehearsing.plan.environment.on_failure is not OnFailure.ASK or result.status != "failed":
        return False
    decision, note = _ask(rehearsing, migration, f"{result.error}")
    if decision != "replay":
        remark = f": {note}" if note else "."
        rehearsing.findings.append(f"{migration.file} failed, and an operator chose to {decision}{remark}")
    if decision != "stop":
        rehearsing.stopped = None
    return decision == "replay"


def _ask(rehearsing: Rehearsing, migration: Migration, error: str) -> tuple[str, str]:
    run = runs.current()
    question = secrets.redact(f"{error}\n\nFix `{migration.file}` and replay it; or skip it; or stop here.")
    if run.suspends:
        from tasks import suspension

        answer = suspension.ask(
            question,
            gate=f"failed-{migration.version}",
            digest=migration.sha256[:8],
            attempt=run.attempt,
            most_replays=MOST_REPLAYS,
        )
        return answer.decision, answer.note
    number = rehearsing.asked.get(migration.file, 0) + 1
    rehearsing.asked[migration.file] = number
    return _prompt(question, replays_left=MOST_REPLAYS + 1 - number), ""


def _prompt(question: str, *, replays_left: int) -> str:
    if not sys.stdin.isatty():
        raise errors.Denied(
            'The environment says on_failure = "ask", and nobody can be asked here: there is no terminal and no '
            'deployment that could suspend. Run it from the Prefect UI, in a terminal, or with on_failure = "stop".'
        )
    if replays_left < 1:
        return "stop"
    return rich.prompt.Prompt.ask(f"{question} ({replays_left} replays left)", choices=list(_CHOICES))
