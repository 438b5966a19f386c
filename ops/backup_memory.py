"""What the last look at an environment's backups, or nights, found and told: people are told once per change.

`about` says what was looked at.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ops import memory
from ops.backups import Fact

# What is wrong, by its kind and where.
Key = tuple[str, str]


class Memory(Fact):
    """Since when somebody looks, what the last look found, and which problems people were told of."""

    since: datetime
    told: tuple[Key, ...] = ()
    at: datetime | None = None
    verdict: str | None = None
    found: tuple[Key, ...] = ()


def read(root: Path, environment: str, *, now: datetime, about: str = "backups") -> Memory:
    """Return what is remembered; a first look, and one after a damaged memory, begins it."""
    return memory.read(memory.path(root, environment, about), Memory(since=now))


def write(root: Path, environment: str, kept: Memory, *, about: str = "backups") -> None:
    """Remember, whole or not at all.

    Raises:
        Refused: the folder cannot be written.
    """
    memory.write(memory.path(root, environment, about), kept)
