"""What the last look at an environment's backups, or nights, found and told: people are told once per change.

`about` says what was looked at.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from pydantic import ValidationError

from ops import errors
from ops.backups import Fact

# What is wrong, by its kind and where.
Key = tuple[str, str]


class Memory(Fact):
    """Since when somebody looks, and which problems people were told of."""

    since: datetime
    told: tuple[Key, ...] = ()


def read(root: Path, environment: str, *, now: datetime, about: str = "backups") -> Memory:
    """Return what is remembered; a first look, and one after a damaged memory, begins it."""
    path = _path(root, environment, about)
    try:
        return Memory.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Memory(since=now)


def write(root: Path, environment: str, memory: Memory, *, about: str = "backups") -> None:
    """Remember, whole or not at all.

    Raises:
        Refused: the folder cannot be written.
    """
    path = _path(root, environment, about)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(memory.model_dump_json(indent=2), "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise errors.Refused(
            f"What was found cannot be remembered in {path}: {error.strerror}. Make room, or give the right."
        ) from None


def _path(root: Path, environment: str, about: str) -> Path:
    return root / "artifacts" / "ops" / about / f"{quote(environment, safe='')}.json"
