"""Folders that hold buckets: a copy as BUCKET/PATH, or as Storage's own file backend has them, BUCKET/PATH/VERSION."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Held:
    """A file of a folder: the bucket, and the path of the object with its version."""

    bucket: str
    path: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.path}"


def find(root: Path, bucket: str, name: str, version: str | None) -> Path | None:
    """Return the file of an object, in either form; None where there is none, or several of which none is this one."""
    path = root / bucket / name
    if not all(path.resolve().is_relative_to(each.resolve()) for each in (root, root / bucket)):
        # A name of an object can be anything, and is not to lead out of the folder, nor to another bucket.
        return None
    if path.is_file():
        return path
    if not path.is_dir():
        return None
    if version and (path / version).is_file():
        return path / version
    # A version's name is a UUID; what has another name is an object of its own below this one.
    inside = [each for each in path.iterdir() if each.is_file() and _is_version(each.name)]
    return inside[0] if len(inside) == 1 else None


def held(root: Path) -> Iterator[Held]:
    """Yield every file of the file backend's folder, but for uploads that are under way."""
    for bucket in sorted(each for each in root.iterdir() if each.is_dir() and each.name != "multiparts"):
        for path in sorted(bucket.rglob("*")):
            if path.is_file():
                yield Held(bucket.name, path.relative_to(bucket).as_posix())


def _is_version(name: str) -> bool:
    parts = name.split("-")
    return [len(each) for each in parts] == [8, 4, 4, 4, 12]
