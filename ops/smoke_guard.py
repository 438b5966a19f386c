"""Stands by while a smoke's rows are where others see them, and takes them back when their writer is killed.

    python -m ops.smoke_guard

The writer holds the other end of standard input. However it ends, `kill -9` included, the kernel closes that end;
without the word that all is gone, what is announced is removed.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_GONE = b"\ngone"
_ROOT = Path(__file__).parents[1]
_NAME = "runbooks-smoke-guard"
_PATIENCE = 20.0
_PAUSE = 0.2


@contextmanager
def standing_by(dsn: str, *, writer: str) -> Generator[None]:
    """Have somebody stand by for the rows of `writer` during the block, who outlives this process."""
    with subprocess.Popen(
        [sys.executable, "-m", "ops.smoke_guard"],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        # Where there is no guard the next smoke takes back what is left.
        with contextlib.suppress(OSError):
            _tell(process, f"{writer}\n{dsn}".encode())
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                _tell(process, _GONE)


def _tell(process: subprocess.Popen[bytes], said: bytes) -> None:
    if process.stdin:
        process.stdin.write(said)
        process.stdin.flush()


def main() -> None:
    """Wait for the end of the writer, and take back what it left."""
    said = sys.stdin.buffer.read()
    if said.endswith(_GONE):
        return
    # Later than usual: most of the time there is nothing to do, and the writer waits for our end.
    from ops import database, errors, smoke_rows

    writer, _, dsn = said.decode().partition("\n")
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with (
            contextlib.suppress(errors.OpsError),
            database.connect(dsn, application=_NAME, prepare_threshold=None) as connection,
        ):
            if smoke_rows.remove_left(connection, writer=writer):
                return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
