"""The steps of a restore up to the restored database: look, pause, prove, and keep what there was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ops import (
    connectivity,
    errors,
    prod_restore_facts,
    prod_restore_rewound,
    write_pause,
    write_pause_proof,
)
from ops.evidence import Evidence
from ops.prod_restore import Restoring

_OVER = "Writes are re-enabled already; only the report is missing."


def check_connectivity(restoring: Restoring) -> Evidence:
    """Say which database answers, and over which road: without a session of its own no lock can be held.

    Raises:
        Refused: the DSN cannot work, or a pooler gives no session.
        Unavailable: nobody answers.
    """
    return connectivity.check(restoring.site.dsn, needs_writes=False)


def find_incident(restoring: Restoring) -> Evidence:
    """Look at the database and the record of paused writes: what was begun here, and how far it came; reads only.

    Raises:
        Refused: writes are paused by another environment, or there is nothing to give up.
        CheckFailed: the record and its copy contradict each other.
        Unavailable: the database does not answer.
    """
    with restoring.site.connected() as connection:
        restoring.look(connection)
        restoring.identity = prod_restore_facts.identity(connection)
    begun = restoring.record.open[0] if restoring.record.open else None
    where = restoring.plan.environment
    if begun and begun.environment != where.name and begun.environment in restoring.plan.project.environments:
        raise errors.Refused(
            f"Writes of this database are paused by an incident of {begun.environment!r}, so nothing was started. Run "
            "prod-restore there."
        )
    if begun is None:
        if any(each.run == restoring.site.id for each in restoring.record.newest):
            raise errors.Refused(
                "This run has ended its incident already, so it does not begin another under the same approval. Start "
                "a new run."
            )
        if restoring.plan.choices.give_up:
            raise errors.Refused(f"Nothing is paused on {where.name}, so there is nothing to give up.")
        return Evidence(ok=True, summary=f"No incident is open on {where.name}; it begins with this run.")
    pause = restoring.proven.pause
    if pause:
        _verify_target(restoring, pause.at)
    how = "restored since" if restoring.restored else "not restored yet"
    goes_on = restoring.proven.doubt or f"Incident {begun.incident} goes on: writes are paused, {how}."
    return Evidence(
        ok=True,
        summary=_OVER if restoring.over else goes_on,
        rows=tuple(
            {"number": each.number, "event": each.event, "at": each.at.isoformat(), "run": each.run}
            for each in restoring.record.open
        ),
    )


def assess_loss(restoring: Restoring) -> Evidence:
    """Say what was written after the target, as far as rows tell, and so is expected to be lost; reads only."""
    begun, at = restoring.said("begun"), restoring.plan.target.at
    if restoring.proven.pause or at is None or restoring.restored:
        rows = tuple(begun.get("expected", ()))
        return Evidence(
            ok=True, summary="What is expected to be lost was looked at before.", rows=rows, idle=True
        )
    with restoring.site.connected() as connection:
        rows = tuple(prod_restore_facts.since(connection, restoring.plan.environment, at))
    restoring.expected = rows
    minutes = (restoring.started - at).total_seconds() / 60
    return Evidence(
        ok=True,
        summary=f"What was written in the last {minutes:.1f} minutes, since {at:%Y-%m-%d %H:%M:%S} UTC, will be lost.",
        rows=rows,
    )


def pause_writes(restoring: Restoring) -> Evidence:
    """Pause writes; a database that was restored meanwhile gets its record back, and is paused again.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    restoring.reread()
    if restoring.over or (restoring.plan.choices.give_up and not restoring.record.rewound):
        return Evidence(ok=True, summary=_OVER if restoring.over else "Writes are paused.", idle=True)
    plan = restoring.plan
    begun: Mapping[str, Any] = {
        "target": str(plan.target),
        "way": plan.choices.way.value,
        "reason": plan.reason,
        "identity": restoring.identity,
        "expected": list(restoring.expected),
        "approved": restoring.approved,
    }
    taking = partial(prod_restore_rewound.take_up, restoring)
    found = write_pause.pause(restoring.site, restoring.incident, begun=begun, take_up=taking)
    restoring.reread()
    return found


def take_up(restoring: Restoring) -> Evidence:
    """Put back what a restore made the database forget, before anybody is asked: answers get no number twice.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    write_pause.take_up(restoring.site, partial(prod_restore_rewound.take_up, restoring))
    restoring.reread()
    back = restoring.said("rewound")
    return Evidence(
        ok=True,
        summary=f"The record and {len(back.get('audit', ()))} rows of the audit log are put back; nothing is paused.",
    )


def prove_paused(restoring: Restoring) -> Evidence:
    """Prove that nobody writes: roles are refused, nothing has begun to write, nothing moves.

    Raises:
        Unavailable: the database does not answer.
    """
    if restoring.over:
        return Evidence(ok=True, summary=_OVER, idle=True)
    return write_pause_proof.prove(
        restoring.site.dsn, restoring.plan.environment.pause, run=restoring.site.run
    )


def keep_baseline(restoring: Restoring) -> Evidence:
    """Keep what is in the database now that nobody writes: what the restored one is compared with.

    Raises:
        Refused: a critical table is not there.
        Unavailable: the database does not answer.
    """
    if restoring.restored or restoring.over or restoring.event("baseline"):
        kept = restoring.said("baseline").get("tables", {})
        said = (
            f"{len(kept)} tables were counted before." if kept else "It was restored before it was counted."
        )
        return Evidence(ok=True, summary=said, idle=True)
    with restoring.site.connected() as connection:
        tables = prod_restore_facts.tables(connection, restoring.plan.environment)
        marks = prod_restore_facts.marks(connection)
    write_pause.note(restoring.site, "baseline", {"tables": tables, "marks": marks})
    restoring.reread()
    return Evidence(
        ok=True,
        summary=f"{len(tables)} tables are counted while nobody writes, and kept in the record and its copy.",
        rows=tuple({"table": name, **facts} for name, facts in tables.items()),
    )


def _verify_target(restoring: Restoring, begun: datetime) -> None:
    at = restoring.plan.target.at
    if at and at > begun:
        raise errors.Refused(
            f"Writes are paused since {begun.astimezone(UTC).isoformat()}, and {at.isoformat()} is later, so nothing "
            "would come back that is not there. Name a moment before the pause."
        )
