"""How a restored cluster gets at an archive of WAL: by a script that reads it, and never writes there."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from ops import copying, errors, scratch, wal_segments
from ops.backups import Backup
from ops.os_user import OsUser
from ops.scratch import Scratch

# $1: name of a file of the WAL; $2: where it should go. What is not there is no error: recovery tries and sees.
_FETCH = """#!/bin/sh
archive={archive}
if [ -f "$archive/$1" ]; then exec cp -- "$archive/$1" "$2"; fi
for each in gz:gzip zst:zstd lz4:lz4 bz2:bzip2 xz:xz; do
    if [ -f "$archive/$1.${{each%%:*}}" ]; then "${{each##*:}}" -dc < "$archive/$1.${{each%%:*}}" > "$2"; exit; fi
done
exit 1
"""
_SEGMENT, _TIMELINE = len("000000010000000000000001"), len("00000001")


def offered(archive: Path, place: Scratch) -> str:
    """Return the `restore_command` by which the scratch cluster reads an archive."""
    script = place.home / "fetch-wal"
    script.write_text(_FETCH.format(archive=shlex.quote(str(archive))))
    script.chmod(0o755)
    return f"{scratch.shell(script)} %f %p"


def to_copy(archive: Path, user: OsUser, *, since: Backup) -> int | None:
    """Return how many bytes of an archive must be copied, since the server's user may not read it; None: it may.

    Raises:
        CheckFailed: there is no archive.
    """
    if not archive.is_dir():
        raise errors.CheckFailed(f"{archive}, the archive of WAL, is not there, so nothing can be replayed.")
    line = f'cd {shlex.quote(str(archive))} && for f in *; do [ -r "$f" ] || exit 1; done'
    if user.run("/bin/sh", "-c", line).returncode == 0:
        return None
    needed = _needed(since)
    return sum(path.stat().st_size for path in archive.iterdir() if needed(path.name) and path.is_file())


def copied(archive: Path, place: Scratch, *, since: Backup, told: copying.Told) -> Path:
    """Copy what recovery can need of an archive into the scratch folder, and return where it is.

    Raises:
        Unavailable: there is no room for it.
    """
    copy = place.home / "wal"
    copying.some(archive, copy, _needed(since), told=told)
    place.user.own(copy)
    return copy


def count(archive: Path, since: Backup) -> int:
    """Return how many segments an archive has from a backup's start on."""
    first = _first(since)
    names = {path.name[:_SEGMENT] for path in archive.iterdir() if ".backup" not in path.name}
    return sum(1 for name in names if len(name) == _SEGMENT and name[_TIMELINE:] >= first)


def _needed(since: Backup) -> Callable[[str], bool]:
    first = _first(since)
    return lambda name: len(name) < _SEGMENT or name[_TIMELINE:_SEGMENT] >= first


def _first(backup: Backup) -> str:
    """Return the part of a segment's name after its timeline from which on recovery can need it."""
    if backup.start_lsn is None:
        return ""
    size = backup.segment_size
    return wal_segments.name_of(1, backup.start_lsn // size, size=size)[_TIMELINE:]
