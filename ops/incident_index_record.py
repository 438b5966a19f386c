"""The record of the indexes of incidents in the operated database: what was planned, and what became of it.

What a run has brought to its gate is kept: after the gate the traffic that showed it may be over. A run that was killed
leaves a plan that is begun: the next one goes on with it, and asks nobody again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from psycopg.rows import dict_row

from ops import database, own_schema, queries
from ops.incident_plans import Index

State = Literal["built", "removed", "skipped"]


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan with what became of each of its indexes; `run_id` is the run that has brought it to the gate."""

    digest: str
    run_id: str
    reason: str
    items: tuple[Index, ...]
    states: tuple[str, ...]
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """The record of one environment, written by one run."""

    environment: str
    run: str
    run_id: str

    def open(self, connection: database.Connection) -> Planned | None:
        """Return the plan that was begun, or the one that this run has brought to the gate; None without one."""
        return self._read(connection, queries.load("incident/indexes_open"))

    def built(self, connection: database.Connection) -> Planned | None:
        """Return what the newest plan has built and what is not removed; None where there is none."""
        return self._read(connection, queries.load("incident/indexes_built"))

    def plan(self, connection: database.Connection, digest: str, reason: str, items: Sequence[Index]) -> None:
        """Keep a plan that this run brings to the gate.

        Raises:
            Refused: the login may not make the record.
        """
        prepare(connection)
        place = {
            "environment": self.environment,
            "plan_digest": digest,
            "run": self.run,
            "run_id": self.run_id,
        }
        with database.translating(), connection.transaction():
            for each in items:
                values = {"item": json.dumps(asdict(each)), "name": each.name, "reason": reason}
                connection.execute(queries.load("incident/indexes_plan"), {**place, **values})

    def begin(self, connection: database.Connection, planned: Planned, *, builds: bool) -> None:
        """Write down that what was approved is begun."""
        before = ["planned"] if builds else ["begun", "built"]
        values = {"state": "begun" if builds else "removing", "before": before}
        with database.translating():
            connection.execute(queries.load("incident/indexes_begin"), {**self._place(planned), **values})

    def mark(
        self, connection: database.Connection, planned: Planned, index: Index, state: State, said: str
    ) -> None:
        """Write down what became of one index."""
        values = {"name": index.name, "state": state, "said": said}
        with database.translating():
            connection.execute(queries.load("incident/indexes_mark"), {**self._place(planned), **values})

    def _place(self, planned: Planned) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "plan_digest": planned.digest,
            "run": self.run,
            "run_id": planned.run_id,
        }

    def _read(self, connection: database.Connection, query: Any) -> Planned | None:
        with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
            there = cursor.execute(queries.load("incident/indexes_there")).fetchone()
            if not there or not there["there"]:
                return None
            asked = {"environment": self.environment, "run_id": self.run_id}
            rows = cursor.execute(query, asked).fetchall()
        if not rows:
            return None
        return Planned(
            rows[0]["plan_digest"],
            rows[0]["run_id"],
            rows[0]["reason"],
            tuple(Index.of(row["item"]) for row in rows),
            tuple(row["state"] for row in rows),
            tuple(row["said"] for row in rows),
        )


def prepare(connection: database.Connection) -> None:
    """Make the record where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    own_schema.prepare(connection, "incident/prepare", so="what is built could not be kept and nothing was")
