"""Starts psql, in one way for whoever needs it.

Nothing of a login stands on its command line, where every user of the machine could read it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from psycopg import conninfo, pq

from ops import binaries, database, errors, secrets

_TO_CANCEL = timedelta(seconds=5)
_LOST = 2


@dataclass(frozen=True, slots=True)
class Done:
    """How a psql ended: its exit code (`None`: stopped, its time was up), what it printed and complained of."""

    code: int | None
    output: str
    said: str

    @property
    def lost(self) -> bool:
        """Whether the connection was lost, or never there."""
        return self.code == _LOST


def call(
    arguments: Sequence[str],
    dsn: str,
    *,
    cwd: Path,
    bindir: Path | None = None,
    application: str = "supabase-runbooks",
    timeout: timedelta,
) -> Done:
    """Run psql without a start-up file, a terminal or a prompt; a query of one that is stopped is cancelled.

    Raises:
        Refused: there is no psql, or the DSN has something that could only stand on its command line.
    """
    command = [_program(bindir), "-X", "-w", *openly(dsn), *arguments]
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=environment(dsn, application),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Without a terminal nothing in a file can ask a question there and wait.
        start_new_session=True,
    )
    try:
        output, said = process.communicate(timeout=timeout.total_seconds())
        code = process.returncode
    except BaseException as error:
        output, said = _stop(process)
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        code = None
    return Done(code, *(secrets.redact(text.decode("utf-8", "replace")) for text in (output, said)))


def _program(bindir: Path | None) -> str:
    folders = (bindir, _packaged())
    found = next(
        (found for folder in folders if folder and (found := shutil.which("psql", path=folder))), None
    )
    program = found or shutil.which("psql")
    if program is None:
        raise errors.Refused(
            f"There is no psql in {bindir or 'PATH'}, and a file uses its language. Install postgresql-client."
        )
    return program


def _packaged() -> Path | None:
    """The newest psql there is for sure: an old one does not know what a new pg_dump writes."""
    try:
        return binaries.find(None).bindir
    except errors.Refused:
        return None


def environment(dsn: str, application: str) -> dict[str, str]:
    """Return the environment in which any of Postgres's programs finds a database and logs in."""
    with database.translating():
        options = pq.Conninfo.parse(dsn.encode())
    login = {o.envvar.decode(): o.val.decode() for o in options if o.envvar and o.val is not None}
    ours = {
        "PGAPPNAME": application,
        "PGCLIENTENCODING": "UTF8",
        "PGCONNECT_TIMEOUT": "10",
        "LC_ALL": "C.UTF-8",
    }
    return {**os.environ, **login, **ours}


def openly(dsn: str) -> list[str]:
    """What libpq reads from no variable of the environment must stand on the command line."""
    with database.translating():
        options = [o for o in pq.Conninfo.parse(dsn.encode()) if not o.envvar and o.val is not None]
    hidden = [option.keyword.decode() for option in options if option.dispchar == b"*"]
    if hidden:
        raise errors.Refused(
            f"The DSN has {hidden[0]}, which psql could only be told where everybody reads it. "
            "Put it into a connection service file and name it by service=."
        )
    values = {option.keyword.decode(): (option.val or b"").decode() for option in options}
    return ["-d", conninfo.make_conninfo("", **values)] if values else []


def _stop(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    # psql cancels its query when it is interrupted; killed, it would leave the server at work.
    process.send_signal(signal.SIGINT)
    try:
        return process.communicate(timeout=_TO_CANCEL.total_seconds())
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()
