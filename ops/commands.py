"""Runs a command that a project configured: no shell, in its folder, for a limited time, and nothing of it is left."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO

from ops import errors, secrets

HEAD = TAIL = 128 * 1024
_TO_END = timedelta(seconds=5)
_CHUNK = 1 << 16
# What the runbooks themselves need to log in and to sign is nothing for a project's code.
_OURS = ("PREFECT_", "PREFECT__", "RUNBOOKS_")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code (`None`: its time was up), its output, redacted, and how long it took."""

    command: str
    code: int | None
    output: str
    seconds: float

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def said(self) -> str:
        """How it ended, in words."""
        if self.code is None:
            return f"was stopped after {self.seconds:.0f} s"
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code} after {self.seconds:.1f} s"

    @property
    def last_line(self) -> str:
        """The last thing it said."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


def run(
    command: str,
    *,
    cwd: Path,
    timeout: timedelta,
    key: str,
    variables: Mapping[str, str] | None = None,
    hidden: Collection[str] = (),
) -> Ended:
    """Run a command; whatever it started in its process group is ended with it.

    `key` is where it is configured; `variables` are added to its environment, `hidden` ones taken out of it.

    Raises:
        Refused: it cannot be started; the message names it and the key.
    """
    words = _words(command, key)
    ours = {name for name in os.environ if name.startswith(_OURS)} | {*hidden}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= dict(variables or {})
    program = _program(words[0], cwd, environment, key)
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            [program, *words[1:]],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise errors.Refused(
            f"The command {words[0]!r} of {key} cannot be started: {error.strerror}, so nothing was checked with it. "
            "Mend the file or the key."
        ) from None
    code, output = _watched(process, timeout)
    return Ended(shlex.join(words), code, secrets.redact(output), time.monotonic() - began)


class _Kept:
    """The beginning and the end of an output, however long it is between."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := os.read(self._pipe.fileno(), _CHUNK):
                room = max(0, HEAD - len(self._head))
                self._head += chunk[:room]
                self._tail += chunk[room:]
                if len(self._tail) > 2 * TAIL:
                    self._left_out += len(self._tail) - TAIL
                    del self._tail[:-TAIL]

    @property
    def text(self) -> str:
        tail = bytes(self._tail)
        left_out = self._left_out + max(0, len(tail) - TAIL)
        middle = f"\n[... {left_out:,} bytes left out ...]\n".encode() if left_out else b""
        return (bytes(self._head) + middle + tail[-TAIL:]).decode("utf-8", "replace")


def _watched(process: subprocess.Popen[bytes], timeout: timedelta) -> tuple[int | None, str]:
    if process.stdout is None:
        raise ValueError("the output of a command is read from a pipe")
    kept = _Kept(process.stdout)
    code: int | None = None
    try:
        code = process.wait(timeout.total_seconds())
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_TO_END.total_seconds())
    finally:
        # Also after a good end: what it left running in the background would hold our pipe, and outlive the run.
        _signal(process, signal.SIGKILL)
        process.wait()
    kept.thread.join(_TO_END.total_seconds())
    if not kept.thread.is_alive():
        process.stdout.close()
    return code, kept.text


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _words(command: str, key: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise errors.Refused(
            f"{key} cannot be taken apart into words ({error}), so it was not run. Mend its quotes."
        ) from None
    if not words:
        raise errors.Refused(
            f"{key} is empty, so there is nothing to run. Name a command, or leave the key out."
        )
    return words


def _program(word: str, cwd: Path, environment: Mapping[str, str], key: str) -> str:
    found = shutil.which(str(cwd / word) if "/" in word else word, path=environment.get("PATH"))
    if found is None:
        there = "in the project" if "/" in word else "in PATH"
        raise errors.Refused(
            f"The command {word!r} of {key} is not there ({there}), or may not be run, so nothing was checked with it. "
            "Install it, or mend the key."
        )
    return found
