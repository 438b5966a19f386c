"""The evidence bundle: a folder that belongs to one run, written so that nothing partial looks whole.

The newest attempt's files lie at the top, under the names that the runbook gives them; what an earlier
attempt left is in `attempt-<n>/`, with the manifest it had, if it came so far. `manifest.json` is written
last: a bundle without one is of a run that did not end.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import threading
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from uuid import uuid4

from pydantic import BaseModel

from ops import errors, manifest, secrets

_OWNER = "bundle.json"
_RUNS = ".runs"


@dataclass
class Bundle:
    """One attempt's view of the bundle at `path`; its methods may be called from any thread."""

    path: Path
    kind: str
    run: str
    attempt: int
    started: datetime
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)
    _appended: set[str] = field(default_factory=set[str], repr=False, compare=False)
    _sealed: bool = field(default=False, repr=False, compare=False)

    def write_text(self, name: str, text: str) -> Path:
        """Write a whole file, redacted: a reader sees the old file or the new one, never a part.

        Raises:
            Refused: the name leaves the bundle, or the folder cannot be written.
            Unavailable: the disk is full.
        """
        with self._writing(name) as path:
            _replace(path, secrets.redact(text).encode("utf-8", "backslashreplace"))
            return path

    def write_pieces(self, name: str, pieces: Iterable[str]) -> Path:
        """Write a whole file that need not fit into memory, each piece redacted; pieces end where a line does.

        Raises:
            Refused: the name leaves the bundle, or the folder cannot be written.
            Unavailable: the disk is full.
        """
        with self._writing(name) as path:
            _replace(path, (secrets.redact(piece).encode("utf-8", "backslashreplace") for piece in pieces))
            return path

    def write_bytes(self, name: str, content: bytes) -> Path:
        """Write a whole file that is no text, such as a picture; it must hold nothing secret.

        Raises:
            Refused: the folder cannot be written.
        """
        path = self.path / _checked(name)
        with _translating(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, content)
        return path

    def write_json(self, name: str, value: object) -> Path:
        """Write a model, or anything JSON can hold, redacted string by string."""
        plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
        text = json.dumps(secrets.redact_nested(plain), indent=2, ensure_ascii=False, default=str)
        with self._writing(name) as path:
            _replace(path, f"{text}\n".encode("utf-8", "backslashreplace"))
            return path

    def append(self, name: str, record: Mapping[str, object]) -> None:
        """Add one JSON line, redacted; a killed process leaves whole lines."""
        line = json.dumps(secrets.redact_nested(record), ensure_ascii=False, default=str)
        self._append(name, f"{line}\n")

    def append_text(self, name: str, text: str) -> None:
        """Add text to a log, redacted; a killed process leaves all of it or nothing."""
        self._append(name, secrets.redact(text))

    def seal(self) -> Path:
        """Write the manifest over everything in the bundle; doing it again covers what came since."""
        with self._lock, _translating(self.path):
            for leftover in self.path.rglob(".*.tmp"):
                leftover.unlink()
            text = manifest.write(self.path, kind=self.kind, run=self.run, attempt=self.attempt)
            path = self.path / manifest.NAME
            _replace(path, text.encode())
            self._sealed = True
            return path

    def _append(self, name: str, text: str) -> None:
        with self._writing(name) as path, path.open("ab", buffering=0) as file:
            torn = name not in self._appended and _ends_torn(path)
            self._appended.add(name)
            # One write call: the kernel has all of it even if the process is killed on the next instruction.
            file.write((("\n" if torn else "") + text).encode("utf-8", "backslashreplace"))

    @contextlib.contextmanager
    def _writing(self, name: str) -> Generator[Path]:
        path = self.path / _checked(name)
        with self._lock, _translating(path):
            if self._sealed:
                (self.path / manifest.NAME).unlink(missing_ok=True)
                self._sealed = False
            if path.parent != self.path:
                path.parent.mkdir(parents=True, exist_ok=True)
            yield path


def open_bundle(
    root: Path, *, kind: str, started: datetime, run: str | None = None, attempt: int = 1
) -> Bundle:
    """Open the bundle of a run below `root`/artifacts/ops: a new one, or the one the run already has.

    `started` is the time of the first attempt or of this one. Without `run` the bundle is always a new one.

    Raises:
        Refused: the folder cannot be written.
        Unavailable: the disk is full.
    """
    ops = root / "artifacts" / "ops"
    run = run or str(uuid4())
    with _translating(ops):
        path = _existing(ops, run) or _created(ops, kind, started.astimezone(UTC), run)
        owner = json.loads((path / _OWNER).read_text("utf-8"))
        bundle = Bundle(path, kind, run, attempt, datetime.fromisoformat(owner["started"]))
        _begin(bundle, int(owner["attempt"]))
        return bundle


def of_run(root: Path, run: str) -> Path | None:
    """Return the folder of the bundle that a run left below `root`/artifacts/ops, if it has one."""
    return _existing(root / "artifacts" / "ops", run)


def _existing(ops: Path, run: str) -> Path | None:
    pointer = ops / _RUNS / _safe(run)
    if not pointer.is_file():
        return None
    path = ops / pointer.read_text("utf-8")
    return path if (path / _OWNER).is_file() else None


def _created(ops: Path, kind: str, started: datetime, run: str) -> Path:
    path = _new_folder(ops / f"{started:%Y-%m-%d}", f"{kind}_{started:%Y%m%dT%H%M%SZ}")
    _write_owner(path, kind, run, 1, started)
    pointer = ops / _RUNS / _safe(run)
    pointer.parent.mkdir(exist_ok=True)
    _replace(pointer, path.relative_to(ops).as_posix().encode())
    return path


def _new_folder(day: Path, name: str) -> Path:
    """Make a folder that nobody else has: two runs may start in the same second."""
    day.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = day / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            return path
        number += 1


def _begin(bundle: Bundle, before: int) -> None:
    """Make room for an attempt: what the one before left moves, manifest and all, to a folder of its own."""
    if bundle.attempt > before:
        kept = bundle.path / f"attempt-{before}"
        kept.mkdir(exist_ok=True)
        _replace(kept / _OWNER, (bundle.path / _OWNER).read_bytes())
        for path in sorted(bundle.path.iterdir()):
            if path.name != _OWNER and not re.fullmatch(r"attempt-\d+", path.name):
                path.replace(kept / path.name)
        _write_owner(bundle.path, bundle.kind, bundle.run, bundle.attempt, bundle.started)
    (bundle.path / manifest.NAME).unlink(missing_ok=True)


def _write_owner(path: Path, kind: str, run: str, attempt: int, started: datetime) -> None:
    owner = {"kind": kind, "run": run, "attempt": attempt, "started": started.isoformat()}
    _replace(path / _OWNER, f"{json.dumps(owner)}\n".encode())


def _replace(path: Path, content: bytes | Iterable[bytes]) -> None:
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    with temporary.open("xb") as file:
        file.writelines([content] if isinstance(content, bytes) else content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def _checked(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if (
        path.is_absolute()
        or ".." in path.parts
        or not path.parts
        or "\\" in name
        or path.name == manifest.NAME
    ):
        raise errors.Refused(
            f"{name!r} is no name for a file in a bundle. Give one below the bundle's folder."
        )
    return path


def _safe(run: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", run)


@contextlib.contextmanager
def _translating(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        kind = errors.Unavailable if full else errors.Refused
        advice = "Make room on the disk." if full else "Name a folder that can be written with --out."
        raise kind(f"The evidence cannot be written to {path}: {error.strerror}. {advice}") from None
