"""Take hold of the database that a rehearsal acts on: it says that it may be, nobody else is at work there.

Source: design.md, section 6 ("One at a time per target", "Targets are recognised by identity").
"""

from __future__ import annotations

from contextlib import ExitStack

from ops import database, guarded, journal, marker, project, shape
from ops.evidence import Evidence
from ops.marker import Marking
from ops.rehearsal import Rehearsing


def take(rehearsing: Rehearsing) -> Evidence:
    """Check that this database may be rehearsed on, lock out other runs, and read its state.

    Raises:
        Refused: it does not say that it may be rehearsed on, it is a guarded one, or another run holds it.
        Unavailable: the connection is lost.
    """
    if rehearsing.away:
        return Evidence(ok=True, summary="The database is this run's own, and gone when it ends.", idle=True)
    target, where = rehearsing.target, rehearsing.plan.environment
    guarded.refuse(rehearsing.project, target.dsn)
    with ExitStack() as entering, database.connect(target.dsn, application=rehearsing.run) as connection:
        marking = marker.verify(connection, None if where.name == project.GIVEN else where.name)
        target.holder = entering.enter_context(journal.held(target.dsn, rehearsing.run))
        if marking.environment is None:
            _settle_in(rehearsing, connection, marking)
        journal.prepare(connection)
        target.observe()
        rehearsing.begin()
        rehearsing.ends.push(entering.pop_all())
    said = (
        f"says that it is {marking.environment!r}" if marking.environment else "was empty, and is marked now"
    )
    return Evidence(
        ok=True, summary=f"The database {said} and may be rehearsed on; {rehearsing.run} holds its lock."
    )


def _settle_in(rehearsing: Rehearsing, connection: database.Connection, marking: Marking) -> None:
    """Make an empty database ours, so that a run that goes on after an interruption knows it again."""
    if not marking.shaped and marking.superuser:
        shape.load(connection)
    elif not marking.shaped:
        rehearsing.findings.append(
            "The database has not the shape of Supabase's (no schema auth), and this role may not give it one: "
            "log in as a superuser, or rehearse on a throw-away database."
        )
    marker.write(connection, rehearsing.plan.environment.name, rehearse=True)
