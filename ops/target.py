"""The database that a runbook acts on: how to log in, what was last seen there, and under which name."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import LiteralString

from ops import catalog, database, rows, schema
from ops.backups import Progress
from ops.sessions import Sessions
from ops.shape import guarding


@dataclass
class Target:
    """One database and what a run remembers about it.

    `dsn` is the login that migrations run as; `observer_dsn` the one that looks on (a superuser where there
    is one); `wal_dsn` a superuser's to any database of a server of our own, from which its WAL is read; `holder` the
    backend pid of the session that holds this database's lock; `measured` says that each file is asked for its locks,
    rows and WAL; `elevate` returns the statements to run before and after one that the hosted `postgres` may do and a
    plain one may not, and `adapt` returns the text of a block in which it would do so; `watched` says which statements
    the guard of the platform's objects looks at; `progress` is told how far a long statement is.
    """

    dsn: str = field(repr=False)
    observer_dsn: str = field(repr=False)
    run: str
    throw_away: bool
    lock_timeout: timedelta = timedelta(seconds=5)
    statement_timeout: timedelta = timedelta(minutes=10)
    wal_dsn: str | None = field(default=None, repr=False)
    holder: int | None = None
    measured: bool = True
    elevate: Callable[[str, str], tuple[LiteralString, LiteralString] | None] = lambda _kind, _text: None
    adapt: Callable[[str, str], str] = lambda _kind, text: text
    watched: Callable[[str, str], bool] | None = None
    progress: Progress | None = None
    observer: database.Connection = field(init=False, repr=False)
    mirror: catalog.Mirror = field(init=False, repr=False)
    ledger: rows.Ledger = field(init=False, repr=False)
    _wal: database.Connection | None = field(default=None, init=False, repr=False)
    _wal_totals: dict[int, int] = field(default_factory=dict[int, int], init=False, repr=False)
    _sessions: Sessions = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._sessions = Sessions(self._connect, self._renew)

    def observe(self, *, rows_too: bool = True) -> None:
        """Open the observer and read the whole state once; in production without the rows."""
        name = f"{self.run} (observer)"
        self.observer = database.connect(self.observer_dsn, application=name)
        schema.settle(self.observer)
        self._wal = database.connect(self.wal_dsn, application=name) if self.wal_dsn else None
        self.mirror = catalog.Mirror.read(self.observer, self._wal, settled=True)
        self.ledger = rows.Ledger.read(self.observer) if rows_too else rows.Ledger()

    def look(self) -> None:
        """Bring what is remembered of the state up to date."""
        self.mirror.refresh(self.observer)
        self.ledger.refresh(self.observer, None)

    def close(self) -> None:
        """Close the observer, if it was opened, and the logins that nobody uses."""
        self._sessions.close()
        if hasattr(self, "observer"):
            self.observer.close()
        if self._wal:
            self._wal.close()

    @contextmanager
    def login(self, *, kept: bool = False) -> Generator[database.Connection]:
        """Open a login with this target's timeouts, for one file.

        A file can change its session, so only one that cannot leave a mark on it (`kept`) may share it with
        others like it, and only where the database is our own; an error ends it in any case. One that was used
        before is in a transaction already.
        """
        shared = kept and self.throw_away
        connection = self._sessions.take(new=not shared)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if shared:
            self._sessions.keep(connection)
        else:
            connection.close()

    def login_ahead(self) -> None:
        """Begin to open the next login, where the database is our own and nobody counts its connections."""
        if self.throw_away:
            self._sessions.open_ahead()

    def written(self, connection: database.Connection, total: int) -> int:
        """Return how many bytes of WAL a session has written since it was last asked; `total` is what it says."""
        pid = connection.info.backend_pid
        before = self._wal_totals.get(pid, 0)
        self._wal_totals[pid] = total
        return total - before

    def _connect(self) -> database.Connection:
        connection = database.connect(self.dsn, application=self.run)
        self._wal_totals.pop(connection.info.backend_pid, None)
        with database.translating():
            connection.execute(self.timeouts)
        return connection

    def _renew(self, connection: database.Connection) -> None:
        with database.translating():
            # With what its next user would do first: a way there and back is saved for each file.
            connection.execute(_AS_NEW + self.timeouts + b"; begin")

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


_AS_NEW = b"reset session authorization; reset all; discard sequences; "


def _milliseconds(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)
