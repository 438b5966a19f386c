"""Prefect's database as a new server leaves it, made once per user: making it takes longer than starting."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from prefect import __version__ as prefect_version


def take(database: Path) -> None:
    """Copy the kept database to `database`, when there is one."""
    if _kept().is_file():
        shutil.copyfile(_kept(), database)


def keep(database: Path) -> None:
    """Keep a copy of a new server's `database`, unless there is one or the cache cannot be written."""
    if _kept().is_file():
        return
    with contextlib.suppress(OSError):
        _kept().parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=_kept().parent)
        os.close(handle)
        with sqlite3.connect(database) as source, sqlite3.connect(name) as copy:
            source.backup(copy)
        Path(name).replace(_kept())


def _kept() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "supabase-runbooks" / "prefect" / f"{prefect_version}.db"
