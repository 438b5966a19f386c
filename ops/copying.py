"""A folder copied by several hands, in the kernel where it can, with nothing shared with what was copied.

Hard links would share: recovery writes through them into the backup. Reflinks do not, and cost next to nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ops import errors
from ops.backups import NoRoom

_HANDS = min(4, (os.cpu_count() or 1) + 1)
_PIECE = 64 * 1024**2
# The ioctl by which a file becomes another one's reflink, where the file system can do that.
_FICLONE = 0x40049409
_TABLESPACES = "pg_tblspc"
_FULL = (errno.ENOSPC, errno.EDQUOT)

Told = Callable[[int], None]


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder, tablespaces included."""
    return sum(each.stat().st_size for each, _ in _files(folder))


def tree(source: Path, target: Path, *, told: Told = lambda _done: None) -> int:
    """Copy a data directory, its tablespaces beside it, and return how many bytes that were.

    Raises:
        Unavailable: a file cannot be read or written, such as when the disk is full.
    """
    try:
        _folders(source, target)
        with ThreadPoolExecutor(_HANDS) as hands:
            waiting = [
                hands.submit(_copy, path, target / relative, told) for path, relative in _files(source)
            ]
            try:
                return sum(done.result() for done in as_completed(waiting))
            except BaseException:
                hands.shutdown(cancel_futures=True)
                raise
    except OSError as error:
        raise failed("The backup", error) from None


def _folders(source: Path, target: Path) -> None:
    """Make all folders; a tablespace, which is a link in the source, becomes a folder beside and a link to that."""
    target.mkdir(mode=0o700)
    for parent, names, _ in os.walk(source):
        relative = Path(parent).relative_to(source)
        for name in names:
            if relative == Path(_TABLESPACES) and Path(parent, name).is_symlink():
                _tablespace(Path(parent, name).resolve(strict=True), target, name)
            else:
                (target / relative / name).mkdir(mode=0o700)


def _tablespace(source: Path, target: Path, oid: str) -> None:
    own = target.parent / "tablespaces" / oid
    own.parent.mkdir(exist_ok=True)
    _folders(source, own)
    (target / _TABLESPACES / oid).symlink_to(own)


def _files(source: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file and where it is below the source; a tablespace's files are below its link."""
    for parent, names, files in os.walk(source):
        relative = Path(parent).relative_to(source)
        for name in files:
            yield Path(parent, name), relative / name
        if relative == Path(_TABLESPACES):
            for name in [each for each in names if Path(parent, each).is_symlink()]:
                for path, below in _files(Path(parent, name).resolve(strict=True)):
                    yield path, relative / name / below


def _copy(source: Path, target: Path, told: Told) -> int:
    # Whoever opens a pipe waits for somebody at its other end.
    if not stat.S_ISREG(source.stat().st_mode):
        raise errors.CheckFailed(
            f"{source} of the backup is no file, so it cannot be copied. Find out who put it there."
        )
    with source.open("rb") as reading, target.open("xb") as writing:
        os.fchmod(writing.fileno(), 0o600)
        length = os.fstat(reading.fileno()).st_size
        if not _cloned(reading.fileno(), writing.fileno()):
            _in_kernel(reading.fileno(), writing.fileno(), length)
    told(length)
    return length


def failed(what: str, error: OSError) -> errors.Unavailable:
    """Return what it means that a file could not be copied: no room, or a disk that does not answer."""
    kind = NoRoom if error.errno in _FULL else errors.Unavailable
    where = f" ({error.filename2 or error.filename})" if error.filename else ""
    return kind(f"{what} cannot be copied: {error.strerror}{where}.")


def _cloned(reading: int, writing: int) -> bool:
    with contextlib.suppress(OSError):
        fcntl.ioctl(writing, _FICLONE, reading)
        return True
    return False


def _in_kernel(reading: int, writing: int, length: int) -> None:
    done = 0
    copy = getattr(os, "copy_file_range", None)
    while copy and done < length:
        try:
            moved = copy(reading, writing, min(_PIECE, length - done))
        except OSError:
            break
        if not moved:
            break
        done += moved
    if done < length:
        os.lseek(reading, done, os.SEEK_SET)
        os.lseek(writing, done, os.SEEK_SET)
        with os.fdopen(os.dup(reading), "rb") as rest, os.fdopen(os.dup(writing), "wb") as to:
            shutil.copyfileobj(rest, to, _PIECE)


def some(
    source: Path, target: Path, wanted: Callable[[str], bool], *, told: Told = lambda _done: None
) -> int:
    """Copy the files of one folder whose names are wanted, and return how many bytes that were.

    Raises:
        Unavailable: a file cannot be read or written.
    """
    try:
        target.mkdir(mode=0o700)
        names = [entry.name for entry in os.scandir(source) if entry.is_file() and wanted(entry.name)]
        return sum(_copy(source / name, target / name, told) for name in names)
    except OSError as error:
        raise failed("The archive of WAL", error) from None
