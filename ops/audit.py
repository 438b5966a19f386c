"""The audit log: who asked, who decided with which proof, on which plan, and what came of it.

It lies in the operated database, where no row of it is changed or taken away. Each row carries a keyed hash over
itself and the one before, and every row is written to the evidence store as well, so that somebody who can do anything
in the database can not do it unseen.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import psycopg

from ops import audit_store, database, errors, own_schema, queries, secrets
from ops.project import Environment

ORIGIN = ""
_LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: `actor` is empty where nobody in particular did it, `proof` is `totp`, `unverified` or `none`."""

    event: str
    environment: str
    run: str = ""
    gate: str = ""
    plan_digest: str = ""
    actor: str = ""
    proof: str = "none"
    note: str = ""
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the log; `id` counts from 1 without a gap, and `hash` covers all the rest."""

    id: int
    at: datetime
    event: str
    environment: str
    run: str
    gate: str
    plan_digest: str
    actor: str
    proof: str
    note: str
    details: Mapping[str, Any]
    previous: str
    hash: str

    def hashed(self, key: str) -> str:
        """Return the hash that this row should have."""
        said = {**asdict(self), "at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}
        del said["hash"]
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hmac.new(key.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    @property
    def plain(self) -> dict[str, Any]:
        """This row as JSON has it."""
        return {**asdict(self), "at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Row:
        """Return the row of which `plain` is the JSON.

        Raises:
            KeyError: something is missing.
            ValueError: its time or its number is none.
        """
        if type(plain["id"]) is not int:
            raise ValueError("id")
        columns: dict[str, Any] = {**plain, "at": datetime.fromisoformat(plain["at"])}
        return cls(**columns)


@dataclass(frozen=True)
class Log:
    """The audit log of one database, and its copy in the evidence store."""

    connection: database.Connection
    key: str = field(repr=False)
    store: audit_store.Store

    @classmethod
    def of(cls, where: Environment, root: Path, connection: database.Connection) -> Log:
        """Return the log of an environment of the project at `root`.

        Raises:
            Refused: the secret of its key cannot be opened.
        """
        key = secrets.open_secret(where.audit_key) if where.audit_key else ""
        return cls(connection, key, audit_store.Store.of(root, where.name))

    def exists(self) -> bool:
        """Whether there is a log."""
        with database.translating():
            ((there, _),) = self.connection.execute(queries.load("audit/guarded")).fetchall()
        return bool(there)

    def prepare(self) -> None:
        """Make the log where it does not exist yet; safe to run twice and at once.

        Raises:
            Refused: the login may not make it; the message says what the database's owner can do.
        """
        own_schema.prepare(
            self.connection, "audit/prepare", so="there is no audit log, and no decision can be kept"
        )

    def append(self, event: Event, *, also: Callable[[], None] | None = None) -> Row:
        """Add a row, here and then in the evidence store; secrets in its texts are masked.

        `also` is done in the row's own transaction, on this connection: both are there then, or neither is.

        Raises:
            Refused: what it says was said before (an answer judged twice, a code used twice).
            Unavailable: the connection is lost, or the store cannot be written.
        """
        with database.translating():
            try:
                with self.connection.transaction():
                    row = self._appended(event)
                    if also:
                        also()
            except psycopg.errors.UniqueViolation:
                raise errors.Refused(
                    f"The audit log has {event.event!r} of this run and this question already, or the code was "
                    "used for something else. Nothing was added."
                ) from None
        self.mirror()
        return row

    def _appended(self, event: Event) -> Row:
        # By itself: a statement sees the rows of when it began to wait for the lock.
        self.connection.execute(queries.load("audit/lock"))
        ((last, previous, now),) = self.connection.execute(queries.load("audit/last")).fetchall()
        said = _clean(asdict(event))
        row = Row(id=(last or 0) + 1, at=now, previous=previous or ORIGIN, hash="", **said)
        row = replace(row, hash=row.hashed(self.key))
        values = {**asdict(row), "details": json.dumps(row.details)}
        self.connection.execute(queries.load("audit/append"), values)
        return row

    def mirror(self) -> None:
        """Write to the evidence store what it does not have yet: a run that was killed left it behind."""
        with self.store.open() as copy:
            for row in self.rows(first=copy.last + 1):
                copy.append(row.id, row.plain)

    def rows(self, *, first: int = 1) -> list[Row]:
        """Return the rows from this one on."""
        with database.translating():
            found = self.connection.execute(queries.load("audit/rows"), {"first": first}).fetchall()
        return [Row(*columns) for columns in found]

    def now(self) -> datetime:
        """Return what time it is in the database."""
        with database.translating():
            ((now,),) = self.connection.execute("select pg_catalog.clock_timestamp()").fetchall()
        return now


def copied(store: audit_store.Store) -> list[Row]:
    """Return the rows of the log's copy; a line that is none is what `audit verify` names."""
    found: list[Row] = []
    for line in store.lines():
        try:
            found.append(Row.read(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return found


def _clean(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return texts without secrets, that the server takes, and a note of a length that a person reads."""
    kept = cast("dict[str, Any]", secrets.redact_nested(_plain(dict(said))))
    return {**kept, "note": str(kept["note"])[:_LONGEST_NOTE]}


def _plain(value: object) -> object:
    """Return a value as JSON and the server take it: without NUL and halves of characters."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {_plain(str(key)): _plain(item) for key, item in pairs}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[object]", value)]
    return value
