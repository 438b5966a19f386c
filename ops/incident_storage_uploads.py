"""Objects uploaded again from a backup, exactly those that were approved, each once and only where nothing has changed.

Source: supabase-operations.md, "Storage Incident" ("re-upload from backup if necessary").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from ops import (
    app_settings,
    begun_plans,
    database,
    errors,
    proposal,
    queries,
    spoken,
)
from ops.audit import Log
from ops.check_looks import check
from ops.checks import Finding
from ops.evidence import Evidence
from ops.incident_storage import KIND, StorageChecking
from ops.proposal import Proposal
from ops.storage_items import Item
from ops.storage_record import Begun, Done, Record

GATE = "re-upload"
GIVE_UP = f"Give it up with {KIND}, act abandon."


class Uploads:
    """What is to be uploaded again; what must outlive the gate is in the record."""

    def __init__(self, checking: StorageChecking) -> None:
        self.checking = checking
        self.items = checking.items
        self.target: tuple[str, str] = ("", "")
        self.begun: Begun | None = None
        self.planned = ""
        self.approved: Mapping[str, Any] = {}
        self.doubt = ""
        self.done: list[Done] = []
        self.is_proven = False
        # What others have written or removed since it was uploaded, by name, and which of both.
        self.later: Mapping[str, str] = {}
        self.record = Record(checking.plan.environment.name, checking.id)

    @property
    def due(self) -> bool:
        """Whether there is anything to upload, or a plan that is done and was not ended."""
        return bool(self.items or self.begun)

    @property
    def whole(self) -> tuple[Item, ...]:
        """Return all of the plan: what a run that was killed has uploaded is of it, too."""
        return self.begun.items if self.begun else self.items

    @property
    def reason(self) -> str:
        """Return why, as it was approved."""
        return self.begun.reason if self.begun else self.checking.plan.reason

    @property
    def digest(self) -> str:
        """Return the digest of the plan; that of the one that was begun, where one was."""
        if self.planned or self.begun:
            return self.planned or (self.begun.digest if self.begun else "")
        return self.digest_of(self.items, self.checking.plan.reason)

    def digest_of(self, items: Sequence[Item], reason: str) -> str:
        """Return the digest of a plan with these items."""
        content = {
            "runbook": KIND,
            "environment": self.checking.plan.environment.name,
            "target": list(self.target),
            "storage": self.checking.storage.url,
            "backup": self.checking.storage.backup or "",
            "reason": reason,
            "items": [each.model_dump(mode="json") for each in items],
        }
        return proposal.digest(content)

    @property
    def summary(self) -> str:
        """Say what is to be done, in one sentence."""
        plan, size = self.checking.plan, sum(each.size for each in self.items)
        return (
            f"Upload {len(self.items):,} objects ({size:,} bytes) of {plan.project.name} on {plan.environment.name} "
            f"again, from {self.checking.storage.backup}. Reason: {self.reason}. {self.doubt}".rstrip()
        )

    def proposal(self, gate: str) -> Proposal:
        """Return what the gate is asked about."""
        plan = self.checking.plan
        rows = "\n".join(
            f"| {_cell(each.bucket)} | {_cell(each.name)} | {each.state} | {each.size} | `{each.sha256[:16]}` "
            f"({each.proof}) | {_cell(each.source)} |"
            for each in self.items
        )
        document = (
            f"# {self.summary}\n\nEach only where it is still as it was seen: what is intact, or was written since, is "
            "left alone. The bytes of the backup were held against what the database knows of the upload: by their "
            "digest, or by their size alone where it knows no digest. What is wrong is replaced, and Storage removes "
            "it.\n\n| bucket | path | is | bytes | SHA-256 (known by) | in the backup |\n|---|---|---|---|---|---|\n"
            f"{rows}\n"
        )
        return Proposal(gate, plan.environment, plan.project.root, self.digest, self.summary, document)

    def connected(self) -> AbstractContextManager[database.Connection]:
        """Open a login that may write the record.

        Raises:
            Refused: the environment has no database, or the server says no.
            Unavailable: nobody answers.
        """
        return database.writing(self.dsn, application=self.checking.run)

    @property
    def dsn(self) -> str:
        """The DSN of the environment.

        Raises:
            Refused: it has none.
        """
        where = self.checking.plan.environment
        if where.database is None:
            raise errors.Refused(f"{where.name} has no database, so nothing can be recorded. Name it.")
        return app_settings.open_reference(where.database, self.checking.plan.project.root)


@check("re-upload")
def check_begun(checking: StorageChecking) -> Evidence:
    """Say whether a re-upload was begun here and has not ended, and what goes on with it or gives it up."""
    with checking.reading() as connection:
        begun = Record(checking.plan.environment.name, checking.id).seen(connection)
    if begun is None:
        return checking.found([], "No re-upload is under way.")
    left = f"{len(begun.left):,} of {len(begun.items):,} objects are not done"
    finding = Finding(
        kind="storage-upload-begun",
        object=checking.plan.environment.name,
        severity="attention",
        said=f"A re-upload that was begun at {spoken.moment(begun.planned_at)} has not ended: "
        f"{left if begun.left else 'all is uploaded, and nothing of it is proven'}. Reason: {begun.reason}.",
        why="What was approved is not there as a whole, and nothing else is uploaded before it has ended.",
        todo=f"Go on with it, which asks nobody: {KIND}, act re-upload. Or give it up: act abandon.",
        since=begun.planned_at,
    )
    return checking.found([finding], "")


def find(uploads: Uploads) -> Evidence:
    """Look whether an approved plan is not done; else what the looks have found is the plan. Reads only.

    Raises:
        Unavailable: the database does not answer.
    """
    with uploads.connected() as connection:
        ((system, name),) = connection.execute(queries.load("kept_state/target")).fetchall()
        uploads.target = (system, name)
        uploads.begun = begun = uploads.record.open(connection)
    if begun:
        uploads.items = begun.left
        said = f"{len(begun.left)} of {len(begun.items)} uploads that were approved before are not done; they go on."
        if not begun.left:
            said = f"All {len(begun.items)} uploads that were approved before are done; they are proven, and ended."
        return Evidence(ok=True, summary=f"{said} Reason: {begun.reason}.")
    if not uploads.due:
        return Evidence(ok=True, summary="There is nothing that could be uploaded again.", idle=True)
    rows = [
        {
            "object": str(each),
            "is": each.state,
            "bytes": each.size,
            "SHA-256": each.sha256,
            "known by": each.proof,
        }
        for each in uploads.items
    ]
    return Evidence(ok=True, summary=uploads.summary, rows=tuple(rows))


def verify_approved(uploads: Uploads) -> bool:
    """Look whether the plan is one that was approved, and that was not ended since; one that was begun, as it was.

    False says that nobody has approved what was begun, so that it is asked about anew.

    Raises:
        Refused: somebody has given it up, or its record is another one by now.
        Unavailable: the database does not answer.
    """
    begun, plan = uploads.begun, uploads.checking.plan
    if begun and uploads.digest_of(begun.items, begun.reason) != begun.digest:
        raise errors.Refused(
            f"Plan {begun.digest[:8]} of uploads is not what its record says by now: the database, the place of "
            "Storage or of the backup is another one, or somebody has written to runbooks.storage_uploads. Nothing was "
            f"uploaded. {GIVE_UP} Then start anew."
        )
    with uploads.connected() as connection:
        log = Log.of(plan.environment, plan.project.root, connection)
        found = begun_plans.look(log, plan.environment, GATE, uploads.digest)
        over = begun_plans.given_up(log, GATE, uploads.digest)
    if found.rows:
        if begun:
            uploads.approved = found.approved(GATE, begun.digest)
        return True
    if over or not begun:
        since = (
            f"was given up at {spoken.moment(over.at)} ({over.note})" if over else f"is over ({found.why})"
        )
        raise errors.Refused(
            f"Plan {uploads.digest[:8]} of {plan.environment.name!r} {since}, so no run goes on with it. Start a new "
            "run: it looks at everything anew, and asks."
        )
    uploads.doubt = found.doubt
    return False


def end(uploads: Uploads, connection: database.Connection) -> None:
    """End a plan that is proven, in the transaction of what the audit log has of it; one that is not stays open."""
    if uploads.is_proven:
        uploads.record.end(connection, uploads.digest, "proven")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
