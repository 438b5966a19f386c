"""Whether a physical backup is whole: each of its files by its manifest, and the WAL that it needs, read to the end.

Source: supabase-operations.md, "Daily": verify backup status.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path

from ops import base_backup_folder, binaries, physical_holdings, wal_files, wal_reading
from ops.backup_settings import Physical
from ops.backups import Backup, Problem, Progress
from ops.physical_holdings import Wal
from ops.wal_segments import Place

_OLDEST_THAT_TELLS = 16
_OLDEST_THAT_READS_TAR = 18
_DONE = re.compile(r"^\s*(\d+)/(\d+) kB")
_SAID = re.compile(r"(?:pg_verifybackup: )?error: (.+)")
_NEW = "Make a new base backup now; restore from an older one meanwhile."
# What pg_verifybackup says of a file, and what we call it.
_KINDS = (
    ("file-missing", re.compile(r'"(.+)" is present in the manifest but not on disk')),
    ("file-extra", re.compile(r'"(.+)" is present on disk but not in the manifest')),
    ("file-size", re.compile(r'"(.+)" has size \d+ .*but size')),
    ("file-changed", re.compile(r'checksum mismatch for file "(.+?)"')),
    ("manifest-edited", re.compile(r"manifest (?:checksum mismatch|has no checksum|size too)")),
)


def problems(
    settings: Physical,
    backup: Backup,
    progress: Progress,
    *,
    reaches: Place | None = None,
    before: Backup | None = None,
) -> tuple[Problem, ...]:
    """Read a backup, those on which it builds, and all the WAL from its start on; return what is wrong.

    WAL is read up to the start of `before`, if that is given. `reaches` is a place up to which a server
    says that it has archived: files alone do not tell what is missing last.

    Raises:
        Refused: there are no programs to read it with, or no archive, or we may not read it.
        Unavailable: a file went while we looked.
    """
    with wal_files.reading():
        return _problems(settings, backup, progress, reaches, before)


def _problems(
    settings: Physical, backup: Backup, progress: Progress, reaches: Place | None, before: Backup | None
) -> tuple[Problem, ...]:
    programs = binaries.find(settings.bindir)
    if programs.major != backup.major:
        return (_other_version(backup, programs.major),)
    found: list[Problem] = []
    for name in (*backup.parents, backup.id):
        found += _of_folder(settings.base / name, backup, programs.bindir, progress)
    wal = physical_holdings.archive(settings)
    return (*found, *_of_wal(wal, backup, programs.bindir, progress, reaches, before))


def of_folder(folder: Path, *, major: int, bindir: Path, progress: Progress) -> tuple[Problem, ...]:
    """Say what is wrong with the files of one backup, by its manifest."""
    if not (folder / base_backup_folder.MANIFEST).is_file():
        said = f"{folder.name} has no manifest, so nobody knows whether it is whole."
        return (Problem(kind="half-written", object=folder.name, said=said, todo=_NEW),)
    if not base_backup_folder.manifest_is_whole(folder):
        said = f"The manifest of {folder.name} was edited or damaged: its hash is not the one it ends with."
        return (Problem(kind="manifest-edited", object=folder.name, said=said, todo=_NEW),)
    code, lines = _verified(folder, bindir, major, progress)
    found = tuple(_read(folder, line) for line in lines)
    if code and not found:
        said = f"pg_verifybackup ended with {code} on {folder.name} and did not say why."
        return (Problem(kind="backup-unreadable", object=folder.name, said=said, todo=_NEW),)
    return found


def _of_folder(folder: Path, backup: Backup, bindir: Path, progress: Progress) -> tuple[Problem, ...]:
    if backup.major < _OLDEST_THAT_READS_TAR and base_backup_folder.is_tar(folder):
        return (_unread_tar(folder),)
    return of_folder(folder, major=backup.major, bindir=bindir, progress=progress)


def _of_wal(
    wal: Wal, backup: Backup, bindir: Path, progress: Progress, reaches: Place | None, before: Backup | None
) -> tuple[Problem, ...]:
    covered = wal.coverage(backup, reaches=reaches)
    if covered.wrong:
        return (physical_holdings.off_timeline(backup, covered.wrong),)
    size = wal.archive.size
    last = (before.start_lsn or 0) // size if before else None
    there = wal_reading.ranges(covered.stretches, size=size, last=last)
    gaps = tuple(
        physical_holdings.missing(wal.archive, gap, backup)
        for gap in covered.gaps
        if last is None or gap.first <= last
    )
    heads = wal_reading.bad_headers(wal, backup, there)
    records = wal_reading.bad_records(
        wal,
        there,
        bindir=bindir,
        passed=_counted(sum(each.count for each in there), size, progress),
        known=frozenset(problem.object for problem in heads),
    )
    return (*gaps, *heads, *records)


def _counted(segments: int, size: int, progress: Progress) -> Callable[[int], None]:
    done = 0

    def passed(count: int) -> None:
        nonlocal done
        done += count
        progress(done * size, segments * size, "bytes of WAL read")

    return passed


def _verified(folder: Path, bindir: Path, major: int, progress: Progress) -> tuple[int, tuple[str, ...]]:
    tells = ("--progress",) if major >= _OLDEST_THAT_TELLS else ()
    process = subprocess.Popen(
        [bindir / "pg_verifybackup", "--no-parse-wal", *tells, folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={"LC_ALL": "C"},
    )
    with process:
        lines = tuple(_errors(process, progress))
    return process.returncode, lines


def _errors(process: subprocess.Popen[str], progress: Progress) -> Generator[str]:
    for line in process.stderr or ():
        if done := _DONE.match(line):
            progress(int(done[1]) * 1024, int(done[2]) * 1024, "bytes of the backup read")
        elif said := _SAID.search(line):
            yield said[1]


def _read(folder: Path, line: str) -> Problem:
    for kind, pattern in _KINDS:
        if found := pattern.search(line):
            named = f"{folder.name}/{found[1]}" if pattern.groups else folder.name
            said = f"{folder.name} is not what its manifest says: {line}."
            # A file too many restores as well; it is not what was backed up, and somebody put it there.
            return Problem(kind=kind, object=named, said=said, todo=_NEW, blocks=kind != "file-extra")
    said = f"{folder.name} cannot be verified: {line}."
    return Problem(kind="backup-unreadable", object=folder.name, said=said, todo=_NEW)


def _other_version(backup: Backup, major: int) -> Problem:
    return Problem(
        kind="wrong-programs",
        object=backup.id,
        said=f"{backup.id} is of PostgreSQL {backup.major} and the programs are of {major}, so it was not read.",
        todo=f"Name the folder of the programs of {backup.major} as backups.physical.bindir.",
    )


def _unread_tar(folder: Path) -> Problem:
    return Problem(
        kind="tar-unread",
        object=folder.name,
        said=f"{folder.name} is of tar files, which pg_verifybackup reads from {_OLDEST_THAT_READS_TAR} on: not read.",
        todo="Make base backups with --format=plain, or unpack it and verify that.",
    )
