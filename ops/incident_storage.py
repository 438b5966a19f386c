"""An incident of Storage: what a run knows of the objects in the database, in their buckets and in the backup.

Source: supabase-operations.md, "Storage Incident".
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from psycopg.rows import class_row
from pydantic import BaseModel

from ops import checking, errors, queries, reasons, secrets, storage_digests
from ops.checking import Checking, CheckPlan
from ops.storage_client import Client, Seen
from ops.storage_items import Item, State
from ops.storage_settings import FileStorage, Lifecycle

KIND = "incident-storage"
_NAMED = 3


class Act(StrEnum):
    """What is done besides looking."""

    LOOK = "look"
    RE_UPLOAD = "re-upload"
    ABANDON = "abandon"


class StoragePlan(CheckPlan):
    """What is looked at and done, and why; `whole`: every object is read, and not only a sample."""

    act: Act
    reason: str
    whole: bool


class Stored(BaseModel):
    """An object as the database lists it."""

    id: str
    bucket: str
    name: str
    version: str | None
    size: int | None
    tag: str | None
    mimetype: str | None
    cache_control: str | None
    modified: str | None
    user_metadata: dict[str, Any] | None
    owner: str | None
    created: datetime
    public: bool

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"

    @property
    def plain_tag(self) -> str:
        return storage_digests.plain(self.tag)

    @property
    def written(self) -> datetime:
        """When its bytes were last written, from which a lifecycle counts."""
        try:
            found = datetime.fromisoformat(self.modified or "")
        except ValueError:
            return self.created
        return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wrong:
    """An object that is not in its bucket as the database lists it; `there` is what is in its place."""

    object: Stored
    state: State
    there: Seen | None = None


@dataclass
class Looked:
    """What the looks have seen so far, for those that come after."""

    objects: list[Stored] = field(default_factory=list[Stored])
    seen: dict[str, Seen] = field(default_factory=dict[str, Seen])
    wrong: list[Wrong] = field(default_factory=list[Wrong])
    is_complete: bool = False


class StorageChecking(Checking):
    """A run that looks at the Storage of one environment."""

    plan: StoragePlan

    def __init__(self, plan: StoragePlan, run: str, stack: ExitStack, id: str = "") -> None:
        super().__init__(plan, run)
        self.plan = plan
        self.id = id or uuid4().hex
        self.looked_at = Looked()
        self.items: tuple[Item, ...] = ()
        self._stack = stack
        self._client: Client | None = None

    @property
    def storage(self) -> FileStorage:
        """Where Storage is.

        Raises:
            Refused: the environment does not say it.
        """
        found = self.plan.environment.storage
        if found is None:
            where = self.plan.environment.name
            raise errors.Refused(
                f"{where} does not say where its Storage is, so its objects are not looked at. Say url and key in "
                f"[environments.{where}.storage] of runbooks.toml."
            )
        return found

    @property
    def client(self) -> Client:
        """The one client of this run.

        Raises:
            Refused: the environment has no Storage, or its secrets cannot be opened.
        """
        if self._client is None:
            self._client = self._stack.enter_context(Client(self.storage))
        return self._client

    def list_objects(self, bucket: str | None = None, name: str | None = None) -> list[Stored]:
        """Return what the database lists: everything, or one object.

        Raises:
            OpsError: as `reading` does.
        """
        asked = {"bucket": bucket, "name": name}
        with self.reading() as connection, connection.cursor(row_factory=class_row(Stored)) as cursor:
            # Policies that hide rows from this login are an error, and not fewer objects.
            connection.execute("set local row_security = off")
            return cursor.execute(queries.load("storage/objects"), asked).fetchall()

    def sample(self, objects: Sequence[Stored], most: int | None = None) -> list[Stored]:
        """Return some of them: others in each run, since the same would leave the rest unread for ever.

        In all passes of one run they are the same: what was approved is still what is found when it goes on.
        """

        def rank(stored: Stored) -> bytes:
            return hashlib.sha256(f"{self.id}/{stored}".encode()).digest()

        return heapq.nsmallest(most or self.storage.sample, objects, key=rank)

    def rule(self, stored: Stored) -> Lifecycle | None:
        """Return the declared rule under which an object falls: the shortest, where there are several."""
        found = [each for each in self.storage.lifecycle if each.covers(stored.bucket, stored.name)]
        return min(found, key=lambda each: each.days, default=None)

    def is_expired(self, stored: Stored, grace: timedelta = timedelta(0)) -> bool:
        """Whether a declared rule has its bytes removed by now, or so long ago that it must have been carried out."""
        rule = self.rule(stored)
        return rule is not None and self.now - stored.written > timedelta(days=rule.days) + grace


def named(objects: Sequence[Stored]) -> str:
    """Return the first few of them by name."""
    more = f" and {len(objects) - _NAMED:,} more" if len(objects) > _NAMED else ""
    return ", ".join(str(each) for each in objects[:_NAMED]) + more


def plan(path: str, environment: str, act: Act, reason: str, whole: bool) -> StoragePlan:
    """Read the project and say what is looked at and done; reads files only.

    Raises:
        Refused: there is no such project or environment, or objects are to be uploaded, or a plan is to be given up,
            without a reason.
    """
    found = checking.plan(path, environment, kind=KIND)
    if act is Act.RE_UPLOAD:
        reasons.verify(reason, what="A re-upload", why="what is wrong")
    if act is Act.ABANDON:
        reasons.verify(reason, what="Giving up a re-upload", why="why it is not gone on with")
    return StoragePlan.model_validate({**dict(found), "act": act, "reason": reason.strip(), "whole": whole})


@contextmanager
def opened(plan: StoragePlan, run: str, *, id: str = "") -> Generator[StorageChecking]:
    """Open an incident by the run of this name and id; database and Storage are first asked when it is their turn."""
    with ExitStack() as stack, closing(StorageChecking(plan, run, stack, id)) as found:
        yield found


def folder(reference: str, what: str) -> Path:
    """Return the folder that a secret reference names.

    Raises:
        Refused: it cannot be opened, or is no folder here.
    """
    found = Path(secrets.open_secret(reference))
    if not found.is_absolute() or not found.is_dir():
        raise errors.Refused(
            f"What {reference} names is no folder on this machine, so {what}. Mount it, and name its whole path."
        )
    return found
