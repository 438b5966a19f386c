"""A login that is opened ahead, while its user still waits for something else."""

from __future__ import annotations

import select
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from ops import database


class Spare:
    """Opens one login ahead with `connect`."""

    def __init__(self, connect: Callable[[], database.Connection]) -> None:
        self._connect = connect
        self._threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="login")
        self._opening: Future[database.Connection] | None = None

    def open_ahead(self) -> None:
        """Begin to open the next login; it sees every setting that is committed now."""
        if self._opening is None:
            self._opening = self._threads.submit(self._connect)

    def take(self) -> database.Connection:
        """Return the login that was opened ahead, or a new one.

        Raises:
            Unavailable: nobody answers.
            Refused: the server says no.
        """
        opening, self._opening = self._opening, None
        connection = opening.result() if opening else self._connect()
        if opening and _died(connection):
            return self._connect()
        return connection

    def close(self) -> None:
        """Close the login that nobody took."""
        opening, self._opening = self._opening, None
        if opening and not opening.exception():
            opening.result().close()


def _died(connection: database.Connection) -> bool:
    """Whether the server has said anything since the login: unasked, it only says that it ends the session."""
    if not select.select([connection.fileno()], [], [], 0)[0]:
        return False
    connection.close()
    return True
