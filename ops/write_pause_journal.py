"""What was done to pause writes and to let them go on: in the operated database, and in the evidence store outside.

A restore rewinds the database and this record with it. The copy outside remains: it says that writes were paused, and
that a database which lacks some of its rows has been restored to before them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from ops import audit_store, database, errors, own_schema, queries, secrets

_FOLDER = Path("artifacts", "ops", "write-pauses")
_PAUSES, _OVER = ("paused", "paused-again"), ("closed",)
# A pause that was recorded, and whose approval was not found, so that people were asked again.
APPROVED_ANEW = "pause-approved"


class Event(BaseModel):
    """One thing that was done: numbers count from 1 without a gap over all incidents of a database."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    number: int
    incident: str
    event: str
    environment: str
    run: str
    at: datetime
    details: dict[str, Any] = {}


@dataclass(frozen=True)
class Record:
    """The events, as the database and its copy have them together; `rewound` are those that the database lacks."""

    events: tuple[Event, ...] = ()
    rewound: tuple[Event, ...] = ()

    @property
    def last(self) -> int:
        return self.events[-1].number if self.events else 0

    @property
    def open(self) -> tuple[Event, ...]:
        """The events of the incident that is not over; none where there is none."""
        over = max((each.number for each in self.newest if each.event in _OVER), default=0)
        return tuple(each for each in self.newest if each.number > over)

    @property
    def newest(self) -> tuple[Event, ...]:
        """The events of the newest incident."""
        incident = self.events[-1].incident if self.events else ""
        return tuple(each for each in self.events if each.incident == incident)

    @property
    def resumed(self) -> Event | None:
        """The event with which writes were let go on, unless a pause was approved since."""
        named = [each for each in self.open if each.event in ("resumed", APPROVED_ANEW)]
        return named[-1] if named and named[-1].event == "resumed" else None

    def has(self, event: str, **details: object) -> bool:
        """Whether the open incident has this event, with these details."""
        return any(
            each.event == event and all(each.details.get(name) == said for name, said in details.items())
            for each in self.open
        )

    def done(self) -> tuple[Event, ...]:
        """The pauses that are in force in the database as it is now: those since it was last restored."""
        since = max((each.number for each in self.open if each.event == "rewound"), default=0)
        return tuple(each for each in self.open if each.event in _PAUSES and each.number > since)


@dataclass(frozen=True)
class Journal:
    """The record of one environment's database, and its copy."""

    environment: str
    store: audit_store.Store
    run: str = field(default="")

    @classmethod
    def of(cls, root: Path, environment: str, run: str) -> Journal:
        """Return the journal of an environment of the project at `root`."""
        return cls(environment, audit_store.Store(root / _FOLDER / f"{environment}.jsonl"), run)

    def read(self, connection: database.Connection) -> Record:
        """Return what both say.

        Raises:
            CheckFailed: they contradict each other: it is another database, or one of both was changed.
        """
        here, copied = self._here(connection), self._copied()
        for number in here.keys() & copied.keys():
            if here[number] != copied[number]:
                raise errors.CheckFailed(
                    f"Event {number} of the record of paused writes is {here[number].event!r} in the database and "
                    f"{copied[number].event!r} in its copy {self.store.path.name}, so it is not known what was paused. "
                    "Is the environment's database another one than before? Nothing was done."
                )
        both = {**copied, **here}
        gone = tuple(copied[number] for number in sorted(copied.keys() - here.keys()))
        return Record(tuple(both[number] for number in sorted(both)), gone)

    def append(
        self, connection: database.Connection, incident: str, event: str, details: Mapping[str, Any]
    ) -> Event:
        """Add an event in the caller's transaction; `mirror` brings it to the copy once that is committed.

        Raises:
            Refused: another run has written meanwhile.
        """
        record = self.read(connection)
        found = Event(
            number=record.last + 1,
            incident=incident,
            event=event,
            environment=self.environment,
            run=self.run,
            at=_now(connection),
            details=_plain(details),
        )
        if not _insert(connection, found):
            raise errors.Refused(
                "Another run has written to the record of paused writes meanwhile, so nothing was done. Run again."
            )
        return found

    def take_up(self, connection: database.Connection, rewound: Sequence[Event]) -> None:
        """Put back, in the caller's transaction, the events that a restore has taken from the database."""
        for each in rewound:
            _insert(connection, each)

    def mirror(self, connection: database.Connection) -> None:
        """Bring to the copy what is committed and not in it: a run that was killed may have left it behind.

        Raises:
            Unavailable: the copy cannot be written.
        """
        here = self._here(connection)
        with self.store.open() as copy:
            for number in sorted(here):
                if number > copy.last:
                    copy.append(number, _read_as_number(here[number]))

    def _here(self, connection: database.Connection) -> dict[int, Event]:
        with database.translating():
            if connection.execute(queries.load("write_pause/exists")).fetchone() != (True,):
                return {}
            found = connection.execute(queries.load("write_pause/rows")).fetchall()
        names = ("number", "incident", "event", "environment", "run", "at", "details")
        events = (Event.model_validate(dict(zip(names, row, strict=True))) for row in found)
        return {each.number: each for each in events}

    def _copied(self) -> dict[int, Event]:
        found: dict[int, Event] = {}
        for line in self.store.lines():
            try:
                plain = json.loads(line)
                event = Event.model_validate({"number": plain.pop("id"), **plain})
            except (ValueError, KeyError, AttributeError):
                raise errors.CheckFailed(
                    f"The copy of the record of paused writes {self.store.path.name} has a line that is none of it, so "
                    "it is not known what was paused. Put the file back as it was. Nothing was done."
                ) from None
            found[event.number] = event
        return found


def prepare(connection: database.Connection) -> None:
    """Make the record where it does not exist yet; safe to run twice and at once.

    Raises:
        Refused: the login may not make it; the message says what the database's owner can do.
    """
    own_schema.prepare(
        connection, "write_pause/prepare", so="what is paused could not be kept and nothing was paused"
    )


def _insert(connection: database.Connection, event: Event) -> bool:
    values = {**event.model_dump(exclude={"details"}), "details": json.dumps(event.details)}
    return connection.execute(queries.load("write_pause/append"), values).fetchone() is not None


def _now(connection: database.Connection) -> datetime:
    ((now,),) = connection.execute("select pg_catalog.clock_timestamp()").fetchall()
    return now.astimezone(UTC)


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return details as JSON keeps them, redacted; Postgres keeps no NUL."""
    text = json.dumps(secrets.redact_nested(dict(details)), default=str).replace("\\u0000", "")
    return json.loads(text)


def _read_as_number(event: Event) -> dict[str, Any]:
    plain = event.model_dump(mode="json")
    return {"id": plain.pop("number"), **plain}
