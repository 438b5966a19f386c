"""The logins in which files run: a used one where its file has left no mark on it, else a new one, opened ahead."""

from __future__ import annotations

import select
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ops import database


class Sessions:
    """Opens logins with `connect`, and makes one that was used as new with `renew`."""

    def __init__(
        self, connect: Callable[[], database.Connection], renew: Callable[[database.Connection], None]
    ) -> None:
        self._connect = connect
        self._renew = renew
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="login")
        self._opening: Future[database.Connection] | None = None
        self._used: database.Connection | None = None

    def open_ahead(self) -> None:
        """Begin to open the next login; it sees every setting that is committed now."""
        if not (self._used or self._opening):
            self._opening = self._threads.submit(self._connect)

    def keep(self, connection: database.Connection) -> None:
        """Keep a login whose file has left no mark."""
        self._used = connection

    def take(self, *, new: bool) -> database.Connection:
        """Return a login, which is not a used one where a `new` one is asked for.

        Raises:
            Unavailable: nobody answers.
            Refused: the server says no.
        """
        used, self._used = self._used, None
        if used and (new or _died(used)):
            used.close()
        elif used:
            try:
                self._renew(used)
            except BaseException:
                used.close()
                raise
            return used
        opening, self._opening = self._opening, None
        connection = opening.result() if opening else self._connect()
        if opening and _died(connection):
            return self._connect()
        return connection

    def close(self) -> None:
        """Close the logins that nobody uses."""
        used, self._used = self._used, None
        opening, self._opening = self._opening, None
        if used:
            used.close()
        if opening and not opening.exception():
            opening.result().close()


def _died(connection: database.Connection) -> bool:
    """Whether the server has said anything since: unasked, it only says that it ends the session."""
    if not select.select([connection.fileno()], [], [], 0)[0]:
        return False
    connection.close()
    return True
