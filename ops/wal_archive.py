"""An `archive_command` that is right: what it says is archived is whole, on disk, and nothing else than it was.

    archive_command = 'runbooks archive-wal %p %f /srv/backups/wal'

It runs once for each segment, one after the other, so that it imports next to nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

_CHUNK = 1 << 20
_USAGE = "Usage: runbooks archive-wal %p %f DIRECTORY"
_LETTERS = frozenset("0123456789ABCDEFabcdefhistorypartialbackup.")
# Whoever verifies the backups is often another user of the group.
_MODE = 0o640


class _NotArchivedError(Exception):
    """Why a file was not archived; Postgres keeps it and tries again."""


def main(arguments: list[str]) -> int:
    """Archive one file; 0 says to Postgres that it may remove its own, anything else that it must not."""
    if len(arguments) != 3:
        print(_USAGE, file=sys.stderr)
        return 2
    source, name, folder = arguments
    try:
        archive(Path(source), name, Path(folder))
    except _NotArchivedError as error:
        print(f"{name} is not archived: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{name} is not archived: {error.strerror} ({error.filename or folder})", file=sys.stderr)
        return 1
    return 0


def archive(source: Path, name: str, folder: Path) -> None:
    """Copy a file into an archive, flushed, under its name only when it is whole; the same one again is fine."""
    if not name or name.startswith(".") or not _LETTERS.issuperset(name):
        raise _NotArchivedError("that is no name of a file of the WAL")
    target = folder / name
    if target.exists():
        _is_the_same(source, target)
    else:
        _copy(source, target)
    # Also where it was there: whoever wrote it may have died before this.
    _flush(folder)


def _is_the_same(source: Path, target: Path) -> None:
    with source.open("rb") as one, target.open("rb") as other:
        while chunk := one.read(_CHUNK):
            if chunk != other.read(_CHUNK):
                raise _NotArchivedError(
                    f"{target} is there and is another one. Two clusters may write to one archive; look before "
                    "anything is removed."
                )
        if other.read(1):
            raise _NotArchivedError(f"{target} is there and is longer.")
        os.fsync(other.fileno())


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with source.open("rb") as read, temporary.open("xb") as written:
            os.fchmod(written.fileno(), _MODE)
            while chunk := read.read(_CHUNK):
                written.write(chunk)
            written.flush()
            os.fsync(written.fileno())
        _name(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _name(temporary: Path, target: Path) -> None:
    """Give a file its name, unless somebody else has just made one of it."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise _NotArchivedError(f"{target} was made by somebody else just now") from None
    except OSError:
        # Not every file system has links.
        temporary.rename(target)


def _flush(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
