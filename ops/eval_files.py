"""Records in JSONL files of the project: looked through once for their times, then read in the order of these."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from ops import errors, eval_export_fields, eval_file_forms
from ops.eval_export_source import Aside, Record
from ops.eval_night import Night
from ops.evals import Cursor, Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A line that says no time is in every window: before all others.
_NEVER = -(2**63)
_MARK = b"\xef\xbb\xbf"


class FileSource:
    """JSONL files below the project's root."""

    resumable = False

    def __init__(self, night: Night) -> None:
        settings = night.plan.project.eval
        self._page = settings.page
        self._picked = eval_export_fields.Picked(settings.fields.key, settings.fields.created)
        self._where = {
            eval_export_fields.column(name, of="where"): value for name, value in settings.where.items()
        }
        self._named = _found(night)
        self._folder = tempfile.TemporaryDirectory(prefix="runbooks-records-")
        try:
            self._paths = [self._lines(number, path) for number, path in enumerate(self._named)]
            self._files, self._starts, self._times = array("i"), array("q"), array("q")
            self._look()
        except BaseException:
            self.close()
            raise
        self._order = np.argsort(self._moments, kind="stable")

    @property
    def _moments(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.frombuffer(self._times, dtype=np.int64)

    def close(self) -> None:
        """Remove what was made of files that are no lines of JSON."""
        self._folder.cleanup()

    def now(self) -> datetime | None:
        """Return the moment after the newest record, unless that lies in the future."""
        now = datetime.now(UTC)
        dated = self._moments[(self._moments > _NEVER) & (self._moments < _micros(now))]
        return _EPOCH + _MICROSECOND * (int(dated.max()) + 1) if dated.size else None

    def count(self, window: Window, *, after: Cursor | None) -> int | None:
        """Return how many records of the window were made after that."""
        moments = self._moments
        first = _micros(after.created) + 1 if after else _micros(window.start)
        count = int(((moments >= first) & (moments < _micros(window.end))).sum())
        return count + (self._beside(after) if after else 0)

    def aside(self, moment: datetime) -> Aside:
        """Return how many records lie in the future; those without a time are in every window."""
        return Aside(0, int((self._moments > _micros(moment)).sum()))

    @property
    def undated(self) -> int:
        """How many lines say no time."""
        return int((self._moments == _NEVER).sum())

    def pages(self, window: Window, *, after: Cursor | None, most: int) -> Generator[list[Record]]:
        """Yield the records of the window by their times."""
        moments = self._moments[self._order]
        start, end = _micros(window.start), _micros(window.end)
        wanted = self._order[(moments == _NEVER) | ((moments >= start) & (moments < end))]
        with ExitStack() as stack:
            files = [stack.enter_context(path.open("rb")) for path in self._paths]
            for first in range(0, len(wanted), self._page):
                chosen: list[int] = wanted[first : first + self._page].tolist()
                yield [
                    self._record(_line_at(files[self._files[number]], self._starts[number]))
                    for number in chosen
                ]

    def _beside(self, after: Cursor) -> int:
        """Return how many records of the same moment come after one."""
        same: list[int] = self._order[self._moments[self._order] == _micros(after.created)].tolist()
        for left, number in enumerate(reversed(same)):
            with self._paths[self._files[number]].open("rb") as file:
                if self._record(_line_at(file, self._starts[number])).key == after.key:
                    return left
        return 0

    def _record(self, line: bytes) -> Record:
        return Record(line, *self._picked.of(eval_export_fields.loaded(line)))

    def _lines(self, number: int, path: Path) -> Path:
        with _reading(path):
            folder = Path(self._folder.name, str(number))
            folder.mkdir()
            return eval_file_forms.lines(path, folder)

    def _look(self) -> None:
        for number, path in enumerate(self._paths):
            with _reading(self._named[number]), path.open("rb") as file:
                self._look_through(file, number)

    def _look_through(self, file: BinaryIO, number: int) -> None:
        at = 0
        for line in file:
            record = eval_export_fields.loaded(line.removeprefix(_MARK).strip()) if line.strip() else None
            if line.strip(b"\xef\xbb\xbf \t\r\n") and self._is_wanted(record):
                created, _ = self._picked.of(record)
                self._files.append(number)
                self._starts.append(at)
                self._times.append(_micros(created) if created else _NEVER)
            at += len(line)

    def _is_wanted(self, record: object) -> bool:
        if not self._where or not isinstance(record, dict):
            return True
        values = cast("dict[str, Any]", record)
        return all(
            eval_export_fields.text(values.get(column)) == value for column, value in self._where.items()
        )


@contextmanager
def _reading(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise errors.Refused(
            f"{path.name} cannot be read ({error.strerror}), so its records would be missing. Give the right."
        ) from None


def _found(night: Night) -> list[Path]:
    if night.plan.given:
        return list(night.plan.given)
    root, source = night.plan.project.root, night.plan.source
    found = sorted({path for glob in source.files for path in root.glob(glob) if path.is_file()})
    if not found:
        named = ", ".join(source.files) or "none"
        raise errors.Refused(
            f"The globs of `files` ({named}) find no file, so there are no records. They count from the project's root."
        )
    return found


def _line_at(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.readline().removeprefix(_MARK).strip(b" \t\r\n")


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
