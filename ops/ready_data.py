"""The ready data directory: initialised and shaped once per user, then copied, which is much faster than initdb.

It is kept in the user's cache folder under a hash of everything that went into it, so that another version of
Postgres or another shape makes another one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ops import errors, homes, postmaster
from ops.binaries import Binaries, reachable
from ops.os_user import OsUser
from ops.shape import cluster, offered

SUPERUSER = "supabase_admin"
_UNUSED = timedelta(days=30)


def settings(binaries: Binaries, home: Path) -> dict[str, str]:
    """Return the settings of a throw-away server whose sockets and extensions are in `home`.

    Nothing is kept for a crash to survive, but a commit still flushes its WAL, since that is measured.
    """
    return {
        "listen_addresses": "",
        "port": str(homes.PORT),
        "unix_socket_directories": str(home),
        "fsync": "off",
        "full_page_writes": "off",
        "wal_level": "logical",
        "max_connections": "100",
        "dynamic_shared_memory_type": "mmap",
        "timezone": "UTC",
        "log_timezone": "UTC",
        **({"io_method": "sync"} if binaries.major >= 18 else {}),
        **cluster.settings(binaries, home / "share"),
    }


@contextmanager
def locked() -> Generator[Path]:
    """Hold the lock of this user's cache folder and yield the folder.

    Raises:
        Refused: there is no folder that we can write.
    """
    folder = _cache_folder()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def ready(cache: Path, binaries: Binaries, *, user: OsUser) -> Path:
    """Return the ready data directory, built first when it is not there; `cache` is locked."""
    key = hashlib.sha256()
    for part in (binaries.build, *cluster.ingredients(), Path(__file__).read_text(encoding="utf-8")):
        key.update(part.encode() + b"\0")
    folder = cache / key.hexdigest()[:20]
    if not folder.is_dir():
        _build(binaries, folder, user=user)
    os.utime(folder)
    _forget_unused(cache)
    return folder


def copy(ready: Path, home: Path) -> None:
    """Copy the ready data into the folder of one server."""
    shutil.copytree(ready, home / "data", symlinks=True)


def resize_segments(binaries: Binaries, data: Path, size: int, *, user: OsUser) -> None:
    """Give a data directory whose server does not run segments of WAL of so many MiB.

    Raises:
        Unavailable: pg_resetwal could not do it.
    """
    done = user.run(binaries.bindir / "pg_resetwal", f"--wal-segsize={size}", data)
    if done.returncode:
        raise errors.Unavailable(f"The segments of WAL were not made {size} MiB large: {done.stderr.strip()}")
    # What initdb would have written for segments of that size, and what a backup of this server brings along.
    with (data / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(f"min_wal_size = {5 * size}MB\nmax_wal_size = {64 * size}MB\n")


def _cache_folder() -> Path:
    named = os.environ.get("XDG_CACHE_HOME")
    wanted = (Path(named) if named else Path.home() / ".cache") / "supabase-runbooks" / "postgres"
    fallback = Path(tempfile.gettempdir()) / f"supabase-runbooks-{os.geteuid()}"
    for folder in (wanted, fallback):
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK):
                return folder
    raise errors.Refused(
        f"Neither {wanted} nor {fallback} can be written, so that no ready Postgres can be kept."
        " Set XDG_CACHE_HOME to a folder of yours."
    )


def _build(binaries: Binaries, folder: Path, *, user: OsUser) -> None:
    with homes.temporary(user) as home:
        usable = reachable(binaries, user, home=home)
        serving = offered.serving(usable, home)
        user.own(home)
        _initialise(usable, home / "data", user=user)
        with postmaster.running(
            serving.bindir / "postgres", home / "data", user=user, settings=settings(usable, home)
        ):
            cluster.build(f"host={home} port={homes.PORT} user={SUPERUSER}")
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(home / "data", unfinished)
        unfinished.rename(folder)


def _initialise(binaries: Binaries, data: Path, *, user: OsUser) -> None:
    locale = (
        ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        if binaries.major >= 17
        else ("--locale=C.UTF-8",)
    )
    done = user.run(
        *(binaries.bindir / "initdb", "-D", data, "-U", SUPERUSER, "--encoding=UTF8", *locale),
        *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", "--wal-segsize=1"),
    )
    if done.returncode:
        raise errors.Unavailable(
            f"initdb of {binaries.bindir} failed, so there is no throw-away Postgres: {done.stderr.strip()}"
        )


def _forget_unused(cache: Path) -> None:
    limit = time.time() - _UNUSED.total_seconds()
    for folder in cache.iterdir():
        if folder.is_dir() and folder.stat().st_mtime < limit:
            shutil.rmtree(folder, ignore_errors=True)
