"""What an export reads from: records of a window in the order in which they were made, page by page."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from ops.evals import Cursor, Window


class Record(NamedTuple):
    """One line, and what it says of itself; neither where it is no record."""

    line: bytes
    created: datetime | None
    key: str | None

    @property
    def place(self) -> Cursor | None:
        return Cursor(created=self.created, key=self.key) if self.created and self.key is not None else None


@dataclass(frozen=True, slots=True)
class Aside:
    """What is in no window: records that have no time or no key, and those that lie in the future."""

    unplaced: int = 0
    future: int = 0


class Source(Protocol):
    """Where the records come from; each method may raise `Unavailable` and `Refused`."""

    resumable: bool

    def now(self) -> datetime | None:
        """Return the time there, in UTC; nothing where nobody knows."""
        ...

    def count(self, window: Window, *, after: Cursor | None) -> int | None:
        """Return how many records of a window there are behind a place; nothing where that takes too long."""
        ...

    def aside(self, moment: datetime) -> Aside:
        """Return how many records no window has, up to this moment."""
        ...

    def pages(self, window: Window, *, after: Cursor | None, most: int) -> Generator[list[Record]]:
        """Yield at least `most` records of a window behind a place, as long as there are any."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...
