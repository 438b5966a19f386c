"""What was there before a rollback changed it: kept in the operated database, in the transaction that changes it.

Each item has a name by which a person knows it, and its values before and after, as texts in the server's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import BaseModel, ConfigDict

from ops import database, errors, own_schema, queries

Values = dict[str, str | None]
# What a subject's items are, by their names.
State = Mapping[str, Values]


class Item(BaseModel):
    """One thing that was changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    before: Values
    after: Values

    @property
    def touched(self) -> Values:
        """The values before of what is not the same after."""
        return {name: said for name, said in self.before.items() if self.after.get(name) != said}


class Kept(BaseModel):
    """A state that was kept by one run, and by which run it was put back, if it was."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: int
    kind: str
    environment: str
    subject: str
    run: str
    plan_digest: str
    at: datetime
    items: dict[str, Item]
    put_back_at: datetime | None = None
    put_back_by: str | None = None
    put_back_digest: str | None = None


def prepare(connection: database.Connection) -> None:
    """Make the table where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what its owner can do.
    """
    own_schema.prepare(
        connection, "kept_state/prepare", so="the state before could not be kept and nothing was changed"
    )


def keep(
    connection: database.Connection,
    kind: str,
    environment: str,
    *,
    subject: str,
    run: str,
    plan_digest: str,
    items: Mapping[str, Item],
) -> None:
    """Keep a state, in the caller's transaction."""
    plain = {name: item.model_dump() for name, item in items.items()}
    values = {"kind": kind, "environment": environment, "subject": subject, "run": run}
    connection.execute(
        queries.load("kept_state/keep"), {**values, "plan_digest": plan_digest, "items": Jsonb(plain)}
    )


def of_run(connection: database.Connection, kind: str, run: str) -> Kept | None:
    """Return what this run has kept or put back already, if it came so far."""
    return _found(connection, "kept_state/of_run", {"kind": kind, "run": run})


def newest(connection: database.Connection, kind: str, environment: str, *, subject: str) -> Kept | None:
    """Return the newest state that was kept of this subject and not put back."""
    values = {"kind": kind, "environment": environment, "subject": subject}
    return _found(connection, "kept_state/newest", values)


def record_put_back(connection: database.Connection, kept: Kept, *, run: str, plan_digest: str) -> None:
    """Record, in the caller's transaction, that a state is put back.

    Raises:
        Refused: somebody else has put it back meanwhile.
    """
    values = {"id": kept.id, "run": run, "plan_digest": plan_digest}
    if connection.execute(queries.load("kept_state/put_back"), values).fetchone() is None:
        raise errors.Refused(
            f"The state that was kept at {kept.at:%Y-%m-%d %H:%M:%S} has been put back by another run meanwhile, so "
            "nothing was changed."
        )


def _found(connection: database.Connection, name: str, values: Mapping[str, Any]) -> Kept | None:
    with database.translating(), connection.cursor(row_factory=dict_row) as cursor:
        if not all((cursor.execute(queries.load("kept_state/exists")).fetchone() or {}).values()):
            return None
        found = cursor.execute(queries.load(name), values).fetchone()
        return Kept.model_validate(found) if found else None
