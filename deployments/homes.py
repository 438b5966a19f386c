"""Folders in which local stacks live, and the removal of those whose owner is dead.

The owner holds a lock on its folder; the kernel drops the lock when the owner dies, however it does.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "stack-"


@contextmanager
def temporary(parent: Path) -> Generator[Path]:
    """Yield a new folder below `parent` that is ours as long as the block runs."""
    parent.mkdir(parents=True, exist_ok=True)
    with _held(parent):
        _sweep(parent)
        home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        owner = os.open(home, os.O_RDONLY)
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)
        os.close(owner)


@contextmanager
def _held(folder: Path) -> Generator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(parent: Path) -> None:
    for home in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            handle = os.open(home, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(home, ignore_errors=True)
            finally:
                os.close(handle)
