"""Prefect's own database: a Postgres of the stack's own, since SQLite locks up under a few runs at once.

A new server spends five seconds on Prefect's migrations. So a dump of what it leaves is kept, once per user and
version of Prefect, and restored into the next one in a quarter of a second.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from prefect import __version__ as prefect_version

from ops import embedded

NAME = "prefect"


class Serving(Protocol):
    """A server on which it is."""

    @property
    def bindir(self) -> Path: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    def dsn(self, database: str, /) -> str: ...


@dataclass(frozen=True)
class OwnDatabase:
    """A database that is Prefect's alone."""

    server: Serving

    @property
    def url(self) -> str:
        """Return what PREFECT_SERVER_DATABASE_CONNECTION_URL takes."""
        query = urlencode({"host": self.server.host, "port": self.server.port})
        return f"postgresql+asyncpg://postgres@/{NAME}?{query}"

    def dump(self, *options: str | Path) -> bool:
        """Run `pg_dump` with these options, and say whether it succeeded."""
        return self._ran("pg_dump", *options)

    def keep(self) -> None:
        """Keep a dump for the next server, unless there is one or the cache cannot be written."""
        if _kept().is_file():
            return
        with contextlib.suppress(OSError):
            _kept().parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=_kept().parent)
            os.close(handle)
            if self.dump("--format=custom", "--file", name):
                Path(name).replace(_kept())
            Path(name).unlink(missing_ok=True)

    def restore(self) -> None:
        """Restore the kept dump, if there is one; all of it or nothing."""
        if _kept().is_file():
            self._ran("pg_restore", "--single-transaction", "--no-owner", _kept())

    def _ran(self, program: str, *options: str | Path) -> bool:
        command = [self.server.bindir / program, "--dbname", self.server.dsn(NAME), *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode == 0


@contextmanager
def running() -> Generator[OwnDatabase]:
    """Start a Postgres with an empty database for Prefect, as its migrations would leave it where possible.

    Raises:
        Unavailable: the server did not start.
    """
    with embedded.running() as server:
        embedded.create_database(server, NAME, template=embedded.EMPTY)
        database = OwnDatabase(server)
        database.restore()
        yield database


def _kept() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "supabase-runbooks" / "prefect" / f"{prefect_version}.dump"
