"""A plan that was begun: whether it was approved and can go on, and how it is given up by somebody's choice."""

from __future__ import annotations

from pathlib import Path

from ops import database, errors, frozen, journal, overlays, promotions, queries
from ops.audit import Event, Log, Row
from ops.migrations import Migration
from ops.project import Environment
from ops.promoting import Promoting
from ops.promotions import Begun

# What a plan's record keeps of its own undoing: the failure that it is undone for, and the files that it has undone.
ROLLING_BACK, UNDONE = "rolling_back", "undone"
NOTHING_DONE = "Nothing was applied."


def verify_approved(promoting: Promoting, begun: Begun) -> None:
    """Look in the audit log whether this plan was let through: a row of the record alone lets nothing through.

    Raises:
        Refused: it was not, or not by as many as the environment asks for.
    """
    where = promoting.plan.environment
    log = Log.of(where, promoting.plan.project.root, promoting.connection)
    rows = deciding(log, "promote", begun.plan_digest)
    broken = any(row.event == "break-glass" for row in rows)
    if begun.plan.digest != begun.plan_digest or not (
        broken or len({row.actor for row in rows}) >= where.approvals
    ):
        raise errors.Refused(
            f"Plan {begun.plan_digest[:8]} of {where.name!r} is recorded as begun, and the audit log has no approval "
            f"of it that holds. {NOTHING_DONE} Run `runbooks audit verify`, find out who wrote that record, and give "
            "the plan up with the choice `abandon`."
        )


def deciding(log: Log, gate: str, plan_digest: str) -> list[Row]:
    """Return by what the audit log says that a plan was let through a gate, as far as it was written by us."""
    with database.translating():
        there, _ = log.connection.execute(queries.load("audit/guarded")).fetchone() or (False, False)
        if not there:
            return []
        asked = {"gate": gate, "plan_digest": plan_digest}
        rows = [Row(*columns) for columns in log.connection.execute(queries.load("audit/deciding"), asked)]
    return [row for row in rows if row.hash == row.hashed(log.key)]


def may_be_given_up(promoting: Promoting, begun: Begun) -> bool:
    """Whether a run may give a plan up: not its own, nor one that was begun while it waited for somebody.

    After a question the runbook begins anew, with the same choices: they were made before that.
    """
    if begun.kept.get("run") == promoting.run_id:
        return False
    where = promoting.plan.environment
    log = Log.of(where, promoting.plan.project.root, promoting.connection)
    if not log.exists():
        return True
    with database.translating():
        asked = {"run": promoting.run_id, "gate": "promote"}
        return log.connection.execute(queries.load("audit/has_asked"), asked).fetchone() == (False,)


def give_up(promoting: Promoting, begun: Begun) -> None:
    """End the record of a plan that was begun, so that what is left of it is planned anew.

    Raises:
        Refused: somebody is at work on it.
    """
    # Whoever is at work on it holds the lock.
    with journal.held(promoting.target.dsn, promoting.run):
        end_given_up(
            promoting.connection,
            begun,
            where=promoting.plan.environment,
            root=promoting.plan.project.root,
            run=promoting.run,
            why="was given up",
        )
    promoting.findings.append(
        f"Plan {begun.plan_digest[:8]}, begun by {begun.run}, was given up; its rest is planned anew."
    )
    promoting.begun, promoting.given_up = None, begun


def end_given_up(
    connection: database.Connection, begun: Begun, *, where: Environment, root: Path, run: str, why: str
) -> None:
    """Write down what came of a plan that was approved, and end its record; the caller holds the lock."""
    event = Event(
        *("ended", where.name, run, "promote", begun.plan_digest),
        note=f"the plan that {begun.run} had begun {why}",
        details={"ok": False, "given_up": True},
    )
    log = Log.of(where, root, connection)
    log.prepare()
    log.append(event)
    promotions.end(connection, begun, "abandoned")


def target(promoting: Promoting) -> frozen.Target:
    """Return the identity of the database that answers."""
    found = promoting.connectivity
    return frozen.Target(
        system_identifier=(found and found.system_identifier) or f"{found.host if found else ''}",
        database=promoting.connection.info.dbname,
        major=found.server_major if found else 0,
    )


def verify_kind(promoting: Promoting, begun: Begun) -> None:
    """Let a plan be ended by the runbook alone that it was approved in: what another one waives was not waived for it.

    Raises:
        Refused: it was begun by a promotion, and this is an emergency, or the other way round.
    """
    if bool(begun.plan.emergency) == bool(promoting.plan.emergency):
        return
    own = "emergency-migration" if begun.plan.emergency else "prod-promotion"
    raise errors.Refused(
        f"Plan {begun.plan_digest[:8]} of {begun.plan.environment!r} was begun by {begun.run} and has not ended, and "
        f"only {own} may end it. {NOTHING_DONE} Run {own} again, or roll what it has applied back with "
        "schema-rollback, or give it up with the choice `abandon`."
    )


def in_place(promoting: Promoting, migration: Migration) -> bool:
    """Ask the database each time: the commit of an attempt whose answer was lost may have reached it.

    Raises:
        Refused: other hands have put it there.
    """
    if migration.overlay:
        return not overlays.pending(promoting.connection, (migration,))
    with database.translating():
        query = queries.load("promotions/in_place")
        ((there, ours),) = promoting.connection.execute(query, {"version": migration.version}).fetchall()
    if there and not ours:
        raise errors.Refused(
            f"Other hands have applied {migration.file} since this plan was begun: the history has it, the journal has "
            "not. Nothing more was applied. Find out who and why; take it out of the history again, or give the plan "
            "up with the choices `abandon` and `adopt`."
        )
    return bool(there)
