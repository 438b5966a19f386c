"""What is wrong with a line or a record: its kinds, and those who are kept to be looked at.

A kind is "line: ..." or "FIELD: ...", and is counted once per record.
"""

from __future__ import annotations

from typing import BinaryIO

import orjson

Problems = list[str]
# So many records of one kind are kept with their text; all that are no record are.
KEPT = 1000
_TEXT = 300


class Unreadable(Exception):
    """A line that is no record; says why in a few words."""


class Unjudged(Exception):
    """A measure cannot say anything of a record; says why in a few words, without the record's own."""


class Kept:
    """Counts problems by kind and keeps the first records of each in a file."""

    def __init__(self, file: BinaryIO) -> None:
        self.counts: dict[str, int] = {}
        self._file = file

    def unreadable(self, line: bytes, kind: str, *, at: int) -> None:
        """Count a line that is no record, and keep it."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self._write(line, [kind], at, unreadable=True)

    def odd(self, line: bytes, kinds: Problems, *, at: int) -> None:
        """Count a record's problems, and keep it where it is among the first of one of them."""
        new = False
        for kind in dict.fromkeys(kinds):
            count = self.counts[kind] = self.counts.get(kind, 0) + 1
            new = new or count <= KEPT
        if new:
            self._write(line, list(dict.fromkeys(kinds)), at, unreadable=False)

    def _write(self, line: bytes, kinds: Problems, at: int, *, unreadable: bool) -> None:
        text = line[: 4 * _TEXT].decode("utf-8", "replace")[:_TEXT].strip()
        entry = {"at_byte": at, "unreadable": unreadable, "problems": kinds, "text": text}
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
