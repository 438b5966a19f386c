"""A plan that was begun: whether it was approved and can go on, and how it is given up by somebody's choice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ops import change, database, errors, frozen, journal, overlays, promotions, queries
from ops.audit import Event, Log, Row
from ops.migrations import Migration
from ops.project import Environment
from ops.promoting import Promoting
from ops.promotions import Begun

# What a plan's record keeps of its own undoing: the failure that it is undone for, and the files that it has undone.
ROLLING_BACK, UNDONE = "rolling_back", "undone"
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
        details={"ok": False},
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
        f"only {own} may end it. {_NOTHING_DONE} Run {own} again, or roll what it has applied back with "
        "schema-rollback, or give it up with the choice `abandon`."
    )


def rest(promoting: Promoting, begun: Begun) -> tuple[Migration, ...]:
    """Return what is left of a plan that was begun: what is applied and what remains must be that plan.

    Raises:
        Refused: it can not go on; the message says what is not as it was.
    """
    here = {each.file: each for each in (*promoting.plan.migrations, *promoting.plan.overlays)}
    pending = {each.file for each in promoting.pending}
    left: list[Migration] = []
    _verify_target(promoting, begun)
    _verify_proofs(promoting, begun)
    for each in begun.plan.files:
        local = here.get(each.file)
        if local and (local.rollback.sha256 if local.rollback else None) != each.rollback_sha256:
            _refuse_rest(
                begun, f"{each.rollback or f'the rollback of {each.file}'} is not as it was approved"
            )
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
    _refuse_taken_back(promoting, begun, left)
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


def _verify_target(promoting: Promoting, begun: Begun) -> None:
    """A copy of a database has the record of its plans too."""
    now, then = target(promoting), begun.plan.target
    if now != then:
        _refuse_rest(
            begun,
            f"it was approved for the database {then.database} of cluster {then.system_identifier}, PostgreSQL "
            f"{then.major}, and this is {now.database} of {now.system_identifier}, PostgreSQL {now.major}",
        )


def _verify_proofs(promoting: Promoting, begun: Begun) -> None:
    """By what a plan is proven was approved with it; files that came since may be another plan's."""
    now = promoting.plan.change.model_copy(
        update={
            part: getattr(begun.plan.change, part)
            for part in ("migrations", "overlay", "overlay_environment")
        }
    )
    if parts := change.differing(begun.plan.change, now):
        _refuse_rest(begun, f"its {' and '.join(parts)} are not what was approved")


def _refuse_taken_back(promoting: Promoting, begun: Begun, left: Sequence[Migration]) -> None:
    """What a plan had applied and others have taken away is not applied again by the approval of then."""
    own: list[str] = begun.kept.get(UNDONE) or []
    asked = [each for each in left if each.file not in own]
    if begun.kept.get(ROLLING_BACK) or not asked:
        return
    with database.translating():
        rows = promoting.connection.execute(
            queries.load("promotions/taken_back"),
            {"versions": [each.key for each in asked], "since": begun.began_at},
        ).fetchall()
    files = {each.key: each.file for each in asked}
    for version, run in rows:
        _refuse_rest(
            begun, f"{files[version]} was applied by it and is gone again, by {run or 'other hands'}"
        )


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
