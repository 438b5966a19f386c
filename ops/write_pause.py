"""Writes paused and re-enabled: two acts with a record, so that a run that waits or dies leaves them paused.

Source: supabase-operations.md, "Restore workflow (prod incident)", steps 1 and 3.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ops import (
    commands,
    database,
    errors,
    journal,
    write_pause_beside,
    write_pause_grants,
    write_pause_journal,
    write_pause_sessions,
)
from ops.evidence import Evidence
from ops.project import Environment, Project
from ops.write_pause_grants import Grant
from ops.write_pause_journal import Event, Journal, Record

# What is done, in the transaction that pauses a database which was restored, before it is paused.
TakeUp = Callable[[database.Connection, Record], Mapping[str, Any]]


@dataclass(frozen=True)
class Site:
    """The database of one environment, and the run that acts on it, by its name and its id."""

    project: Project
    environment: Environment
    dsn: str = field(repr=False)
    run: str = ""
    id: str = ""

    @property
    def journal(self) -> Journal:
        return Journal.of(self.project.root, self.environment.name, self.id or self.run)

    def connected(self) -> AbstractContextManager[database.Connection]:
        """Open a login that may write although writes are paused."""
        return database.writing(self.dsn, application=self.run)

    def read(self) -> Record:
        """Return the record of paused writes."""
        with self.connected() as connection:
            return self.journal.read(connection)


def pause(site: Site, incident: str, *, begun: Mapping[str, Any], take_up: TakeUp) -> Evidence:
    """Take the right to write from the app's roles, show the maintenance page, and end the sessions of others.

    Safe to run twice: what is paused stays so, and what the app has got meanwhile is taken as well. A database that a
    restore has rewound gets its record back, and is paused again.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    with journal.held(site.dsn, site.run) as holder, site.connected() as connection:
        write_pause_journal.prepare(connection)
        record = site.journal.read(connection)
        _refuse_after_end(record)
        if not record.open:
            _written(site, connection, incident, "begun", begun)
        _page(site, connection, "on")
        done, left = _taken(site, connection, take_up)
        gone, stay = _ended(site, connection, holder, "sessions-ended")
    rows = [
        {"what": _told(each.name, each.part), "who": each.grantee, "right": each.privilege} for each in done
    ]
    rows += [{"what": str(each), "who": each.grantee, "right": "stays: not this login's"} for each in left]
    rows += [{"what": f"session {one['pid']}", "who": one["role"], "right": "not ended"} for one in stay]
    return Evidence(
        ok=True,
        summary=f"Writes are paused on {site.environment.name}: {len(done)} rights are taken away now, {len(gone)} "
        f"sessions ended, {len(left)} rights and {len(stay)} sessions are not this login's.",
        rows=tuple(rows),
        idle=not (done or gone),
    )


