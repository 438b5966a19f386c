"""Archived WAL read whole: the first page of each segment, and every record by `pg_waldump`."""

from __future__ import annotations

import lzma
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ops import recovery_target, wal_files, wal_segments
from ops.backups import Backup, Ended, Problem
from ops.physical_holdings import Wal
from ops.wal_segments import Run, Stretch

# So many segments are read at once, so that progress is seen and what is unpacked for it stays small.
_AT_ONCE = 64
_MOST_DAMAGED = 20
_PLACE = re.compile(r"([0-9A-F]{1,8}/[0-9A-F]{1,8})")
_RECORD = re.compile(r"lsn: ([0-9A-F]+/[0-9A-F]+), .*?desc: (.*)")
_ENDED = re.compile(r"(?:COMMIT|ABORT)(?:_PREPARED \d+:)? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) UTC")
_TODO = "Bring a good copy of it back; else make a new base backup now, and look at the disk of the archive."


@dataclass(frozen=True)
class Range:
    """Segments of one timeline that are all there, and the place from which they are read."""

    timeline: int
    start: int
    run: Run

    @property
    def count(self) -> int:
        return self.run.last - self.run.first + 1


def ranges(stretches: Iterable[Stretch], *, size: int, last: int | None = None) -> tuple[Range, ...]:
    """Return what there is of the WAL that a backup needs, up to the segment of the number `last`."""
    found: list[Range] = []
    for each in stretches:
        for run in each.runs:
            first, end = max(run.first, each.first), min(run.last, each.last)
            end = end if last is None else min(end, last)
            if first <= end:
                found.append(Range(each.timeline, max(each.start, first * size), Run(first, end)))
    return tuple(found)


def bad_headers(wal: Wal, backup: Backup, asked: Iterable[Range]) -> tuple[Problem, ...]:
    """Look at the size and the first page of each segment, which is cheap."""
    found: list[Problem] = []
    for each in asked:
        for number in range(each.run.first, each.run.last + 1):
            said = _header_says(wal, backup, wal.path(each.timeline, number), number)
            if said:
                found.append(_damaged(wal.archive.name(each.timeline, number), said))
    return tuple(found)


def bad_records(
    wal: Wal,
    asked: Iterable[Range],
    *,
    bindir: Path,
    passed: Callable[[int], None],
    known: frozenset[str] = frozenset(),
) -> tuple[Problem, ...]:
    """Read every record but those of segments `known` to be bad; `passed` is told how many segments were read.

    Raises:
        Refused: a segment cannot be unpacked here.
    """
    found: dict[str, Problem] = {}
    for each in asked:
        for first in range(each.run.first, each.run.last + 1, _AT_ONCE):
            # One more than the part itself, since a record may go on in the next segment.
            run = Run(first, min(first + _AT_ONCE, each.run.last))
            start = max(each.start, first * wal.archive.size)
            part = Range(each.timeline, start, run)
            for problem in _bad_in(wal, part, known, bindir):
                found.setdefault(problem.object, problem)
            passed(min(_AT_ONCE, each.run.last + 1 - first))
            if len(found) >= _MOST_DAMAGED:
                return tuple(found.values())
    return tuple(found.values())


def records(wal: Wal, asked: Iterable[Range], *, bindir: Path, kind: str) -> Generator[tuple[int, str]]:
    """Yield place and description of each record of one resource manager that can be read, from old to new.

    Raises:
        Refused: a segment cannot be unpacked here.
    """
    for each in asked:
        for first in range(each.run.first, each.run.last + 1, _AT_ONCE):
            run = Run(first, min(first + _AT_ONCE, each.run.last))
            part = Range(each.timeline, max(each.start, first * wal.archive.size), run)
            with _readable(wal, part, frozenset()) as (folder, unpacked_badly):
                for whole in _without(wal, part, frozenset(bad.object for bad in unpacked_badly)):
                    for line in _told(wal, whole, folder, bindir, kind):
                        if found := _RECORD.search(line):
                            yield recovery_target.lsn(found[1]), found[2]


def ended(description: str) -> datetime | None:
    """Return when a transaction ended, where this is the description of the record of its end."""
    found = _ENDED.search(description)
    return datetime.fromisoformat(f"{found[1]}+00:00") if found else None


def first_end(dumped: str) -> Ended | None:
    """Return the first end of a transaction in what pg_waldump has written."""
    for line in dumped.splitlines():
        if (found := _RECORD.search(line)) and (at := ended(found[2])):
            return Ended(recovery_target.lsn(found[1]), at)
    return None


def _bad_in(wal: Wal, part: Range, known: frozenset[str], bindir: Path) -> Generator[Problem]:
    with _readable(wal, part, known) as (folder, unpacked_badly):
        yield from unpacked_badly
        for whole in _without(wal, part, known | {problem.object for problem in unpacked_badly}):
            yield from _bad_pages(wal, whole, folder)
            yield from _read_part(wal, whole, folder, bindir)


