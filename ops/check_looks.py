"""How a check looks: one that cannot says so, and leaves the others in peace."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import tenacity

from ops import database, errors
from ops.checked import State
from ops.checking import UNSEEN, Checking
from ops.checks import Finding
from ops.evidence import Evidence

Check = Callable[[Checking], Evidence]
C = TypeVar("C", bound=Checking)
UNREACHABLE = "database-unreachable"
_DATABASE = "the database"
_TRIES = 3
_PAUSE = timedelta(seconds=1)


def check(about: str) -> Callable[[Callable[[C], Evidence]], Callable[[C], Evidence]]:
    """Declare a check by what it is about; where it cannot look, that is found, and it never passes by silence."""

    def declare(operation: Callable[[C], Evidence]) -> Callable[[C], Evidence]:
        @functools.wraps(operation)
        def checked(checking: C) -> Evidence:
            checking.about = about
            checking.forget(about)
            try:
                with database.translating():
                    evidence = operation(checking)
            except errors.OpsError as error:
                evidence = checking.unseen(str(error), todo(error))
                checking.looked("unseen", evidence)
                return evidence
            checking.looked(_state(checking, evidence), evidence)
            return evidence

        return checked

    return declare


@check(_DATABASE)
def reach(checking: Checking) -> Evidence:
    """Log in to the database; where nobody answers that is said once, and what needs no database is looked at."""
    where = checking.plan.environment
    try:
        _log_in(checking)
    except errors.OpsError as error:
        checking.unreachable = str(error)
        finding = Finding(
            kind=UNREACHABLE if where.database else UNSEEN,
            object=_DATABASE,
            severity="failed" if where.database else "attention",
            said=f"The database of {where.name} could not be asked: {error}",
            why="Whoever needs it may get no answer either, and nobody knows how it is.",
            todo="Look whether it is up, whether its address and password are right, and whether it is full.",
        )
        return checking.found([finding], "")
    return checking.found([], f"The database of {where.name} answers.")


def todo(error: errors.OpsError) -> str:
    """Return what to do about an error for which a check could not look."""
    said = str(error)
    if said.startswith("42501"):
        return "Give this login the right (GRANT pg_monitor TO it shows the server's own views), or another login."
    if said.startswith("57014"):
        return "Look why that takes so long, or give it more time: statement_timeout of the environment's checks."
    return "Mend that and start the check again."


def _log_in(checking: Checking) -> None:
    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(errors.Unavailable),
        stop=tenacity.stop_after_attempt(_TRIES),
        wait=tenacity.wait_fixed(_PAUSE),
        reraise=True,
    ):
        with attempt, checking.reading() as connection:
            connection.execute("select 1")


def _state(checking: Checking, evidence: Evidence) -> State:
    found = checking.found_here()
    if any(each.kind == UNSEEN for each in found):
        return "unseen"
    if found:
        return "found"
    return "idle" if evidence.idle else "well"
