"""To where a restore recovers: the end of the WAL, a time, a place in the WAL, or a named restore point."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from ops import errors

_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")
# As long as Postgres keeps a name, less the end that it needs.
_LONGEST_NAME = 63


class TargetKind(StrEnum):
    """What Postgres compares with as it recovers."""

    LATEST = "latest"
    TIME = "time"
    LSN = "lsn"
    NAME = "name"


class RecoveryTarget(BaseModel):
    """A point to recover to; `value` is as Postgres reads it, in UTC where it is a time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TargetKind = TargetKind.LATEST
    value: str = ""

    def __str__(self) -> str:
        return self.kind.value if self.kind is TargetKind.LATEST else f"{self.kind.value} {self.value}"

    @property
    def at(self) -> datetime | None:
        """The time, where it is one."""
        return datetime.fromisoformat(self.value) if self.kind is TargetKind.TIME else None

    @property
    def lsn(self) -> int | None:
        """The place in the WAL as a number, where it is one."""
        return lsn(self.value) if self.kind is TargetKind.LSN else None

    @property
    def settings(self) -> dict[str, str]:
        """The settings of recovery; a place is where it stops before, so that it is reached exactly."""
        if self.kind is TargetKind.LATEST:
            return {"recovery_target_timeline": "latest"}
        inclusive = "off" if self.kind is TargetKind.LSN else "on"
        return {
            f"recovery_target_{self.kind.value}": self.value,
            "recovery_target_inclusive": inclusive,
            "recovery_target_action": "promote",
            "recovery_target_timeline": "latest",
        }


def read(text: str) -> RecoveryTarget:
    """Read `latest`, a time with its zone such as 2026-11-29T03:12:00Z, `lsn:0/3000060`, or `name:before-deploy`.

    Raises:
        Refused: it is none of them.
    """
    said = text.strip()
    kind, _, rest = said.partition(":")
    if said in ("", "latest"):
        return RecoveryTarget()
    if kind == "lsn" and _LSN.fullmatch(rest):
        return RecoveryTarget(kind=TargetKind.LSN, value=rest.upper())
    if kind == "name" and 0 < len(rest.encode()) <= _LONGEST_NAME:
        return RecoveryTarget(kind=TargetKind.NAME, value=rest)
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        raise errors.Refused(
            f"{said!r} is no point to recover to, so nothing is restored. Say `latest`, a time with its zone such as "
            "2026-11-29T03:12:00Z, `lsn:0/3000060`, or `name:RESTORE_POINT`."
        ) from None
    if at.tzinfo is None:
        raise errors.Refused(
            f"{said} has no time zone, so nobody knows which moment is meant, and nothing is restored. "
            f"Say {said}Z for UTC."
        )
    return RecoveryTarget(kind=TargetKind.TIME, value=at.astimezone(UTC).isoformat())


def lsn(text: str) -> int:
    """Return the number that a place in the WAL such as 0/3000060 is."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def written(place: int) -> str:
    """Return a place in the WAL as Postgres writes it."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"
