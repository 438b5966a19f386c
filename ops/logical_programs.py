"""Runs pg_dump, pg_dumpall and pg_restore: the login never on a command line, and no longer than they may."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO

from ops import errors, psql_process, secrets

_POLL = timedelta(milliseconds=50)
_LOOK = timedelta(seconds=1)


def run(
    program: Path,
    words: Sequence[str | Path],
    *,
    dsn: str | None,
    within: timedelta,
    said: Path,
    output: IO[bytes] | None = None,
    keep: int | None = None,
    looking: Callable[[], None] = lambda: None,
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and what it complained of, redacted.

    `said` is a file for its complaints, `keep` a file descriptor that it holds as long as it lives.

    Raises:
        Unavailable: the time was up, and it was stopped.
    """
    variables = psql_process.environment(dsn, program.name) if dsn else {**os.environ, "LC_ALL": "C"}
    login = psql_process.openly(dsn) if dsn else []
    with said.open("wb") as complaints:
        process = subprocess.Popen(
            [program, *login, *words],
            env={**variables, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=output or subprocess.DEVNULL,
            stderr=complaints,
            start_new_session=True,
            pass_fds=() if keep is None else (keep,),
        )
        try:
            code = _watched(process, within, looking)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    if code is None:
        raise errors.Unavailable(f"{program.name} did not end within {within}, and was stopped.")
    return code, secrets.redact(said.read_text(encoding="utf-8", errors="replace"))


def _watched(process: subprocess.Popen[bytes], within: timedelta, looking: Callable[[], None]) -> int | None:
    deadline, look = time.monotonic() + within.total_seconds(), 0.0
    while process.poll() is None and time.monotonic() < deadline:
        if time.monotonic() > look:
            looking()
            look = time.monotonic() + _LOOK.total_seconds()
        time.sleep(_POLL.total_seconds())
    return process.poll()
