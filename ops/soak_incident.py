"""A statement that failed while a soak was on, and the time that is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ops import secrets
from ops.soak_paths import Failed, Paths

# `attributed`: on a write path. `unattributed`: nothing says whether it was. `unread`: nobody knows what else failed.
Kind = Literal["attributed", "unattributed", "unread"]
WRONG = ("ERROR", "FATAL", "PANIC")
# Only these name objects; messages of other classes may quote a row's values.
_TELLING = ("23", "42", "53", "54")


@dataclass(frozen=True, slots=True)
class Incident:
    """A statement that failed; `violation` says that it broke a constraint."""

    source: str
    said: str
    violation: bool
    count: int = 1
    kind: Kind = "attributed"


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is looked at, of which tables, and by which names an error tells of them."""

    since: datetime
    until: datetime
    tables: tuple[str, ...]
    database: str
    paths: Paths

    def holds(self, at: datetime) -> bool:
        """Whether this is a time that is looked at."""
        return self.since <= at <= self.until


def of(source: str, failed: Failed, window: Window) -> Iterator[Incident]:
    """Yield what of a failure concerns the soak: nothing where it was surely on no write path."""
    path = window.paths.of(failed)
    if path == "off":
        return
    violation = failed.state.startswith("23")
    telling = failed.state.startswith(_TELLING)
    shown = (
        f"{failed.state}: {secrets.redact(failed.message)[:200]}" if telling else failed.state or "an error"
    )
    if path == "unknown":
        hidden = _hidden(failed, window.paths.ambiguous(failed))
        yield Incident(source, f"{shown} {hidden}", violation, kind="unattributed")
        return
    yield Incident(source, f"{shown} on {', '.join(window.paths.touched(failed))}", violation)


def _hidden(failed: Failed, ambiguous: list[str]) -> str:
    if ambiguous:
        return (
            f"in one of several functions of a name, and the log does not say which: {'; '.join(ambiguous)}"
        )
    if not failed.statement:
        return "of a statement that the log does not have"
    return (
        f"of {failed.statement.split(maxsplit=1)[0].lower()[:20]!r}, and the log does not have what that ran"
    )
