"""What is to be done about a step that failed: in Prefect the run suspends, in a terminal it is a prompt."""

from __future__ import annotations

import sys
from datetime import timedelta

import rich.prompt

from ops import errors, secrets
from ops.migrations import Migration
from ops.project import OnFailure
from ops.rehearsal import Rehearsing
from tasks import runs
from tasks.runs import Run

MOST_REPLAYS = 3
PATIENCE = timedelta(days=1)
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
        return _suspended(rehearsing, question, migration, run)
    number = rehearsing.asked.get(migration.file, 0) + 1
    rehearsing.asked[migration.file] = number
    return _prompt(question, replays_left=MOST_REPLAYS + 1 - number), ""


def _suspended(rehearsing: Rehearsing, question: str, migration: Migration, run: Run) -> tuple[str, str]:
    """Return the answer to this question, which suspends the run while there is none.

    A stored `replay` has been used up by the very run that reads it: the step failed again, so the next
    question is asked, until all replays are used up.
    """
    from tasks import forms, notifying, suspension

    base = f"failed-{migration.version}-{run.attempt}-"
    digest = migration.sha256[:8]
    given = suspension.answers(base)
    for answer in given:
        decision = str(answer.said.get("decision"))
        if answer.key.startswith(f"{base}{digest}-") and decision in ("skip", "stop"):
            return decision, str(answer.said.get("note", ""))
    if sum(answer.said.get("decision") == "replay" for answer in given) >= MOST_REPLAYS:
        return "stop", f"{MOST_REPLAYS} replays are used up"
    key, plan = f"{base}{digest}-{len(given) + 1}", rehearsing.plan
    notifying.waiting(plan.project.root, plan.environment, key=key, said=question)
    suspension.ask(forms.Replay, question, key=key, patience=PATIENCE)


def _prompt(question: str, *, replays_left: int) -> str:
    if not sys.stdin.isatty():
        raise errors.Denied(
            'The environment says on_failure = "ask", and nobody can be asked here: there is no terminal and no '
            'deployment that could suspend. Run it from the Prefect UI, in a terminal, or with on_failure = "stop".'
        )
    if replays_left < 1:
        return "stop"
    return rich.prompt.Prompt.ask(f"{question} ({replays_left} replays left)", choices=list(_CHOICES))
