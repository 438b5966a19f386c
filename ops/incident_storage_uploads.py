"""Objects uploaded again from a backup, exactly those that were approved, each once and only where nothing has changed.

Source: supabase-operations.md, "Storage Incident" ("re-upload from backup if necessary").
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ops import (
    app_settings,
    begun_plans,
    database,
    errors,
    incident_storage,
    journal,
    proposal,
    queries,
    storage_digests,
)
from ops import incident_storage_backup as backups
from ops.audit import Log
from ops.evidence import Evidence
from ops.incident_storage import KIND, StorageChecking
from ops.proposal import Proposal
from ops.storage_items import Item
from ops.storage_record import Begun, Done, Record

GATE = "re-upload"
Progress = Callable[[int, int, str], None]


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
        self.record = Record(checking.plan.environment.name, checking.id)

    @property
    def due(self) -> bool:
        """Whether there is anything to upload."""
        return bool(self.items)

    @property
    def whole(self) -> tuple[Item, ...]:
        """Return all of the plan: what a run that was killed has uploaded is of it, too."""
        return self.begun.items if self.begun else self.items

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
            f"again, from {self.checking.storage.backup}. Reason: {self.begun.reason if self.begun else plan.reason}."
            f"{f' {self.doubt}' if self.doubt else ''}"
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

    @contextmanager
    def connected(self) -> Generator[database.Connection]:
        """Open a login that may write the record.

        Raises:
            Refused: the environment has no database, or the server says no.
            Unavailable: nobody answers.
        """
        with (
            database.connect(self.dsn, application=self.checking.run, writes=True) as connection,
            database.translating(),
        ):
            yield connection

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
    """Look whether the plan that was begun is the one that was approved, as it was; false where nobody has.

    Raises:
        Refused: its record is another one by now.
        Unavailable: the database does not answer.
    """
    begun, plan = uploads.begun, uploads.checking.plan
    if begun is None:
        return False
    if uploads.digest_of(begun.items, begun.reason) != begun.digest:
        raise errors.Refused(
            f"Plan {begun.digest[:8]} of uploads is not what its record says by now: the database, the place of "
            "Storage or of the backup is another one, or somebody has written to runbooks.storage_uploads. Nothing was "
            "uploaded. Set what is open there to 'skipped', and start anew."
        )
    with uploads.connected() as connection:
        log = Log.of(plan.environment, plan.project.root, connection)
        found = begun_plans.look(log, plan.environment, GATE, begun.digest)
    if not found.rows:
        uploads.doubt = (
            f"The record says that this was begun, and no approval of it is found: {found.why}. So it is asked anew; "
            "find out who wrote it."
        )
        return False
    uploads.approved = {"gate": GATE, "plan": begun.digest, "run": found.rows[-1].run, "by": found.by}
    return True


def act(uploads: Uploads, say: Progress) -> Evidence:
    """Upload each object that is still as it was planned; safe to run twice, and to go on after it was killed.

    Raises:
        Refused: another run holds the database, or the backup is gone.
        CheckFailed: an object is not what was uploaded.
        Unavailable: Storage or the database does not answer; what was done is recorded.
    """
    digest = uploads.digest
    with journal.held(uploads.dsn, uploads.checking.run), uploads.connected() as connection:
        if not uploads.begun and not uploads.planned:
            uploads.record.plan(connection, digest, uploads.checking.plan.reason, uploads.items)
            uploads.planned = digest
        for number, item in enumerate(uploads.items, 1):
            skipped = _one(uploads, connection, item)
            uploads.record.mark(connection, digest, item, "skipped" if skipped else "uploaded", skipped)
            say(number, len(uploads.items), "objects")
        uploads.done = uploads.record.of(connection, digest)
    left = [each for each in uploads.done if each.state == "skipped"]
    rows = tuple({"object": str(each), "state": each.state, "said": each.said} for each in uploads.done)
    apart = "".join(f" Not uploaded: {each}, since {each.said}." for each in left[:3])
    more = f" And {len(left) - 3} more." if len(left) > 3 else ""
    return Evidence(
        ok=not left,
        summary=f"{len(uploads.done) - len(left)} objects were uploaded again.{apart}{more}",
        rows=rows,
    )


def _one(uploads: Uploads, connection: database.Connection, item: Item) -> str:
    """Upload one object and read it again; return why not, where it is not as it was planned."""
    client = uploads.checking.client
    there = client.read(item.bucket, item.name)
    if there and there.sha256 == item.sha256:
        return ""
    if why := _changed(uploads, item, there.sha256 if there else ""):
        return why
    reference = uploads.checking.storage.backup or ""
    path = backups.source(incident_storage.folder(reference, "nothing is uploaded"), item)
    if path is None or storage_digests.of_file(path).sha256 != item.sha256:
        return "the backup has other bytes than those that were approved"
    uploads.record.mark(connection, uploads.digest, item, "begun")
    facts = item.model_dump(include={"size", "sha256", "mimetype", "cache_control", "user_metadata"})
    try:
        client.upload(item.bucket, item.name, storage_digests.pieces(path), **facts)
    except errors.Refused as error:
        return str(error)
    found = client.read(item.bucket, item.name)
    if found is None or found.sha256 != item.sha256:
        raise errors.CheckFailed(f"{item} was uploaded and is not served with the bytes of the backup.")
    return ""


def _changed(uploads: Uploads, item: Item, there: str) -> str:
    rows = uploads.checking.list_objects(item.bucket, item.name)
    if not rows:
        return "the database does not list it any more"
    (row,) = rows
    if (row.id, row.version, row.plain_tag) != (item.id, item.version, item.tag):
        return "it was written again since the plan was made"
    # One that was wrong and is gone meanwhile is no less to be uploaded.
    if there and there != item.there:
        return "its bucket has other bytes than when the plan was made"
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
