"""How a watch takes its looks: by which clock, and through a login that is made anew when it was lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from ops import database, errors, watch_sample
from ops.project import Environment
from ops.watch_sample import Sample

Connect = Callable[[], database.Connection]


class Clock(Protocol):
    """Time as a watch sees it."""

    def now(self) -> datetime: ...
    def wait(self, seconds: float) -> None: ...


class RealClock:
    """The time of this machine."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Taker:
    """Takes looks through one login, which is made anew when it was lost."""

    def __init__(self, connect: Connect, environment: Environment) -> None:
        self._connect = connect
        self._environment = environment
        self._connection: database.Connection | None = None

    def take(self, at: datetime) -> Sample:
        """Look once.

        Raises:
            OpsError: there was no look; the next one may succeed.
        """
        try:
            return watch_sample.take(self._live(), self._environment, at=at)
        except errors.OpsError:
            self.close()
            raise

    def texts(self, ids: list[str]) -> dict[str, str]:
        """Return what statements say, or nothing where that cannot be asked any more."""
        with suppress(errors.OpsError):
            return watch_sample.texts(self._live(), ids)
        return {}

    def close(self) -> None:
        """Give the login back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _live(self) -> database.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection


class Looking(Protocol):
    """What takes the looks of a watch."""

    def take(self, at: datetime) -> Sample: ...
    def texts(self, ids: list[str]) -> dict[str, str]: ...
