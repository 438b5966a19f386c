"""A folder of our own in which a restored cluster lives: on disk, and with nothing in it that could act by itself.

What a restored cluster would do by itself (archive, run jobs, call out, subscribe, replicate) is switched off before it
starts, since it believes to be the one that was backed up.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from ops import binaries, errors, homes, os_user, ready_data
from ops.backups import NoRoom, TooSlow
from ops.binaries import Binaries
from ops.os_user import OsUser

# What must be kept free beside what is restored.
_RESERVE = 256 * 1024**2
_OWN_FILES = ("postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf")
_LEFT_BEHIND = ("postmaster.pid", "postmaster.opts", "standby.signal", "recovery.signal", "backup_label.old")
# Opened only by our user of the operating system: the folder of the socket is nobody else's.
_HBA = "local all all trust\nlocal replication all reject\n"


@dataclass(frozen=True)
class Scratch:
    """Where a cluster is restored to; `programs` are those as whom the server's user may run them."""

    home: Path
    user: OsUser
    programs: Binaries

    @property
    def data(self) -> Path:
        return self.home / "data"

    def run(self, program: str, *arguments: str | Path, within: timedelta | None = None) -> tuple[int, str]:
        """Run one of Postgres's programs as the server's user; return its exit code and all that it said.

        Raises:
            TooSlow: it did not end within the time.
        """
        timeout = within.total_seconds() if within is not None else None
        try:
            ended = self.user.run(self.programs.bindir / program, *arguments, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise TooSlow(
                f"The restore did not end within its time, so it has failed: {program} still ran."
            ) from None
        return ended.returncode, f"{ended.stdout}{ended.stderr}".strip()

    def dsn(self, database: str, user: str) -> str:
        """Return the URL of a database of the cluster."""
        return f"host={self.home} port={homes.PORT} dbname={_quoted(database)} user={_quoted(user)}"


@contextmanager
def opened(*, bindir: Path | None, among: Path | None, room: int) -> Generator[Scratch]:
    """Make the folder, with `room` bytes in it, and remove it afterwards, or when a later run finds us dead.

    Raises:
        Refused: there are no such programs, or no folder will do.
        NoRoom: there is too little room.
    """
    programs, user = binaries.find(bindir), os_user.find()
    if among:
        _verify_place(among, user)
    with ExitStack() as stack:
        with ready_data.locked():
            home = stack.enter_context(homes.temporary(user, among=(among,) if among else homes.on_disk()))
        free = shutil.disk_usage(home).free
        if free < room + _RESERVE:
            raise NoRoom(
                f"{home.parent} has {_mib(free)} MiB free, and the restore needs {_mib(room + _RESERVE)}, so nothing "
                "was restored. Make room, or name another folder as `scratch` of backups.drill."
            )
        usable = binaries.reachable(programs, user, home=home)
        user.own(home)
        yield Scratch(home, user, usable)


def disarm(scratch: Scratch) -> None:
    """Take from a restored data directory all that could act, and give it configuration of ours; safe to run twice."""
    for name in _LEFT_BEHIND:
        (scratch.data / name).unlink(missing_ok=True)
    for name in _OWN_FILES:
        path = scratch.data / name
        if path.exists():
            path.replace(path.with_suffix(f"{path.suffix}.of-backup"))
        path.touch()
    (scratch.data / "pg_hba.conf").write_text(_HBA)
    shutil.rmtree(scratch.data / "pg_wal" / "archive_status", ignore_errors=True)
    (scratch.data / "pg_wal" / "archive_status").mkdir(parents=True)
    for folder in ("pg_replslot", "pg_stat_tmp", "pg_notify", "pg_dynshmem"):
        shutil.rmtree(scratch.data / folder, ignore_errors=True)
        (scratch.data / folder).mkdir()


def quiet(scratch: Scratch, *, fsync: bool) -> dict[str, str]:
    """Return the settings of a cluster that acts on nothing but what it is asked; they win over its own files.

    What a database or a role of the backup was given wins over them: only the options of a session, which
    `recovery.Cluster.dsn` has, win over that.
    """
    major = scratch.programs.major
    return {
        "listen_addresses": "",
        "port": str(homes.PORT),
        "unix_socket_directories": str(scratch.home),
        "unix_socket_permissions": "0700",
        "ssl": "off",
        "archive_mode": "off",
        "archive_command": "",
        "primary_conninfo": "",
        "shared_preload_libraries": "",
        "session_preload_libraries": "",
        "local_preload_libraries": "",
        "max_logical_replication_workers": "0",
        "logging_collector": "off",
        "log_destination": "stderr",
        "lc_messages": "C",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "autovacuum": "off",
        "dynamic_shared_memory_type": "mmap",
        "default_transaction_read_only": "on",
        "fsync": "on" if fsync else "off",
        **({"event_triggers": "off"} if major >= 17 else {}),
        **({"io_method": "sync"} if major >= 18 else {}),
    }


def _verify_place(folder: Path, user: OsUser) -> None:
    if not folder.is_dir():
        raise errors.Refused(
            f"{folder}, the `scratch` of backups.drill, is no folder. Make it, or name another."
        )
    for each in (folder, *folder.parents):
        if (each / "PG_VERSION").exists() or (each / "postmaster.pid").exists():
            raise errors.Refused(
                f"{each} is a data directory of Postgres, and a drill is never made inside one. Name another folder."
            )
    if not user.may_enter(folder):
        raise errors.Refused(f"The user of the restored server cannot enter {folder}. Name another folder.")


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f}"


def shell(words: str | Path) -> str:
    """Return a word for the shell in a command that Postgres first looks through for percent signs."""
    return shlex.quote(str(words)).replace("%", "%%")
