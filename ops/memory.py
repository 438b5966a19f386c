"""What one run keeps for the next beside the evidence: a small JSON file, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from ops import errors

M = TypeVar("M", bound=BaseModel)


def path(root: Path, environment: str, about: str) -> Path:
    """Return where an environment's memory of something lies."""
    return root / "artifacts" / "ops" / about / f"{quote(environment, safe='')}.json"


def read(file: Path, first: M) -> M:
    """Return what is remembered; a first look, and one after a damaged memory, begins with `first`."""
    try:
        return type(first).model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return first


def write(file: Path, kept: BaseModel) -> None:
    """Remember, whole or not at all.

    Raises:
        Refused: the folder cannot be written.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(kept.model_dump_json(indent=2), "utf-8")
        temporary.replace(file)
    except OSError as error:
        raise errors.Refused(
            f"What was found cannot be remembered in {file}: {error.strerror}. Make room, or give the right."
        ) from None
