"""The files of a WAL archive: their names, what a segment says of itself on its first page, and what is in it."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from ops import errors, wal_segments
from ops.wal_segments import Archive

PAGE = 8192
_EMPTY = bytes(PAGE)
_PAGE_ADDRESS = struct.Struct("=8xQ")
_LONG_HEADER = 0x0002
_HEADER = struct.Struct("=HHIQI4xQII")
_OPENED = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
_PROGRAMS = {".zst": "zstd", ".lz4": "lz4"}
# The number by which each major version marks its pages.
_MAGIC = {15: 0xD110, 16: 0xD113, 17: 0xD116, 18: 0xD118}


@dataclass(frozen=True)
class Header:
    """The first page of a segment."""

    magic: int
    is_long: bool
    timeline: int
    lsn: int
    system_identifier: str
    size: int

    def differs(self, *, major: int, name: str, lsn: int, system: str | None, size: int) -> str:
        """Say in what it is not the segment that its name says, or nothing."""
        timeline = int(name[:8], 16)
        if self.magic != _MAGIC.get(major, self.magic) or not self.is_long:
            return f"does not begin like a segment of PostgreSQL {major}"
        if self.lsn != lsn:
            return f"begins at {self.lsn:X} and should at {lsn:X}"
        if system is not None and self.system_identifier != system:
            return f"is of another cluster, {self.system_identifier}"
        if self.size != size:
            return f"says that segments have {self.size} bytes, and they have {size}"
        # The first segment of a timeline begins with a copy of the one before.
        return f"is of timeline {self.timeline}" if self.timeline > timeline else ""


@contextmanager
def reading() -> Generator[None]:
    """Translate what keeps us from reading a file of a backup or an archive.

    Raises:
        Refused: we may not read it.
        Unavailable: it went while we looked, or the disk does not answer.
    """
    try:
        yield
    except PermissionError as error:
        raise errors.Refused(
            f"{error.filename} may not be read by this user, so nobody knows whether the backups are good. Let the "
            "worker's user read the folders of the backups and of the WAL."
        ) from None
    except OSError as error:
        raise errors.Unavailable(
            f"{error.filename or 'A file of the backups'} could not be read: {error.strerror}. It may just have been "
            "removed; look at the disk where it was not."
        ) from None


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of the files in an archive, in order; what is no file, such as a pipe, is not there.

    Raises:
        Refused: there is no such folder, or we may not read it.
    """
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_file()))
    except OSError as error:
        raise errors.Refused(
            f"The archive of WAL {folder} cannot be read ({error.strerror}), so no point in time can be restored. "
            "Name the folder into which archive_command writes, as backups.physical.wal."
        ) from None


def histories(folder: Path, archive: Archive, listed: Mapping[str, str]) -> dict[int, str]:
    """Return the text of each history file by its timeline."""
    found: dict[int, str] = {}
    for timeline in archive.histories:
        name = f"{timeline:08X}.history"
        with opened(folder / listed.get(name, name)) as file:
            found[timeline] = file.read().decode("utf-8", "replace")
    return found


def plain(name: str) -> str:
    """Return a name without the suffix of its compression, and without what else was added to it."""
    for suffix in wal_segments.SUFFIXES:
        name = name.removesuffix(suffix)
    return name if name.endswith((".history", ".partial", ".backup")) else name[:24]


def opened(path: Path) -> IO[bytes]:
    """Open a file of an archive for reading, whatever it is compressed with.

    Raises:
        Refused: the program that unpacks it is not installed.
        OSError: it cannot be read, or is damaged.
    """
    if path.suffix in _OPENED:
        return cast("IO[bytes]", _OPENED[path.suffix](path, "rb"))
    if path.suffix not in _PROGRAMS:
        return path.open("rb")
    program = _PROGRAMS[path.suffix]
    if shutil.which(program) is None:
        raise errors.Refused(
            f"{path.name} is compressed and {program} is not installed, so it cannot be read. Install {program}."
        )
    unpacked = subprocess.run([program, "-dc", path], capture_output=True, check=False)
    if unpacked.returncode:
        said = (
            unpacked.stderr.decode("utf-8", "replace").strip()
            or f"{program} ended with {unpacked.returncode}"
        )
        raise OSError(said)
    return io.BytesIO(unpacked.stdout)


def header(path: Path) -> Header | None:
    """Read the first page of a segment; None where there is not even that."""
    with opened(path) as file:
        start = file.read(_HEADER.size)
    if len(start) < _HEADER.size:
        return None
    magic, info, timeline, lsn, _, system, size, _ = _HEADER.unpack(start)
    return Header(magic, bool(info & _LONG_HEADER), timeline, lsn, str(system), size)


def is_lost(page: bytes, *, lsn: int) -> bool:
    """Whether a page is neither empty nor says that this is its place."""
    return page != _EMPTY[: len(page)] and (len(page) < PAGE or _PAGE_ADDRESS.unpack_from(page)[0] != lsn)
