"""The database that a runbook acts on: how to log in, what was last seen there, and under which name."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import LiteralString

from ops import catalog, database, rows
from ops.shape import guarding
from ops.spare import Spare


@dataclass
class Target:
    """One database and what a run remembers about it.

    `dsn` is the login that migrations run as; `observer_dsn` the one that looks on (a superuser where there
    is one); `wal_dsn` a superuser's to any database of a server of our own, from which its WAL is read; `holder` the
    backend pid of the session that holds this database's lock; `elevate` returns the
    statements to run before and after one that the hosted `postgres` may do and a plain one may not, and `adapt`
    returns the text of a block in which it would do so; `watched` says which statements the guard of the platform's
    objects looks at.
    """

    dsn: str = field(repr=False)
    observer_dsn: str = field(repr=False)
    run: str
    throw_away: bool
    lock_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(minutes=10)
    wal_dsn: str | None = field(default=None, repr=False)
    holder: int | None = None
    elevate: Callable[[str, str], tuple[LiteralString, LiteralString] | None] = lambda _kind, _text: None
    adapt: Callable[[str, str], str] = lambda _kind, text: text
    watched: Callable[[str, str], bool] | None = None
    observer: database.Connection = field(init=False, repr=False)
    mirror: catalog.Mirror = field(init=False, repr=False)
    ledger: rows.Ledger = field(init=False, repr=False)
    _wal: database.Connection | None = field(default=None, init=False, repr=False)
    _spare: Spare | None = field(default=None, init=False, repr=False)

    def observe(self) -> None:
        """Open the observer and read the whole state once."""
        name = f"{self.run} (observer)"
        self.observer = database.connect(self.observer_dsn, application=name)
        self.observer.execute(_SAME_PLANS)
        self._wal = database.connect(self.wal_dsn, application=name) if self.wal_dsn else None
        self.mirror = catalog.Mirror.read(self.observer, self._wal)
        self.ledger = rows.Ledger.read(self.observer)

    def close(self) -> None:
        """Close the observer, if it was opened, and a login that was opened ahead."""
        if self._spare:
            self._spare.close()
        if hasattr(self, "observer"):
            self.observer.close()
        if self._wal:
            self._wal.close()

    @contextmanager
    def login(self) -> Generator[database.Connection]:
        """Open a new login with this target's timeouts, for one file.

        A file can change its session (role, search path, settings), so no login serves two of them.
        """
        with self._spare.take() if self._spare else self._connect() as connection:
            yield connection

    def login_ahead(self) -> None:
        """Begin to open the next login, where the database is our own and nobody counts its connections."""
        if self.throw_away:
            self._spare = self._spare or Spare(self._connect)
            self._spare.open_ahead()

    def _connect(self) -> database.Connection:
        connection = database.connect(self.dsn, application=self.run)
        with database.translating():
            connection.execute(self.timeouts)
        return connection

    @property
    def timeouts(self) -> bytes:
        """The settings of every login: lock, statement and idle-in-transaction timeouts, in milliseconds."""
        lock, statement = _milliseconds(self.lock_timeout), _milliseconds(self.statement_timeout)
        # A long statement of a run that was killed ends soon, so that it does not stand in the way of the next run.
        watch = "" if self.throw_away else "; set client_connection_check_interval = 1000"
        guard = f"; {guarding.OFF}" if self.watched else ""
        return (
            f"set lock_timeout = {lock}; set statement_timeout = {statement}; "
            f"set idle_in_transaction_session_timeout = {statement}{watch}{guard}"
        ).encode()


# The observer asks the same questions again and again about a few objects: planning costs more than answering.
_SAME_PLANS: LiteralString = "set plan_cache_mode = force_generic_plan; set jit = off"


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
