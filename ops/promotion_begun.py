"""A plan that was begun: whether it was approved and can go on, and how it is given up by somebody's choice."""

from __future__ import annotations

from ops import database, errors, journal, overlays, promotions, queries
from ops.audit import Event, Log, Row
from ops.migrations import Migration
from ops.promoting import Promoting
from ops.promotions import Begun

_NOTHING_DONE = "Nothing was applied."


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
            f"of it that holds. {_NOTHING_DONE} Run `runbooks audit verify`, find out who wrote that record, and give "
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


def give_up(promoting: Promoting, begun: Begun) -> None:
    """End the record of a plan that was begun, so that what is left of it is planned anew.

    Raises:
        Refused: somebody is at work on it.
    """
    # Whoever is at work on it holds the lock.
    with journal.held(promoting.target.dsn, promoting.run):
        _say(promoting, begun)
        promotions.end(promoting.connection, begun, "abandoned")
    promoting.findings.append(
        f"Plan {begun.plan_digest[:8]}, begun by {begun.run}, was given up; its rest is planned anew."
    )
    promoting.begun = None


def _say(promoting: Promoting, begun: Begun) -> None:
    """Write down what came of the plan that was approved."""
    where = promoting.plan.environment
    event = Event(
        *("ended", where.name, promoting.run, "promote", begun.plan_digest),
        note=f"the plan that {begun.run} had begun was given up",
        details={"ok": False},
    )
    Log.of(where, promoting.plan.project.root, promoting.connection).append(event)


def rest(promoting: Promoting, begun: Begun) -> tuple[Migration, ...]:
    """Return what is left of a plan that was begun: what is applied and what remains must be that plan.

    Raises:
        Refused: it can not go on; the message says what is not as it was.
    """
    here = {each.file: each for each in (*promoting.plan.migrations, *promoting.plan.overlays)}
    pending = {each.file for each in promoting.pending}
    left: list[Migration] = []
    for each in begun.plan.files:
        local = here.get(each.file)
        if local is None or local.sha256 != each.sha256:
            if local is None or each.file in pending:
                _refuse_rest(begun, f"{each.file} is {'gone' if local is None else 'another file now'}")
        elif each.file in pending:
            left.append(local)
    others = {each.file for each in begun.plan.files}
    promoting.findings += [
        f"{file} is pending, and not part of the plan that was begun: promote it afterwards."
        for file in sorted(pending - others)
    ]
    _verify_schema(promoting, begun)
    return tuple(left)


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


def _verify_schema(promoting: Promoting, begun: Begun) -> None:
    """What has changed since the plan was begun may only be what its files change."""
    may: set[tuple[str, str]] = {key for delta in begun.expected.values() for key in delta}
    now, before = promoting.before, begun.before
    changed = {key for key in now.keys() | before.keys() if now.get(key) != before.get(key)}
    strange = sorted(changed - may)
    if strange:
        named = ", ".join(f"{kind} {name}" for kind, name in strange[:5])
        _refuse_rest(
            begun, f"other hands have changed the schema since: {named}{' and more' * (len(strange) > 5)}"
        )


def _refuse_rest(begun: Begun, why: str) -> None:
    raise errors.Refused(
        f"Plan {begun.plan_digest[:8]} of {begun.plan.environment!r} was begun by {begun.run} and can not go on: {why}."
        f" {_NOTHING_DONE} Put that back (commit {(begun.plan.commit or 'unknown')[:12]}) and run again, or give the "
        "plan up with the choice `abandon`: what is left is then planned, rehearsed and approved anew."
    )
