"""The record of uploads in the operated database: what was approved, and what became of each object.

A run that was killed leaves a plan that is not done: the next one goes on with it, and asks nobody again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from psycopg.rows import class_row, dict_row

from ops import database, own_schema, queries
from ops.storage_items import Item

State = Literal["begun", "uploaded", "skipped"]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one upload."""

    bucket: str
    name: str
    state: str
    said: str
    run: str
    planned_at: datetime
    done_at: datetime | None

    def __str__(self) -> str:
        return f"{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A plan that was approved and is not done: all of it, and what is left."""

    digest: str
    reason: str
    items: tuple[Item, ...]
    left: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one environment, written by one run."""

    environment: str
    run: str

    def open(self, connection: database.Connection) -> Begun | None:
        """Return the plan that is not done; None where there is none."""
        with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
            there = cursor.execute(queries.load("storage/record_there")).fetchone()
            if not there or not there["there"]:
                return None
            asked = {"environment": self.environment}
            rows = cursor.execute(queries.load("storage/record_open"), asked).fetchall()
        if not rows:
            return None
        items = [(Item.model_validate(row["item"]), row["state"] in ("planned", "begun")) for row in rows]
        whole, left = (item for item, _ in items), (item for item, is_open in items if is_open)
        return Begun(rows[0]["plan_digest"], rows[0]["reason"], tuple(whole), tuple(left))

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
        self, connection: database.Connection, digest: str, item: Item, state: State, said: str = ""
    ) -> None:
        """Write down what becomes of one upload."""
        values = {**self._place(digest, item), "state": state, "said": said, "run": self.run}
        with database.translating():
            connection.execute(queries.load("storage/record_mark"), values)

    def of(self, connection: database.Connection, digest: str) -> list[Done]:
        """Return what became of the uploads of a plan."""
        asked = {"environment": self.environment, "plan_digest": digest}
        with database.translating(), connection.cursor(row_factory=class_row(Done)) as cursor:
            return cursor.execute(queries.load("storage/record_of"), asked).fetchall()

    def _place(self, digest: str, item: Item) -> dict[str, Any]:
        named = {"bucket": item.bucket, "name": item.name}
        return {"environment": self.environment, "plan_digest": digest, **named}


def prepare(connection: database.Connection) -> None:
    """Make the record where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    own_schema.prepare(connection, "storage/prepare", so="what is uploaded could not be kept and nothing was")
