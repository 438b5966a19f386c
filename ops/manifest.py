"""The seal of an evidence bundle: the size and SHA-256 of every file in it, and how to tell what changed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ops import errors
from ops.evidence import Evidence

NAME = "manifest.json"
_CHUNK = 1 << 20
_ATTEMPT = re.compile(r"attempt-\d+")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SealedFile(_Strict):
    """One file as it was when the bundle was sealed; `name` is relative to the bundle."""

    name: str
    size: int
    sha256: str


class Manifest(_Strict):
    """What `manifest.json` holds; `checksum` is over all the rest of it."""

    format: Literal[1] = 1
    kind: str
    run: str
    attempt: int
    sealed: datetime
    files: tuple[SealedFile, ...]
    checksum: str = ""


def write(path: Path, *, kind: str, run: str, attempt: int) -> str:
    """Return the text of the manifest of everything below `path`.

    Raises:
        Refused: there is something other than files and folders, which a hash cannot cover.
    """
    files: list[SealedFile] = []
    for name, mode in _entries(path):
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise errors.Refused(
                f"{name} in the bundle is no ordinary file, so it cannot be sealed. Remove it."
            )
        if stat.S_ISREG(mode) and name != NAME:
            files.append(_sealed(path, name))
    manifest = Manifest(kind=kind, run=run, attempt=attempt, sealed=datetime.now(UTC), files=tuple(files))
    return manifest.model_copy(update={"checksum": _checksum(manifest)}).model_dump_json(indent=2) + "\n"


def digest(path: Path) -> str | None:
    """Return the SHA-256 of the bundle's manifest, which stands for the whole bundle; None if not sealed."""
    manifest = path / NAME
    return hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else None


def verify(path: Path, *, expected: str | None = None) -> Evidence:
    """Compare the bundle at `path` with its manifest, and the manifest with the digest `expected`.

    Raises:
        Refused: there is no such folder.
    """
    if not path.is_dir():
        raise errors.Refused(
            f"{path} is not a folder, so there is no bundle to verify. Name a bundle's folder."
        )
    if not (path / NAME).exists() and not (path / NAME).is_symlink():
        return Evidence(ok=False, summary=f"{path.name} is not sealed: the run did not end.")
    manifest, problems = _read(path, expected)
    rows = [*problems, *(_compared(path, manifest) if manifest else ())]
    if not rows:
        count = len(manifest.files) if manifest else 0
        return Evidence(ok=True, summary=f"{path.name} is as it was sealed: {count} files.")
    counted = [f"{sum(row['state'] == state for row in rows)} {state}" for state in _STATES]
    named = ", ".join(text for text in counted if not text.startswith("0 "))
    return Evidence(ok=False, summary=f"{path.name} is not as it was sealed: {named}.", rows=tuple(rows))


_STATES = ("changed", "removed", "added", "unreadable")


def _row(state: str, name: str, detail: str) -> dict[str, Any]:
    return {"state": state, "file": name, "detail": detail}


def _read(path: Path, expected: str | None) -> tuple[Manifest | None, list[dict[str, Any]]]:
    if (path / NAME).is_symlink():
        return None, [_row("changed", NAME, "is a link, not the manifest itself")]
    try:
        manifest = Manifest.model_validate_json((path / NAME).read_bytes())
    except (ValidationError, OSError) as error:
        return None, [_row("changed", NAME, f"cannot be read as a manifest ({type(error).__name__})")]
    problems: list[dict[str, Any]] = []
    found = digest(path)
    if expected is not None and found != expected.strip().lower().removeprefix("sha256:"):
        problems.append(_row("changed", NAME, f"has the digest {found}, not the one given"))
    if manifest.checksum != _checksum(manifest):
        problems.append(_row("changed", NAME, "its checksum does not fit its content"))
    return manifest, problems


def _compared(path: Path, manifest: Manifest) -> Iterator[dict[str, Any]]:
    sealed: dict[str, SealedFile] = {}
    for entry in manifest.files:
        if not _is_inside(entry.name) or entry.name in sealed:
            yield _row("changed", NAME, f"names {entry.name!r}, which no manifest of ours does")
        else:
            sealed[entry.name] = entry
    present = {**_earlier(path, sealed), **dict(_entries(path))}
    folders = {str(parent) for name in sealed for parent in PurePosixPath(name).parents}
    for name, entry in sealed.items():
        if name not in present:
            yield _row("removed", name, f"{entry.size} bytes when it was sealed")
        else:
            yield from _changes(path, entry, present[name])
    for name in present.keys() - sealed.keys() - folders - {NAME}:
        yield _row("added", name, _described(present[name]))


def _earlier(path: Path, sealed: Mapping[str, SealedFile]) -> dict[str, int]:
    """The folders of the attempts before one lie beside its own, once there is a next one."""
    beside = {_home(path, name) / name: name for name in sealed if _home(path, name) != path}
    return {name: file.lstat().st_mode for file, name in beside.items() if file.exists()}


def _home(path: Path, name: str) -> Path:
    nested = _ATTEMPT.fullmatch(path.name) and _ATTEMPT.fullmatch(name.partition("/")[0])
    return path.parent if nested else path


def _changes(path: Path, entry: SealedFile, mode: int) -> Iterator[dict[str, Any]]:
    if not stat.S_ISREG(mode):
        yield _row("changed", entry.name, f"was a file and is {_described(mode)}")
        return
    try:
        found = _sealed(_home(path, entry.name), entry.name)
    except OSError as error:
        yield _row("unreadable", entry.name, str(error.strerror))
        return
    if found.size != entry.size:
        yield _row("changed", entry.name, f"had {entry.size} bytes, has {found.size}")
    elif found != entry:
        yield _row("changed", entry.name, f"has the same {entry.size} bytes in number, not in content")


def _entries(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every name below `path` in order with its mode; links are named and never followed."""
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        mode = entry.stat(follow_symlinks=False).st_mode
        yield entry.name, mode
        if stat.S_ISDIR(mode):
            yield from ((f"{entry.name}/{name}", inner) for name, inner in _entries(Path(entry.path)))


def _sealed(path: Path, name: str) -> SealedFile:
    hashed = hashlib.sha256()
    size = 0
    # A link put there between the look and this call is not followed.
    with os.fdopen(os.open(path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
            size += len(chunk)
    return SealedFile(name=name, size=size, sha256=hashed.hexdigest())


def _is_inside(name: str) -> bool:
    parts = name.split("/")
    return NAME not in (name,) and all(part not in {"", ".", ".."} for part in parts) and "\0" not in name


def _described(mode: int) -> str:
    kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link", stat.S_IFIFO: "a pipe"}
    return kinds.get(stat.S_IFMT(mode), "a special file")


def _checksum(manifest: Manifest) -> str:
    return hashlib.sha256(manifest.model_dump_json(exclude={"checksum"}).encode()).hexdigest()
