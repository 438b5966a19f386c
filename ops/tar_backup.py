"""A base backup of tar files, as `pg_basebackup --format=tar` leaves it, read as a stream whatever packs it."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from ops import errors

SUFFIXES = ("", ".gz", ".lz4", ".zst")
_PROGRAMS = {".gz": "gzip", ".lz4": "lz4", ".zst": "zstd"}
_BASE, _WAL, _MANIFEST = "base.tar", "pg_wal.tar", "backup_manifest"
_PIECE = 1024**2
NAMES = tuple(f"{_BASE}{suffix}" for suffix in SUFFIXES)


def base(folder: Path) -> Path | None:
    """Return the tar file of the data directory, where a backup is of tar files."""
    return _there(folder, _BASE)


def wal(folder: Path) -> Path | None:
    """Return the tar file of the WAL that was streamed beside the backup, where there is one."""
    return _there(folder, _WAL)


def verify(folder: Path) -> None:
    """Look whether a backup of tar files can be unpacked here; any other one is fine.

    Raises:
        Refused: it has tablespaces, or a program that unpacks it is not installed.
    """
    if base(folder) is None:
        return
    spaces = sorted(path.name for path in folder.glob("*.tar*") if path.name.partition(".")[0].isdigit())
    if spaces:
        raise errors.Refused(
            f"{folder.name} is of tar files and has tablespaces ({', '.join(spaces)}), which are not unpacked, so "
            "nothing was restored. Make base backups with --format=plain."
        )
    for path in (base(folder), wal(folder)):
        program = _PROGRAMS.get(path.suffix) if path else None
        if program and shutil.which(program) is None:
            raise errors.Refused(
                f"{folder.name} is compressed and {program} is not installed, so nothing was restored. "
                "Install it."
            )


def contents(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return what these files of a backup's data directory have in them, reading no further than needed.

    Raises:
        OSError: it cannot be unpacked.
        tarfile.TarError: it is damaged.
    """
    wanted, found = set(names), dict[str, bytes]()
    with _unpacked(base(folder) or folder / _BASE, whole=False) as stream, _members(stream) as members:
        for member in members:
            if member.name in wanted and (content := members.extractfile(member)):
                found[member.name] = content.read()
            if found.keys() == wanted:
                break
    return found


def unpack(folder: Path, data: Path, *, told: Callable[[int], None]) -> None:
    """Unpack a backup to a data directory, as one of `--format=plain` has it.

    Raises:
        CheckFailed: it is damaged, or has something in it that no data directory has.
        OSError: it cannot be written.
    """
    data.mkdir(mode=0o700)
    for path, into in ((base(folder), data), (wal(folder), data / "pg_wal")):
        if path is None:
            continue
        try:
            with _unpacked(path, whole=True) as stream, _members(stream) as members:
                for member in members:
                    _write(members, member, into, told)
        except (tarfile.TarError, EOFError) as error:
            raise errors.CheckFailed(f"{path.name} of {folder.name} cannot be unpacked: {error}.") from None
    shutil.copyfile(folder / _MANIFEST, data / _MANIFEST)


def _there(folder: Path, name: str) -> Path | None:
    return next((folder / f"{name}{each}" for each in SUFFIXES if (folder / f"{name}{each}").is_file()), None)


def _members(stream: IO[bytes]) -> tarfile.TarFile:
    return tarfile.open(fileobj=stream, mode="r|")


@contextmanager
def _unpacked(path: Path, *, whole: bool) -> Generator[IO[bytes]]:
    """Yield what a packed file holds; one that is read `whole` must have been packed to its end."""
    program = _PROGRAMS.get(path.suffix)
    if program is None:
        with path.open("rb") as plain:
            yield plain
        return
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([program, "-dc", path], stdout=subprocess.PIPE, stderr=said)
        with process:
            if process.stdout is None:
                raise OSError(f"{program} has no output")
            yield process.stdout
            while whole and process.stdout.read(_PIECE):
                pass
        said.seek(0)
        if whole and process.returncode:
            raise tarfile.ReadError(said.read().decode("utf-8", "replace").strip() or f"{program} failed")


def _write(
    members: tarfile.TarFile, member: tarfile.TarInfo, into: Path, told: Callable[[int], None]
) -> None:
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isfile()):
        raise tarfile.ReadError(f"{member.name} is nothing that a data directory has")
    target = into / name
    if member.isdir():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        return
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with target.open("wb") as writing:
        target.chmod(0o600)
        content = members.extractfile(member)
        while content and (piece := content.read(_PIECE)):
            writing.write(piece)
            told(len(piece))
