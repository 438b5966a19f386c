"""One throw-away postmaster, started beside a watchdog that stops it as soon as we are gone.

The watchdog is a shell that reads a pipe of which only we hold the other end. When we close it, or are killed,
the kernel ends the pipe; the watchdog then stops the server by its pid and removes its folder. So the server
needs no goodbye from us, and no signal that a thread or a change of user could lose.
"""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from ops import errors
from ops.os_user import OsUser

PATIENCE = timedelta(seconds=60)
_POLL = timedelta(milliseconds=4)
_LOG = "server.log"
_ENDED = "server.ended"

# $1: data directory; $2: signal; $3: folder to remove, or nothing; the rest: the server's command line.
# The pid is read when it is needed, since the server may have been restarted by other hands. A SysV segment
# outlives a postmaster that was killed with -9; its id is the second word of line 7 of postmaster.pid.
_WATCHDOG = f"""
cd "$1" || exit 1
signal=$2; folder=$3; shift 3
( "$@" </dev/null >{_LOG} 2>&1; : >{_ENDED} ) &
read -r _
turn=0
until [ -f postmaster.pid ] || [ -f {_ENDED} ] || [ $turn -ge 100 ]; do turn=$((turn + 1)); sleep 0.01; done
if [ -f postmaster.pid ]; then
    server=$(head -n 1 postmaster.pid)
    segment=$(sed -n '7s/.* //p' postmaster.pid)
    kill -s "$signal" "$server" 2>/dev/null
    turn=0
    while [ -f postmaster.pid ] && kill -0 "$server" 2>/dev/null && [ $turn -lt 1500 ]; do
        turn=$((turn + 1)); sleep 0.02
    done
    [ ! -f postmaster.pid ] || ipcrm -m "$segment" 2>/dev/null
    # What is written when the server has ended must not come after we have, when others look or all is removed.
    [ -f postmaster.pid ] || wait
fi
cd /
[ -z "$folder" ] || rm -rf "$folder"
"""


@contextmanager
def running(
    postgres: Path,
    data: Path,
    *,
    user: OsUser,
    settings: Mapping[str, str],
    remove: Path | None = None,
    at_once: bool = False,
    patience: timedelta = PATIENCE,
    looking: Callable[[], None] | None = None,
) -> Generator[int]:
    """Run a server on a data directory and yield its pid, once it takes connections.

    Afterwards, or when we die, it is stopped; `remove` is a folder that then goes too, and says that nobody
    needs the data again, so that the server stops `at_once` instead of in order. `looking` is called as we wait.

    Raises:
        Unavailable: it did not start; the message has the end of its log.
    """
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    signal = "QUIT" if remove or at_once else "INT"
    command = (
        "/bin/sh",
        "-c",
        _WATCHDOG,
        "watchdog",
        data,
        signal,
        remove or "",
        postgres,
        "-D",
        data,
        *options,
    )
    (data / _ENDED).unlink(missing_ok=True)
    watchdog = user.spawn(*command)
    try:
        yield _ready(data, patience, looking)
    finally:
        _close(watchdog)


def ended(data: Path) -> bool:
    """Whether the server of this data directory has stopped by itself."""
    return (data / _ENDED).exists()


def log(data: Path, *, lines: int = 10) -> str:
    """Return the end of what the server wrote."""
    return "\n".join(_lines(data / _LOG)[-lines:]) or "its log is empty"


def _ready(data: Path, patience: timedelta, looking: Callable[[], None] | None) -> int:
    deadline = time.monotonic() + patience.total_seconds()
    while time.monotonic() < deadline:
        lines = _lines(data / "postmaster.pid")
        if len(lines) > 7 and lines[7].strip() == "ready":
            return int(lines[0])
        if ended(data):
            break
        if looking:
            looking()
        time.sleep(_POLL.total_seconds())
    raise errors.Unavailable(
        f"The throw-away Postgres in {data} did not start, so nothing can be rehearsed on it: {log(data)}"
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _close(watchdog: subprocess.Popen[bytes]) -> None:
    if watchdog.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            watchdog.stdin.close()
    watchdog.wait()
