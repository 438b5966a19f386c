"""The file of records as it grows: redacted, counted, and cut back to its last whole page after an interruption."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections import Counter, deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ops import (
    eval_export_fields,
    eval_export_files,
    eval_export_state,
    eval_mapping,
    eval_records,
    eval_redaction,
    eval_redaction_looks,
    secrets,
)
from ops.eval_export_source import Record
from ops.eval_export_state import Begun
from ops.eval_redaction_looks import Look
from ops.evals import Cursor

_ALONE = 0


class _Fresh(NamedTuple):
    """What of a page was not read before, where the page ends, and of how many records the rest is."""

    records: list[Record]
    place: Cursor | None
    repeated: int = 0
    late: int = 0


class Writing:
    """Adds pages to the file of records; `hashes` has one of the key of each line, by which doubles are found."""

    def __init__(
        self, folder: Path, state: Begun, *, known: frozenset[str], overlap: timedelta, key: str, created: str
    ) -> None:
        self.state = state
        self.hashes = array("q")
        self.recent: deque[tuple[datetime, str]] = deque()
        self.undated: list[str] = []
        self._folder = folder
        self._known = known
        self._overlap = overlap
        # A window of its own leaves nothing to the next run.
        self._remembers = state.window.watermark
        self._key = key
        self._picked = eval_export_fields.Picked(key, created)
        self._redacted = Counter(state.redacted)
        self._digest = hashlib.sha256()
        self._file = self._opened()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def add(self, page: list[Record], *, most: int) -> bool:
        """Add a page, whole or up to so many records in all, and say whether there is room for more.

        Raises:
            Refused: the file cannot be written.
        """
        fresh = self._fresh(page, room=most - self.state.records)
        lines = self._lines(fresh.records)
        self._write(lines)
        self.state = self.state.model_copy(
            update={
                "cursor": fresh.place or self.state.cursor,
                "bytes": self._file.tell(),
                "sha256": self._digest.hexdigest(),
                "records": self.state.records + len(lines),
                "repeated": self.state.repeated + fresh.repeated,
                "late": self.state.late + fresh.late,
                "redacted": dict(self._redacted),
            }
        )
        self._pass_over()
        eval_export_state.keep(self._folder, self.state)
        return self.state.records < most

    def flush(self) -> None:
        """Let the file be on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def _fresh(self, page: list[Record], *, room: int) -> _Fresh:
        """Return what is to be written of a page."""
        before = self.state.before
        if before is None or all(record.created and record.created > before.created for record in page):
            return _Fresh(page[:room], _last_place(page[:room]))
        records, repeated, late, seen = list[Record](), 0, 0, 0
        for record in page:
            if len(records) >= room:
                break
            seen += 1
            if record.created is None or record.created <= before.created:
                if self._is_known(record):
                    repeated += 1
                    continue
                late += record.created is not None and record.created < before.created
            records.append(record)
        return _Fresh(records, _last_place(page[:seen]), repeated, late)

    def _lines(self, records: list[Record]) -> list[bytes]:
        """Return what is written of records, and note their keys."""
        lines = [record.line for record in records]
        whole = eval_redaction_looks.BETWEEN.join(lines)
        opened, looks = secrets.may_hold(whole), eval_redaction_looks.of_page(whole)
        if opened or looks:
            return [self._line(record, opened=opened, looks=looks) for record in records]
        for record in records:
            self._note(record.created, record.key, record.line)
        return lines

    def _line(self, record: Record, *, opened: bool, looks: tuple[Look, ...]) -> bytes:
        line, what = eval_redaction.redact_line(record.line, opened=opened, page=looks)
        key = record.key
        if what:
            self._redacted.update(what)
            key = self._shown(key)
            if key != record.key:
                # Of two fields of one name the last counts: the key is not shown, and still tells records apart.
                field = eval_mapping.name(self._key) or eval_records.SHOWN_KEY
                line = eval_redaction.with_fields(line, {field: key})
        self._note(record.created, key, record.line)
        return line

    def _note(self, created: datetime | None, key: str | None, line: bytes) -> None:
        self.hashes.append(_ALONE if key is None else hash(key))
        if self._remembers:
            self._remember(
                created, eval_export_fields.digest(line) if key is None or created is None else key
            )

    def _is_known(self, record: Record) -> bool:
        if record.key is None or record.created is None:
            name = eval_export_fields.digest(record.line)
        else:
            name = self._shown(record.key) or ""
        if name not in self._known:
            return False
        self._remember(record.created, name)
        return True

    def _remember(self, created: datetime | None, name: str) -> None:
        if created is None:
            self.undated.append(name)
        else:
            self.recent.append((created, name))

    def _shown(self, key: str | None) -> str | None:
        """Return the key as it may be shown."""
        if key is None or not (
            eval_redaction_looks.suspicious(key.encode()) or secrets.may_hold(key.encode())
        ):
            return key
        return key if eval_redaction.redact_text(key) == key else eval_export_fields.digest(key.encode())

    def _pass_over(self) -> None:
        """Forget the keys that no overlap will reach."""
        if self.recent:
            oldest = self.recent[-1][0] - self._overlap
            while self.recent[0][0] < oldest:
                self.recent.popleft()

    def _write(self, lines: list[bytes]) -> None:
        data = b"".join(line + b"\n" for line in lines)
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise eval_export_files.unwritable(self._folder, error) from None
        self._digest.update(data)

    def _opened(self) -> BinaryIO:
        """Open the file, cut to what counts; what it holds is looked through again."""
        path = self._folder / eval_export_state.RECORDS
        try:
            file = path.open("a+b")
            file.truncate(self.state.bytes)
            file.seek(0)
            for line in file:
                self._digest.update(line)
                created, key = self._picked.of(eval_export_fields.loaded(line))
                self._note(created, key, line[:-1])
            self._pass_over()
        except OSError as error:
            raise eval_export_files.unwritable(path, error) from None
        return file


def _last_place(records: list[Record]) -> Cursor | None:
    return next((record.place for record in reversed(records) if record.place), None)


def is_intact(folder: Path, state: Begun) -> bool:
    """Whether the bytes that count are still in the file of records."""
    digest = hashlib.sha256()
    left = state.bytes
    try:
        with (folder / eval_export_state.RECORDS).open("rb") as file:
            while left and (data := file.read(min(left, 1 << 20))):
                digest.update(data)
                left -= len(data)
    except OSError:
        return False
    return not left and digest.hexdigest() == state.sha256
