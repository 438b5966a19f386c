"""The indexes that an incident has shown to be missing, built while the app goes on, and the way back.

Source: supabase-operations.md, "Availability / Latency Degradation" ("Add index").
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import tenacity
from psycopg import sql
from psycopg.rows import class_row

from ops import (
    app_settings,
    begun_plans,
    database,
    errors,
    incident_correction,
    index_progress,
    journal,
    proposal,
    queries,
)
from ops.backups import Progress
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_index_record import Planned, Record
from ops.incident_latency import KIND, Act, LatencyPlan
from ops.incident_plans import Index
from ops.proposal import Proposal
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


class Indexing:
    """Indexes on their way to being built, or removed; what must outlive the gate is in the record."""

    def __init__(self, checking: Checking, plan: LatencyPlan, run_id: str) -> None:
        self.checking = checking
        self.plan = plan
        self.record = Record(plan.environment.name, checking.run, run_id)
        self.target: tuple[str, str] = ("", "")
        self.planned: Planned | None = None
        self.done: dict[str, tuple[str, str]] = {}
        self.approved: Mapping[str, Any] = {}

    @property
    def builds(self) -> bool:
        """Whether indexes are built, and not removed."""
        return self.plan.act is Act.INDEX

    @property
    def gate(self) -> str:
        """The name of the gate: there and back are two."""
        return self.plan.act.value

    @property
    def items(self) -> tuple[Index, ...]:
        return self.planned.items if self.planned else ()

    @property
    def reason(self) -> str:
        """Why it is done: of a plan that was begun what was said then."""
        return self.planned.reason if self.planned and self.builds else self.plan.reason

    @property
    def due(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.items)

    @property
    def begun(self) -> bool:
        """Whether this was approved and begun before, so that nobody is asked again."""
        return bool(self.planned) and ("begun" if self.builds else "removing") in self.planned.states

    @property
    def digest(self) -> str:
        """Return the digest of what is asked about, which is bound to the database and to each statement."""
        return self.digest_of(self.items, self.reason)

    def digest_of(self, items: tuple[Index, ...], reason: str) -> str:
        """Return the digest of a plan with these indexes."""
        content = {
            "runbook": KIND,
            "gate": self.gate,
            "environment": self.plan.environment.name,
            "database": list(self.target),
            # What an approved removal has come to meanwhile is no other plan.
            **({} if self.builds else {"built": self.planned.digest if self.planned else ""}),
            **({"statements": [each.creation for each in items], "reason": reason} if self.builds else {}),
        }
        return proposal.digest(content)

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        what = "Build" if self.builds else "Remove"
        names = ", ".join(f"{each.name} on {each.schema}.{each.table}" for each in self.items)
        where = f"{self.plan.project.name} on {self.plan.environment.name}"
        why = f" Reason: {self.reason}." if self.reason else ""
        return f"{what} {names} of {where}.{why}"

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        plan = self.plan
        statements = "\n".join(each.creation if self.builds else each.removal for each in self.items)
        asking = "\n".join(f"- `{each.text}`" for each in self.items if each.text and self.builds)
        back = f"The way back is {KIND}, act {Act.DROP_INDEX}, which removes exactly these."
        document = (
            f"# {self.summary}\n\nIn the database {self.target[1]} (system {self.target[0]}), outside a transaction, "
            f"while the app reads and writes:\n\n```sql\n{statements}\n```\n\n"
            + (f"They were proposed for:\n\n{asking}\n\n" if asking else "")
            + (f"{back}\n" if self.builds else "Each only where it is still the index that was built.\n")
        )
        return Proposal(gate, plan.environment, plan.project.root, self.digest, self.summary, document)

    @property
    def dsn(self) -> str:
        """The DSN of the environment.

        Raises:
            Refused: it has none.
        """
        where = self.plan.environment
        if where.database is None:
            raise errors.Refused(f"{where.name} has no database, so there is nothing to index. Name it.")
        return app_settings.open_reference(where.database, self.plan.project.root)

    @contextmanager
    def connected(self) -> Generator[database.Connection]:
        """Open a login that may write.

        Raises:
            Refused: the environment has no database, or the server says no.
            Unavailable: nobody answers.
        """
        with (
            database.connect(self.dsn, application=self.checking.run, writes=True) as connection,
            database.translating(),
        ):
            yield connection


def find(indexing: Indexing) -> Evidence:
    """Say what is to be built or removed: what was begun, what this run has asked about, or what the looks have found.

    What is brought to the gate is kept in the record; nothing else is written.

    Raises:
        Refused: the way back was begun and is not done, or the login may not make the record.
        Unavailable: the database does not answer.
    """
    with indexing.connected() as connection:
        ((system, name),) = connection.execute(queries.load("kept_state/target")).fetchall()
        indexing.target = (system, name)
        record = indexing.record
        indexing.planned = record.open(connection) if indexing.builds else record.built(connection)
        if indexing.builds and indexing.planned and "removing" in indexing.planned.states:
            raise errors.Refused(
                f"Indexes are being removed and that was not finished, so none is built. Run {KIND}, act "
                f"{Act.DROP_INDEX}, and then start anew."
            )
        found = incident_correction.kept(indexing.checking)
        if indexing.builds and not indexing.planned and found:
            record.plan(
                connection, indexing.digest_of(found, indexing.plan.reason), indexing.plan.reason, found
            )
            indexing.planned = record.open(connection)
    if not indexing.due:
        said = (
            "No index seems to be missing"
            if indexing.builds
            else "No incident has built an index that is there"
        )
        return Evidence(ok=True, summary=f"{said}, so nothing is done.", idle=True)
    rows = [{"statement": each.creation if indexing.builds else each.removal} for each in indexing.items]
    on = "It was begun before and goes on. " if indexing.begun else ""
    return Evidence(ok=True, summary=f"{on}{indexing.summary}", rows=tuple(rows))


def verify_approved(indexing: Indexing) -> None:
    """Look whether the plan that was begun is the one that was approved, as it was.

    Raises:
        Refused: nobody has approved it, or its record is another one by now.
        Unavailable: the database does not answer.
    """
    plan = indexing.plan
    if indexing.builds and indexing.planned and indexing.planned.digest != indexing.digest:
        raise errors.Refused(
            f"Plan {indexing.planned.digest[:8]} of indexes is not what its record says by now: the database is "
            "another one, or somebody has written to runbooks.incident_indexes. Nothing was built. Set what is open "
            "there to 'skipped', and start anew."
        )
    with indexing.connected() as connection:
        rows = begun_plans.verify(
            connection, plan.project.root, plan.environment, indexing.gate, indexing.digest
        )
    indexing.approved = {"gate": indexing.gate, "plan": indexing.digest, "by": [row.actor for row in rows]}


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