def take_up(site: Site, take_up: TakeUp) -> None:
    """Give a database that a restore has rewound its record back, and pause nothing.

    Raises:
        Refused: another run holds the database, or the login may not do it.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    with journal.held(site.dsn, site.run), site.connected() as connection:
        write_pause_journal.prepare(connection)
        with _acting(site, connection):
            record = site.journal.read(connection)
            if record.open and record.rewound:
                _taken_up(site, connection, record, take_up)
        site.journal.mirror(connection)


def resume(site: Site, approved: Mapping[str, Any] | None = None, *, anew: bool = False) -> Evidence:
    """Give the rights back exactly as they were, take the page away, and end the sessions that began while paused.

    `approved` is kept with it: by whom, where that is not in the record already. `anew` does so although the record
    says that it was done.

    Raises:
        Refused: nothing is paused, or another run holds the database.
        Unavailable: a lock is in the way, or the connection is lost.
    """
    with journal.held(site.dsn, site.run) as holder, site.connected() as connection:
        record = site.journal.read(connection)
        if not record.open:
            raise errors.Refused("Nothing is paused here, so there is nothing to re-enable.")
        if record.rewound:
            raise errors.Refused(
                "The database was restored again after it was verified, so writes are not re-enabled. Run again: it is "
                "paused again and verified anew."
            )
        before = write_pause_grants.read(connection, site.environment.pause)
        if anew or record.resumed is None:
            _given_back(site, connection, record, approved or {})
        after = write_pause_grants.read(connection, site.environment.pause)
        said = _said(site.journal.read(connection))
        # Those that have begun while paused are read-only for as long as they last.
        _ended(site, connection, holder, "sessions-renewed")
        _page(site, connection, "off")
    back = len({each.grant for each in after} - {each.grant for each in before})
    return Evidence(
        ok=not said,
        summary=f"Writes are re-enabled on {site.environment.name}: {back} rights given back"
        f"{'; ' + '; '.join(said) if said else ', all that were taken'}.",
        rows=tuple({"not as before": each} for each in said),
        idle=not back,
    )


def _refuse_after_end(record: Record) -> None:
    if record.resumed is not None:
        raise errors.Refused(
            "Writes were re-enabled already and the run was not finished, so they are not paused again. Run again to "
            "finish it; to pause anew, start another run afterwards."
        )


def _taken(
    site: Site, connection: database.Connection, take_up: TakeUp
) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    with _acting(site, connection):
        record = site.journal.read(connection)
        incident, again = record.open[0].incident, bool(record.rewound)
        if again:
            _taken_up(site, connection, record, take_up)
        done, left = write_pause_grants.revoke(connection, site.environment.pause)
        beside = write_pause_beside.pause(connection, site.project, site.environment)
        first = again or not record.done()
        if first or done or beside["setting"]["changed"] or beside["flag"] or beside["jobs"]:
            details = {
                "grants": [list(each) for each in done],
                "left": [str(each) for each in left],
                **beside,
            }
            name = "paused-again" if record.has("paused") else "paused"
            site.journal.append(connection, incident, name, details)
    site.journal.mirror(connection)
    return done, left


def _taken_up(site: Site, connection: database.Connection, record: Record, take_up: TakeUp) -> None:
    found = take_up(connection, record)
    site.journal.take_up(connection, record.rewound)
    site.journal.append(connection, record.open[0].incident, "rewound", found)


def _ended(
    site: Site, connection: database.Connection, holder: int, event: str
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """End the sessions of others, once after each time that rights were taken or given."""
    record = site.journal.read(connection)
    acts = [each.number for each in record.open if each.event in ("paused", "paused-again", "resumed")]
    if any(each.event == event and each.number > max(acts) for each in record.open):
        return [], []
    gone, stay = write_pause_sessions.end(connection, ours=[holder], patience=site.environment.pause.patience)
    _written(site, connection, record.open[0].incident, event, {"ended": len(gone), "stay": len(stay)})
    return gone, stay


def _given_back(
    site: Site, connection: database.Connection, record: Record, approved: Mapping[str, Any]
) -> None:
    with _acting(site, connection):
        said: list[str] = []
        for event in reversed(record.done()):
            grants = [Grant(*each) for each in event.details["grants"]]
            lost = write_pause_grants.give_back(connection, grants)
            said += [f"cannot be given back, since it is gone: {each}" for each in lost]
            said += write_pause_beside.resume(connection, site.project, site.environment, event.details)
        details = {"said": said, **({"approved": approved} if approved else {})}
        site.journal.append(connection, record.open[0].incident, "resumed", details)
    site.journal.mirror(connection)


def _said(record: Record) -> list[str]:
    return [said for each in record.open if each.event == "resumed" for said in each.details["said"]]


def _page(site: Site, connection: database.Connection, which: str) -> None:
    """Run the command of the maintenance page; it is run again where it is not known to have ended."""
    where, event = site.environment, f"page-{which}"
    command = where.pause.on if which == "on" else where.pause.off
    record = site.journal.read(connection)
    if command is None or record.has(event):
        return
    key = f"environments.{where.name}.pause.{which}"
    ended = commands.run(
        command,
        cwd=site.project.root,
        timeout=where.pause.command_timeout,
        key=key,
        hidden=site.project.private_variables,
    )
    if not ended.ok:
        raise errors.CheckFailed(
            f"The command of {key} {ended.said} ({ended.last_line}), so the maintenance page may not be {which}. "
            "Mend it and run again: what is done stays done."
        )
    _written(site, connection, record.open[0].incident, event, {"command": ended.command})


def _written(
    site: Site, connection: database.Connection, incident: str, event: str, details: Mapping[str, Any]
) -> Event:
    with connection.transaction():
        found = site.journal.append(connection, incident, event, details)
    site.journal.mirror(connection)
    return found


def note(site: Site, event: str, details: Mapping[str, Any]) -> Event:
    """Add an event to the open incident, in the database and then in the copy.

    Raises:
        Refused: nothing is paused.
    """
    with site.connected() as connection:
        record = site.journal.read(connection)
        if not record.open:
            raise errors.Refused(f"Nothing is paused here, so {event!r} cannot be recorded.")
        return _written(site, connection, record.open[0].incident, event, details)


@contextmanager
def _acting(site: Site, connection: database.Connection) -> Generator[None]:
    lock = int(site.environment.lock_timeout.total_seconds() * 1000)
    try:
        with connection.transaction():
            connection.execute(f"set local lock_timeout = {lock}".encode())
            yield
    except psycopg.errors.InternalError_ as error:
        # "tuple concurrently updated": somebody else grants, or changes a table, at the same moment.
        raise errors.Unavailable(
            f"Something else changed at the same moment, so try again: {error}"
        ) from None


def _told(name: str, part: str | None) -> str:
    return f"{name} ({part})" if part else name
