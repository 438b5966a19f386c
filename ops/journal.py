"""The database is the journal: what is applied, rolled back or half done is written beside the change itself.

The history table is the Supabase CLI's own, so that both tools agree; `runbooks.journal` says by whom, from
which bytes and in which unit. Both rows commit with the migration.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, LiteralString

import psycopg

from ops import database, errors, queries

# With this SQLSTATE of ours a script in psql says that the lock is lost.
LOST_LOCK = "RB001"
_LOST = "The session that held this database's lock is gone, so this migration was not committed. Run again."
_RAISE_LOST = (
    f"do $lost$ begin raise exception using errcode = '{LOST_LOCK}', message = $said${_LOST}$said$; "
    "end $lost$;"
)
_WORDS = {"apply": "applied", "rollback": "rolled_back"}


# What was there before a statement, by which its remains are told; kept in the journal, as JSON.
Witness = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """The units of a file that are begun, each with what was there before, and those that are done."""

    begun: Mapping[int, Witness]
    done: frozenset[int]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is about to be done: one file, in one direction.

    Without `history` it stands in our journal alone, under a `version` that no migration has: an overlay is nothing
    that the Supabase CLI knows of. `environment` is the one whose overlay it is.
    """

    version: str
    name: str
    file: str
    sha256: str
    direction: Literal["apply", "rollback"]
    statements: tuple[str, ...]
    history: bool = True
    environment: str = ""

    @property
    def recorded(self) -> LiteralString:
        """The statement that records it as whole, with its history row where it has one."""
        return queries.load(f"journal/{_WORDS[self.direction]}" if self.history else "journal/overlay")

    def values(self, run: str, details: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of that statement."""
        if not self.history:
            said = {**details, **({"environment": self.environment} if self.environment else {})}
            return self.parameters(run, action=self.direction, details=json.dumps(said))
        return self.parameters(
            run, name=self.name, statements=list(self.statements), details=json.dumps(dict(details))
        )

    def parameters(self, run: str, **more: Any) -> dict[str, Any]:
        return {"version": self.version, "file": self.file, "sha256": self.sha256, "run": run, **more}


def prepare(connection: database.Connection) -> None:
    """Make the history table and the journal where they do not exist yet; safe to run twice and at once."""
    with database.translating():
        connection.execute(queries.load("journal/prepare"))


def complete(
    connection: database.Connection, entry: Entry, *, run: str, details: Mapping[str, Any] | None = None
) -> None:
    """Record, in the caller's transaction, that the whole file has run."""
    connection.execute(entry.recorded, entry.values(run, details or {}))


def completion(connection: database.Connection, entry: Entry, *, run: str, holder: int | None) -> str:
    """Return what `verify_held` and `complete` do, for psql to do in the transaction of a script of its own."""
    cursor = psycopg.ClientCursor(connection)
    complete = cursor.mogrify(entry.recorded, entry.values(run, {}))
    if holder is None:
        return complete
    holds = cursor.mogrify(queries.load("journal/holds"), {"pid": holder}).strip()
    return f"{holds} \\gset runbooks_\n\\if :runbooks_exists\n\\else\n{_RAISE_LOST}\n\\endif\n{complete}"


def mark(
    connection: database.Connection,
    entry: Entry,
    *,
    run: str,
    unit: int,
    done: bool,
    witness: Witness | None = None,
) -> None:
    """Record that a unit of a file that cannot be one transaction is begun, or done."""
    values = entry.parameters(run, unit=unit, action="unit" if done else "begin-unit")
    connection.execute(queries.load("journal/unit"), {**values, "details": json.dumps(witness or {})})


def progress(connection: database.Connection, entry: Entry) -> Progress:
    """Return how far an interrupted run has come with this very file."""
    found = connection.execute(queries.load("journal/units"), entry.parameters("")).fetchall()
    begun: dict[int, Witness] = {}
    for action, unit, details in found:
        if action == "begin-unit":
            begun.setdefault(unit, details)
    return Progress(begun, frozenset(unit for action, unit, _ in found if action == "unit"))


def completed(connection: database.Connection, entry: Entry, *, run: str) -> bool:
    """Say whether this run has already recorded the file as whole: a commit whose answer was lost."""
    last = connection.execute(queries.load("journal/last"), entry.parameters(run)).fetchone()
    return last == (entry.direction, entry.file)


@contextmanager
def held(dsn: str, run: str) -> Generator[int]:
    """Hold this database's one lock, on a connection of its own; yields the pid of the session that holds it.

    Raises:
        Refused: another run holds it; the message names that run.
        Unavailable: the connection is lost before it is taken.
    """
    with database.connect(dsn, application=run) as connection:
        with database.translating():
            taken, pid, holder = connection.execute(queries.load("journal/lock")).fetchone() or (
                False,
                0,
                None,
            )
        if not taken:
            raise errors.Refused(
                f"Another run is working on this database: {holder or 'its name is not visible'}. "
                "Nothing was started. Wait until it has ended, then run again."
            )
        yield pid


def verify_held(connection: database.Connection, pid: int | None) -> None:
    """Check inside a migration's transaction that the lock is still ours.

    Raises:
        Unavailable: the session that held it is gone, so another run may have begun.
    """
    if pid is None:
        return
    (holds,) = connection.execute(queries.load("journal/holds"), {"pid": pid}).fetchone() or (False,)
    if not holds:
        raise errors.Unavailable(_LOST)
