"""The folder of an export: held by one run at a time, and files that are there whole or not at all."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import BinaryIO

from ops import errors

_LOCK = ".lock"


def lock(folder: Path, run: str) -> BinaryIO:
    """Hold the folder until what is returned is closed.

    Raises:
        Refused: another run holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / _LOCK).open("a+b")
    except OSError as error:
        raise unwritable(folder, error) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        other = held.read().decode("utf-8", "replace").strip() or "another run"
        held.close()
        raise errors.Refused(
            f"{other} exports into {folder.name} already, so this run does not begin. Wait until it has ended."
        ) from None
    held.truncate(0)
    held.write(run.encode())
    held.flush()
    return held


def replace(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write a file: the whole, or none of it.

    Raises:
        Refused: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
        if durable:
            sync(path.parent)
    except OSError as error:
        raise unwritable(path, error) from None


def sync(path: Path) -> None:
    """Let a file or folder be on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def unwritable(path: Path, error: OSError) -> errors.Refused:
    """Return what to say when a file cannot be written."""
    return errors.Refused(
        f"The export cannot be written to {path} ({error.strerror}), so it stands still. Make room, or give the right."
    )
