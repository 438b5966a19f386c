"""What the last scheduled check of an environment found and told, so that the next one knows what is new and gone."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ops import memory, redis_counters
from ops.checks import Severity


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Known(_Fact):
    """A finding as it was the last time: which check found it, when first, and as what people were told of it."""

    fingerprint: str
    kind: str
    object: str
    about: str
    first: datetime
    told: Severity | None = None


class Counted(_Fact):
    """Numbers of the server that only grow, as they were at a look; `since` is when it began to count."""

    at: datetime
    since: datetime | None
    numbers: dict[str, int]


class Seen(_Fact):
    """How many of one name were sent WAL at once, and when so many were last seen."""

    name: str
    count: int
    at: datetime


class Memory(_Fact):
    """What one kind of check knows of one environment, from the last look to the next."""

    since: datetime
    at: datetime | None = None
    known: tuple[Known, ...] = ()
    counted: Counted | None = None
    redis: redis_counters.Counted | None = None
    replicas: tuple[Seen, ...] = ()


def read(root: Path, environment: str, *, about: str, now: datetime) -> Memory:
    """Return what is remembered of the checks of this kind."""
    return memory.read(memory.path(root, environment, about), Memory(since=now))


def write(root: Path, environment: str, kept: Memory, *, about: str) -> None:
    """Remember, whole or not at all.

    Raises:
        Refused: the folder cannot be written.
    """
    memory.write(memory.path(root, environment, about), kept)
