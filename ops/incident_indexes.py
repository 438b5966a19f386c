"""The indexes that an incident has shown to be missing, and the way back: what is asked about, and what was begun.

Source: supabase-operations.md, "Availability / Latency Degradation" ("Add index").
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from ops import (
    app_settings,
    begun_plans,
    database,
    errors,
    incident_correction,
    proposal,
    queries,
)
from ops.audit import Log
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_index_record import Planned, Record
from ops.incident_latency import KIND, Act, LatencyPlan
from ops.incident_plans import Index
from ops.proposal import Proposal


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
        self.doubt = ""

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
        return f"{what} {names} of {where}.{why} {self.doubt}".rstrip()

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

    def connected(self) -> AbstractContextManager[database.Connection]:
        """Open a login that may write.

        Raises:
            Refused: the environment has no database, or the server says no.
            Unavailable: nobody answers.
        """
        return database.writing(self.dsn, application=self.checking.run)


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


def verify_approved(indexing: Indexing) -> bool:
    """Look whether the plan that was begun is the one that was approved, as it was; false where nobody has.

    Raises:
        Refused: its record is another one by now.
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
        log = Log.of(plan.environment, plan.project.root, connection)
        found = begun_plans.look(log, plan.environment, indexing.gate, indexing.digest)
    indexing.doubt = found.doubt
    if not found.rows:
        return False
    indexing.approved = found.approved(indexing.gate, indexing.digest)
    return True
