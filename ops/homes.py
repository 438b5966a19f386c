"""Temporary folders in which throw-away servers live, and the removal of those whose owner is dead.

The owner holds a lock on a file in its folder. The kernel drops the lock when the owner dies, however it does,
so that a folder whose lock can be had belongs to nobody; a process id could have been given to somebody else.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ops import errors
from ops.os_user import OsUser

PORT = 5432
_PREFIX = "runbooks-pg-"
_OWNER = "owner"
# In memory a server starts and copies its databases several times faster; what a rehearsal needs is a small part.
_MEMORY = Path("/dev/shm")  # noqa: S108
_ROOM = 4 * 1024**3
# A socket's path may have 107 characters on Linux and 103 on macOS.
_LONGEST_PATH = 103
_LONGEST_NAME = len(f"/{_PREFIX}12345678/.s.PGSQL.65535")


@contextmanager
def temporary(user: OsUser, *, among: tuple[Path, ...] | None = None) -> Generator[Path]:
    """Yield a new folder that is ours as long as the block runs; who calls holds the lock of the user's cache.

    `among` are the folders in which it may be made; by default those for temporary files, memory first.

    Raises:
        Refused: no folder for temporary files will do.
    """
    root = _root(user, among or _candidates())
    sweep(user, among=among or ())
    home = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    owner = os.open(home / _OWNER, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(owner, fcntl.LOCK_EX)
        yield home
    finally:
        os.close(owner)
        shutil.rmtree(home, ignore_errors=True)


def sweep(user: OsUser, *, among: tuple[Path, ...] = ()) -> list[Path]:
    """Remove the folders whose owner is dead, and return them; who calls holds the lock of the user's cache.

    Which are ours is told by their names, their user and their lock; `among` are further places to look in.
    """
    return [home for place in {_MEMORY, *_candidates(), *among} for home in _swept(place, user)]


def on_disk() -> tuple[Path, ...]:
    """Return the usual folders for temporary files, which memory is not among."""
    return tuple(folder for folder in _candidates() if folder != _MEMORY)


def _root(user: OsUser, candidates: tuple[Path, ...]) -> Path:
    for root in candidates:
        short = len(str(root)) + _LONGEST_NAME <= _LONGEST_PATH
        if short and root.is_dir() and os.access(root, os.W_OK) and user.may_enter(root):
            return root.resolve()
    raise errors.Refused(
        f"No throw-away Postgres can live in {', '.join(str(root) for root in candidates)}: its user must be able"
        " to enter the folder, and a socket's path must be short. Set TMPDIR to such a folder."
    )


def _candidates() -> tuple[Path, ...]:
    usual = (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))  # noqa: S108
    asked = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    return usual if asked or not _roomy(_MEMORY) else (_MEMORY, *usual)


def _roomy(folder: Path) -> bool:
    """Whether a folder has room for servers whatever they are asked to do, and lets them run programs."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize >= _ROOM and not status.f_flag & os.ST_NOEXEC


def _swept(root: Path, user: OsUser) -> Iterator[Path]:
    ours = {os.geteuid(), user.uid}
    for home in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = home.lstat()
            if home.is_dir() and not home.is_symlink() and status.st_uid in ours and _abandoned(home):
                _stop(home)
                shutil.rmtree(home, ignore_errors=True)
                yield home


def _abandoned(home: Path) -> bool:
    try:
        owner = os.open(home / _OWNER, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(owner)
    return True


def _stop(home: Path) -> None:
    """Stop a server that outlived both its owner and its watchdog; its pid is its own while its socket answers."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
        lines = (home / "data" / "postmaster.pid").read_text().splitlines()
        knock.connect(f"{home}/.s.PGSQL.{int(lines[3])}")
        os.kill(int(lines[0]), signal.SIGQUIT)
