"""What a logical backup says of itself, in a file that is written last: each file with its size and hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ops import errors

NAME = "manifest.json"
_FORMAT = 1
_CHUNK = 1 << 20


class File(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    size: int
    sha256: str


class Manifest(BaseModel):
    """The manifest; `lsn` is where the server's WAL stood, `database_size` what the database took there."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: int = _FORMAT
    began: datetime
    ended: datetime
    database: str
    server_version: str
    dumped_by: str
    system_identifier: str
    lsn: str
    database_size: int
    files: dict[str, File]

    @property
    def major(self) -> int:
        return int(self.server_version.split()[0].partition(".")[0])

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(each.size for each in self.files.values())


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest with a seal over what it says, so that an edited one is found."""
    said = manifest.model_dump(mode="json")
    text = json.dumps({**said, "seal": _seal(said)}, indent=2, sort_keys=True)
    (folder / NAME).write_text(f"{text}\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        CheckFailed: it is not there, cannot be read, or is not as it was written.
    """
    try:
        said = json.loads((folder / NAME).read_text(encoding="utf-8"))
        seal = said.pop("seal")
        manifest = Manifest.model_validate(said)
    except FileNotFoundError:
        raise errors.CheckFailed(f"{folder.name} has no {NAME}, so it was never finished.") from None
    except (OSError, ValueError, AttributeError, KeyError, TypeError, ValidationError):
        raise errors.CheckFailed(f"The {NAME} of {folder.name} cannot be read.") from None
    if seal != _seal(said):
        raise errors.CheckFailed(f"The {NAME} of {folder.name} was changed after it was written.")
    return manifest


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a backup but its manifest, by the name that the manifest has for them."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != NAME:
            yield name, path


def hashed(path: Path, told: Callable[[int], None] = lambda _done: None) -> File:
    """Read a whole file."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            told(len(chunk))
    return File(size=size, sha256=digest.hexdigest())


def _seal(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
