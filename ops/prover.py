"""The process that proves some of a rehearsal's migrations ahead, on a server of its own.

    python -m ops.prover

It reads a `Place`, where it makes a database, and a `Task` from standard input, and writes a `Proven` for each
migration, all pickled. It ends with its starter, who holds the other end of standard input, and early at whatever is
not as it should be: that one is left to the rehearsal itself, which then sees and tells it.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from ops import apply, reversal, secrets, throwaway
from ops.migrations import Migration
from ops.project import Environment, Project
from ops.reversal import Proof, Step
from ops.target import Target


@dataclass(frozen=True, slots=True)
class Place:
    """Whose migrations are to be proven, and as part of which run."""

    project: Project
    environment: Environment
    run: str


@dataclass(frozen=True, slots=True)
class Task:
    """What to prove: `wanted`, which come after `before` in the order of the files; `since` when the run began."""

    before: tuple[Migration, ...]
    wanted: tuple[Migration, ...]
    since: datetime


@dataclass(frozen=True, slots=True)
class Proven:
    """One migration that was applied, rolled back and applied again, with nothing wrong found."""

    file: str
    digest: str
    step: Step
    proof: Proof


@dataclass(frozen=True, slots=True)
class Broken:
    """Why the process ended by itself."""

    why: str


def work(target: Target, task: Task) -> Iterator[Proven]:
    """Prove one migration after the other, until there are no more or one has something wrong."""
    for migration in task.before:
        if not apply.run(target, migration.script, reversal.forward_entry(migration)).ok:
            return
    target.look()
    for migration in task.wanted:
        step = reversal.forward(target, migration)
        if not step.outcome.ok:
            return
        proof = reversal.prove(target, migration, step, since=task.since)
        if not (proof.clean and proof.rollback.status in ("proven", "missing")):
            return
        # The rows themselves stay here.
        yield Proven(migration.file, digest(migration), replace(step, rows_before={}), proof)


def digest(migration: Migration) -> str:
    """Say from which bytes a migration and its rollback were read."""
    script = migration.rollback
    return f"{migration.sha256} {script.sha256 if script else ''}"


def main() -> None:
    """Make the place, and do the task when it comes."""
    place = cast("Place", _received())
    try:
        with throwaway.opened(place.project, place.environment, run=place.run) as away:
            task = cast("Task", _received())
            threading.Thread(target=_end_with_the_starter, daemon=True).start()
            for proven in work(away.target, task):
                _send(proven)
    except EOFError:
        # There is nothing to prove.
        return
    except Exception as error:
        _send(Broken(secrets.redact(f"{type(error).__name__}: {error}")))


def _received() -> object:
    return pickle.load(sys.stdin.buffer)  # noqa: S301 - it comes from the rehearsal that started us


def _send(found: Proven | Broken) -> None:
    pickle.dump(found, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def _end_with_the_starter() -> None:
    sys.stdin.buffer.read()
    # At once, wherever the work is: the server ends with us, and nobody needs what is on it.
    os._exit(0)


if __name__ == "__main__":
    # Under its own name, by which it is pickled.
    from ops import prover

    prover.main()
