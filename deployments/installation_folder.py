"""The folder of an installation that stays: who owns it, what it was asked for, and how it is.

Its owner holds a lock on a file in it, which the kernel drops when the owner dies, however it does. What is written
down beside that says nothing about whether anything runs.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from ops import errors, os_user

PORT = 4200
_POLL = 0.2


class _Written(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


W = TypeVar("W", bound=_Written)


class Settings(_Written):
    """What it was asked for; the next start goes by it unless it is asked for something else."""

    port: int = PORT
    file: str = "prefect.yaml"
    env_file: str | None = None


class State(_Written):
    """How it is: `phase` is starting, ready, stopping or failed, and `said` says why; `runs` are under way here."""

    pid: int
    began: float
    address: str
    phase: str
    said: str = ""
    env_file: str = ""
    processes: dict[str, tuple[int, float]] = {}
    restarts: dict[str, int] = {}
    runs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Home:
    """Where everything of it lies."""

    path: Path

    def log(self, name: str) -> Path:
        return self.path / f"{name}.log"

    @property
    def draining(self) -> Path:
        """A file that says that we have paused the work pool, and not an operator."""
        return self.path / "draining"

    def settings(self) -> Settings:
        return _read(self.path / "settings.json", Settings) or Settings()

    def state(self) -> State | None:
        return _read(self.path / "state.json", State)

    def keep(self, written: Settings | State) -> None:
        """Write it down, whole or not at all."""
        name = "settings.json" if isinstance(written, Settings) else "state.json"
        write(self.path / name, written.model_dump_json(indent=2))

    def make(self) -> None:
        """Make the folder; Postgres, which does not run as root, must be able to pass through it."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o711 if os_user.find().uid else 0o700)

    def take(self) -> int | None:
        """Return a handle that holds the lock, or nothing when somebody else has it."""
        handle = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def held(self) -> bool:
        """Whether somebody runs here."""
        if not (self.path / "lock").exists():
            return False
        handle = self.take()
        if handle is None:
            return True
        os.close(handle)
        return False

    @contextmanager
    def one_at_a_time(self, what: str, *, seconds: float) -> Generator[None]:
        """Hold another lock as long as the block runs, which `up` and `down` take turns at.

        Raises:
            Refused: another one still has it after so long.
        """
        with (self.path / "turn").open("w") as turn:
            deadline = time.monotonic() + seconds
            while True:
                try:
                    fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise errors.Refused(
                            f"Another `runbooks up` or `runbooks down` is at work in {self.path}, so {what} was not "
                            "begun. Wait for it and try again."
                        ) from None
                    time.sleep(_POLL)
            yield


def alive(written: tuple[int, float]) -> psutil.Process | None:
    """Return the process of this number that began at this time, if it lives."""
    number, began = written
    try:
        process = psutil.Process(number)
        # A number is given again; the time at which a process began is read from the same clock.
        same = abs(process.create_time() - began) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def write(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def _read(path: Path, kind: type[W]) -> W | None:
    try:
        return kind.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None
