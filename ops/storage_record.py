"""The record of uploads in the operated database: what was approved, what became of each object, and how it ended.

A run that was killed leaves a plan that has not ended, also where each of its objects is done: the next one goes on
with it, and asks nobody again. A plan ends when it is proven, or is given up by somebody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import class_row, dict_row

from ops import database, own_schema, queries
from ops.storage_items import Item

State = Literal["planned", "begun", "uploaded", "already-there", "skipped"]
Outcome = Literal["proven", "abandoned"]
OPEN = ("planned", "begun")
THERE = ("uploaded", "already-there")


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one upload; `version` is that of the object as it was seen whole then."""

    bucket: str
    name: str
    state: State
    said: str
    run: str
    planned_at: datetime
    done_at: datetime | None
    version: str | None

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan that was approved and has not ended: all of it, and how far each object has come."""

    digest: str
    reason: str
    run: str
    planned_at: datetime
    items: tuple[Item, ...]
    states: tuple[State, ...]

    @property
    def left(self) -> tuple[Item, ...]:
        """Return what is not done; nothing where only the proof and the end are missing."""
        return tuple(item for item, state in zip(self.items, self.states, strict=True) if state in OPEN)


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one environment, written by one run."""

    environment: str
    run: str

    def open(self, connection: database.Connection) -> Begun | None:
        """Return the plan that has not ended; None where there is none."""
        return self._plan(connection, "storage/record_open")

    def seen(self, connection: database.Connection) -> Begun | None:
        """Return the plan that has not ended, where nothing may be changed; None also where there is no such record."""
        there, ends = _shape(connection)
        return self._plan(connection, "storage/record_open") if there and ends else None

    def abandoned(self, connection: database.Connection) -> Begun | None:
        """Return the plan that this very run has given up, as it was then; None where it has not."""
        return self._plan(connection, "storage/record_abandoned")

    def last(self, connection: database.Connection) -> tuple[str, Outcome] | None:
        """Return the digest of the plan that was the last to end, and how; None where none has."""
        if not _there(connection):
            return None
        with database.translating():
            asked = {"environment": self.environment}
            return connection.execute(queries.load("storage/record_last"), asked).fetchone()

    def plan(self, connection: database.Connection, digest: str, reason: str, items: Sequence[Item]) -> None:
        """Keep an approved plan as a whole.

        Raises:
            Refused: the login may not make the record.
        """
        prepare(connection)
        with database.translating(), connection.transaction():
            for each in items:
                values = {**self._place(digest, each), "item": each.model_dump_json(), "reason": reason}
                connection.execute(queries.load("storage/record_plan"), {**values, "run": self.run})

    def mark(
        self,
        connection: database.Connection,
        digest: str,
        item: Item,
        state: State,
        said: str = "",
        version: str | None = None,
    ) -> None:
        """Write down what becomes of one upload."""
        values = {"state": state, "said": said, "run": self.run, "version": version}
        with database.translating():
            connection.execute(queries.load("storage/record_mark"), {**self._place(digest, item), **values})

    def of(self, connection: database.Connection, digest: str) -> list[Done]:
        """Return what became of the uploads of a plan."""
        asked = {"environment": self.environment, "plan_digest": digest}
        with database.translating(), connection.cursor(row_factory=class_row(Done)) as cursor:
            return cursor.execute(queries.load("storage/record_of"), asked).fetchall()

    def end(self, connection: database.Connection, digest: str, outcome: Outcome) -> None:
        """End a plan; a second time does nothing."""
        asked = {"environment": self.environment, "plan_digest": digest, "outcome": outcome, "run": self.run}
        with database.translating():
            connection.execute(queries.load("storage/record_end"), asked)

    def _plan(self, connection: database.Connection, query: str) -> Begun | None:
        if not _there(connection):
            return None
        asked = {"environment": self.environment, "run": self.run}
        with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(queries.load(query), asked).fetchall()
        if not rows:
            return None
        first, items = rows[0], [Item.model_validate(row["item"]) for row in rows]
        states = tuple(row["state"] for row in rows)
        return Begun(
            first["plan_digest"], first["reason"], first["run"], first["planned_at"], tuple(items), states
        )

    def _place(self, digest: str, item: Item) -> dict[str, Any]:
        named = {"bucket": item.bucket, "name": item.name}
        return {"environment": self.environment, "plan_digest": digest, **named}


def prepare(connection: database.Connection) -> None:
    """Make the record where it does not exist yet, or has no ends; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    own_schema.prepare(connection, "storage/prepare", so="what is uploaded could not be kept and nothing was")


def _there(connection: database.Connection) -> bool:
    """Whether there is a record, which is brought up to date where an earlier version has left it."""
    there, ends = _shape(connection)
    if there and not ends:
        prepare(connection)
    return bool(there)


def _shape(connection: database.Connection) -> tuple[bool, bool]:
    """Return whether there is a record, and whether it keeps how plans have ended."""
    with database.translating():
        found = connection.execute(queries.load("storage/record_there")).fetchone()
    return found or (False, False)