def _header_says(wal: Wal, backup: Backup, path: Path, number: int) -> str:
    size = wal.archive.size
    if path.suffix not in wal_segments.SUFFIXES and (there := path.stat().st_size) != size:
        return f"has {there} bytes and should have {size}"
    try:
        header = wal_files.header(path)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        return f"cannot be read ({error})"
    if header is None:
        return "has not even a first page"
    return header.differs(
        major=backup.major, name=path.name, lsn=number * size, system=backup.system_identifier, size=size
    )


def _bad_pages(wal: Wal, part: Range, folder: Path) -> Generator[Problem]:
    """Look for pages that have something on them and no header: after a switch, where no record is, all is empty."""
    size = wal.archive.size
    for number in _numbers(part.run):
        name = wal.archive.name(part.timeline, number)
        content = (folder / name).read_bytes()
        for at in range(0, len(content), wal_files.PAGE):
            page = content[at : at + wal_files.PAGE]
            if wal_files.is_lost(page, lsn=number * size + at):
                place = recovery_target.written(number * size + at)
                yield _damaged(name, f"has a page that is neither empty nor one of its own, at {place}")
                break


def _read_part(wal: Wal, part: Range, folder: Path, bindir: Path) -> Generator[Problem]:
    for place, _, said in _dumped(wal, part, folder, bindir, "--quiet"):
        if said:
            yield _damaged(
                wal.archive.name(part.timeline, place // wal.archive.size), f"cannot be read: {said}"
            )


def _told(wal: Wal, part: Range, folder: Path, bindir: Path, kind: str) -> Generator[str]:
    for _, lines, _ in _dumped(wal, part, folder, bindir, f"--rmgr={kind}"):
        yield from lines.splitlines()


def _dumped(wal: Wal, part: Range, folder: Path, bindir: Path, what: str) -> Generator[tuple[int, str, str]]:
    """Read from the start, and where a record is damaged, on from the next segment; yield that place, and what it is.

    In between is what was read.
    """
    size = wal.archive.size
    start, end = part.start, (part.run.last + 1) * size
    while start < end:
        lines, said = _dump(bindir, folder, part.timeline, start, end, what)
        places = [recovery_target.lsn(each) for each in _PLACE.findall(said)]
        place = next((each for each in reversed(places) if start <= each < end), start)
        yield place, lines, said
        if not said:
            return
        start = (place // size + 1) * size


def _dump(bindir: Path, folder: Path, timeline: int, start: int, end: int, what: str) -> tuple[str, str]:
    """Return what pg_waldump writes of a range, and what it has to say against it, or nothing."""
    done = subprocess.run(
        [
            *(bindir / "pg_waldump", what, "--path", folder, "--timeline", str(timeline)),
            *("--start", recovery_target.written(start), "--end", recovery_target.written(end)),
        ],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env={"LC_ALL": "C", "TZ": "UTC"},
    )
    if done.returncode == 0:
        return done.stdout, ""
    said = [line.partition("error: ")[2] for line in done.stderr.splitlines() if "error: " in line]
    return done.stdout, said[-1] if said else f"pg_waldump ended with {done.returncode}"


@contextmanager
def _readable(wal: Wal, part: Range, known: frozenset[str]) -> Generator[tuple[Path, tuple[Problem, ...]]]:
    """Yield a folder in which pg_waldump finds the segments of a part by name, unpacked where they need it.

    Bad ones are not in it, since pg_waldump looks into any file for what all have in common; those that cannot be
    unpacked are said beside it.
    """
    names = {wal.archive.name(part.timeline, n): wal.path(part.timeline, n) for n in _numbers(part.run)}
    with tempfile.TemporaryDirectory(prefix="wal-") as made:
        said = {
            name: _unpack(path, Path(made, name), size=wal.archive.size)
            for name, path in names.items()
            if name not in known
        }
        yield Path(made), tuple(_damaged(name, each) for name, each in said.items() if each)


def _without(wal: Wal, part: Range, bad: frozenset[str]) -> Generator[Range]:
    """Yield what there is of a part between its bad segments."""
    first = part.run.first
    for number in (*_numbers(part.run), part.run.last + 1):
        if number > part.run.last or wal.archive.name(part.timeline, number) in bad:
            if first < number:
                start = max(part.start, first * wal.archive.size)
                yield Range(part.timeline, start, Run(first, number - 1))
            first = number + 1


def _unpack(packed: Path, to: Path, *, size: int) -> str:
    """Unpack a segment, or link it where it is not packed; return what is wrong with it, or nothing."""
    if packed.name == to.name:
        to.symlink_to(packed.resolve())
        return ""
    said = ""
    with to.open("wb") as unpacked:
        try:
            with wal_files.opened(packed) as content:
                shutil.copyfileobj(content, unpacked)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            said = f"cannot be unpacked ({error})"
        there = unpacked.tell()
    if not said and there != size:
        said = f"has {there} bytes unpacked and should have {size}"
    if said:
        to.unlink()
    return said


def _numbers(run: Run) -> range:
    return range(run.first, run.last + 1)


def _damaged(name: str, said: str) -> Problem:
    return Problem(kind="wal-damaged", object=name, said=f"The WAL segment {name} {said}.", todo=_TODO)
