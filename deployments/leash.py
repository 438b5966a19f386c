"""Run a command, and end it with all that it started as soon as standard input closes.

    python -m deployments.leash COMMAND ARGUMENT...

The starter holds the other end of the pipe. However it ends, `kill -9` included, the kernel closes that end,
so nothing that was started on a leash outlives its starter.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

import psutil

GRACE = 10.0
_PARENT_DEATH_SIGNAL = 1


def main(command: list[str]) -> int:
    """Return the command's exit code, negative where a signal ended it."""
    # Ctrl-C is for the starter, who says in which order things end. A handler, since what is ignored stays
    # ignored in the child: a Prefect worker, which passes SIGTERM on to itself as SIGINT, would never end.
    signal.signal(signal.SIGINT, _stay)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_end_with_parent
    )
    threading.Thread(target=_end_with_the_pipe, args=(child.pid,), daemon=True).start()
    return child.wait()


def _end_with_parent() -> None:
    """Let the kernel end the command when we are killed ourselves; where it cannot, nothing else is lost."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _stay(_signum: int, _frame: FrameType | None) -> None:
    return


def _end_with_the_pipe(pid: int) -> None:
    # Not through `sys.stdin`: its lock would be held when the command has ended and this interpreter does.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(psutil.NoSuchProcess):
        end(psutil.Process(pid))


def end(process: psutil.Process) -> None:
    """Ask a process and its descendants to end, and kill those that have not after ten seconds."""
    family = [*process.children(recursive=True), process]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.terminate()
    _, left = psutil.wait_procs(family, timeout=GRACE)
    for member in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
