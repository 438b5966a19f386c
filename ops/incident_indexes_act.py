"""An index built while the app goes on, or removed: safe to run twice, and to go on after it was killed.

Source: supabase-operations.md, "Availability / Latency Degradation" ("Add index").
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
import tenacity
from psycopg import sql
from psycopg.rows import class_row

from ops import database, errors, index_progress, journal, queries
from ops.backups import Progress
from ops.evidence import Evidence
from ops.incident_indexes import Indexing
from ops.incident_plans import Index
from ops.statements import Statement
from ops.target import Target

_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class There:
    """What has the name of an index."""

    table: str
    columns: list[str]
    plain: bool
    valid: bool
    building: bool

    def fits(self, index: Index) -> bool:
        """Whether it is this index, and not another thing of its name."""
        return self.plain and (self.table, tuple(self.columns)) == (index.table, index.columns)


def act(indexing: Indexing, say: Progress) -> Evidence:
    """Build or remove each index outside a transaction; safe to run twice, and to go on after it was killed.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        CheckFailed: the server has not built it; what is left of it was removed.
        Unavailable: a lock is in the way, or another session still builds it.
    """
    planned = indexing.planned
    if planned is None:
        return Evidence(ok=True, summary="Nothing was to be done.", idle=True)
    with journal.held(indexing.dsn, indexing.checking.run) as holder, indexing.connected() as connection:
        target = Target(
            indexing.dsn,
            indexing.dsn,
            indexing.checking.run,
            throw_away=False,
            lock_timeout=indexing.plan.environment.lock_timeout,
            holder=holder,
            progress=say,
        )
        # It waits for old snapshots by design, and is left INVALID when a timeout ends it.
        connection.execute("set statement_timeout = 0; set lock_timeout = 0")
        indexing.record.begin(connection, planned, builds=indexing.builds)
        for each in planned.items:
            said = _build(connection, target, each) if indexing.builds else _remove(connection, target, each)
            state = "skipped" if said else "built" if indexing.builds else "removed"
            indexing.record.mark(connection, planned, each, state, said)
            indexing.done[each.name] = (state, said)
    rows = tuple(
        {"index": name, "state": state, "said": said} for name, (state, said) in indexing.done.items()
    )
    left = "".join(f" Not {name}, since {said}." for name, (_, said) in indexing.done.items() if said)
    count = sum(not said for _, said in indexing.done.values())
    verb = "built" if indexing.builds else "removed"
    return Evidence(ok=not left, summary=f"{count} of {len(rows)} indexes were {verb}.{left}", rows=rows)


def there(connection: database.Connection, index: Index) -> There | None:
    """Return what has the name of an index by now; None where nothing has."""
    with connection.cursor(row_factory=class_row(There)) as cursor:
        asked = {"schema": index.schema, "name": index.name}
        return cursor.execute(queries.load("incident/index_of_name"), asked).fetchone()


def _build(connection: database.Connection, target: Target, index: Index) -> str:
    """Build an index, unless it is there; an INVALID one that a kill has left is dropped first. Return why not."""
    found = _settled(connection, index)
    if found and not found.fits(index):
        return "something else has its name by now"
    if found and found.valid:
        return ""
    if found:
        _drop(connection, index)
    _reach(connection, target, index)
    statement = Statement(index.creation, 0, 1, 1, "index_stmt")
    try:
        journal.verify_held(connection, target.holder)
        with index_progress.shown(connection, target, statement):
            connection.execute(index.creation.encode())
    except psycopg.Error:
        if (
            not connection.closed
            and (left := there(connection, index))
            and left.fits(index)
            and not left.valid
        ):
            _drop(connection, index)
        raise
    return ""


def _remove(connection: database.Connection, target: Target, index: Index) -> str:
    found = _settled(connection, index)
    if found and not found.fits(index):
        return "something else has its name by now"
    if found:
        _reach(connection, target, index)
        _drop(connection, index)
    return ""


def _drop(connection: database.Connection, index: Index) -> None:
    name = sql.Identifier(index.schema, index.name)
    connection.execute(sql.SQL("drop index concurrently if exists {}").format(name))


def _reach(connection: database.Connection, target: Target, index: Index) -> None:
    """Take the table's lock once, with its time-out: where somebody changes the table, nothing is begun."""
    table = sql.Identifier(index.schema, index.table)
    limit = f"{round(target.lock_timeout.total_seconds() * 1000)}ms"
    with connection.transaction():
        connection.execute("select pg_catalog.set_config('lock_timeout', %s, true)", (limit,))
        connection.execute(sql.SQL("lock table {} in share update exclusive mode").format(table))


def _settled(connection: database.Connection, index: Index) -> There | None:
    """Return what has the name once no other session builds it: that of a killed run goes on by itself.

    Raises:
        Unavailable: another session is still building it.
    """
    asking = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda found: found is not None and found.building),
        stop=tenacity.stop_after_delay(_PATIENCE),
        wait=tenacity.wait_fixed(0.2),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    found = asking(lambda: there(connection, index))
    if found and found.building:
        raise errors.Unavailable(f"Another session is still building {index}. Run again when it has ended.")
    return found
