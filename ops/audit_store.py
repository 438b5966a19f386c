"""The audit log's copy in the evidence store: one JSON line per row, added and never changed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ops import errors

_FOLDER = Path("artifacts", "ops", "audit")


@dataclass
class Copy:
    """The open copy; `last` is the number of its last whole row."""

    file: IO[bytes]
    last: int

    def append(self, number: int, row: Mapping[str, Any]) -> None:
        """Add a row; it is on the disk when this returns."""
        self.file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.last = number


@dataclass(frozen=True, slots=True)
class Store:
    """Where the copy lies."""

    path: Path

    @classmethod
    def of(cls, root: Path, environment: str) -> Store:
        """Return the store of an environment of the project at `root`."""
        return cls(folder(root) / f"{environment}.jsonl")

    @contextmanager
    def open(self) -> Generator[Copy]:
        """Open the copy for adding to it, alone; half a line that a killed run has left is taken off.

        Raises:
            Unavailable: the file cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                whole, last = 0, 0
                for line in file:
                    if line.endswith(b"\n"):
                        whole, last = file.tell(), _number(line, last)
                file.truncate(whole)
                yield Copy(file, last)
        except OSError as error:
            raise errors.Unavailable(
                f"The copy of the audit log {self.path.name} cannot be written ({error.strerror}), so nothing goes "
                "on: what is decided must be kept outside of the database too. Make room, or give the right."
            ) from None

    def lines(self) -> list[str]:
        """Return the whole lines of the copy; none where there is no copy yet."""
        if not self.path.is_file():
            return []
        text = self.path.read_bytes().decode("utf-8", "replace")
        return [line.removesuffix("\n") for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def used(self) -> set[tuple[str, int]]:
        """Return the one-time codes that the copy knows to be used, by person."""
        found: set[tuple[str, int]] = set()
        for line in self.lines():
            with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
                row = json.loads(line)
                found.add((str(row["actor"]), int(row["details"]["step"])))
        return found


def folder(root: Path) -> Path:
    """Return where the copies of the project at `root` lie."""
    return root / _FOLDER


def after(lines: list[str], last: int) -> list[dict[str, Any]]:
    """Return the rows of the copy that are newer than a row of the log; a line that is none is passed over."""
    found: list[dict[str, Any]] = []
    for line in lines:
        with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
            row = json.loads(line)
            if int(row["id"]) > last:
                found.append(row)
    return found


def _number(line: bytes, before: int) -> int:
    try:
        return int(json.loads(line)["id"])
    except (ValueError, KeyError, TypeError, RecursionError):
        # Somebody has changed the copy: `verify` says so, and the next row goes on from here.
        return before + 1
