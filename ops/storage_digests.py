"""What tells whether bytes are those that were uploaded: their size, MD5 and SHA-256, and the tag that a bucket gives.

The tag of an object that was sent at once is its MD5. That of one that was sent in parts is the MD5 of the parts' MD5s
and their number, so that it can be computed anew for the sizes of parts that Storage and its clients use.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_WHOLE = re.compile(r"[0-9a-f]{32}")
_PARTS = re.compile(r"([0-9a-f]{32})-(\d+)")
_MIB = 1 << 20
_PART_SIZES = tuple(number * _MIB for number in (5, 6, 8, 10, 16, 32, 50, 64, 100))
_PIECE = 1 << 20


def plain(tag: object) -> str:
    """Return a tag without quotes and the mark of a weak one."""
    return str(tag or "").removeprefix("W/").strip('"')


def tells(tag: str) -> bool:
    """Whether a tag says something of the bytes; that of a self-hosted Storage may be of the file's time."""
    return bool(_WHOLE.fullmatch(tag) or _PARTS.fullmatch(tag))


class Digests:
    """The digests of bytes as they come by; `tag` is what is expected of them."""

    def __init__(self, tag: str = "") -> None:
        self.size = 0
        self._tag = tag
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._parts = [_Parts(size) for size in _PART_SIZES] if _PARTS.fullmatch(tag) else []

    def feed(self, pieces: Iterable[bytes]) -> Digests:
        """Take all pieces, and return these digests."""
        for piece in pieces:
            self.size += len(piece)
            self._md5.update(piece)
            self._sha256.update(piece)
            for each in self._parts:
                each.update(piece)
        return self

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def fits(self) -> bool | None:
        """Whether the bytes are those that the tag is of; None where the tag does not tell."""
        if not tells(self._tag):
            return None
        if self._tag == self.md5 or any(each.tag == self._tag for each in self._parts):
            return True
        # Parts may have been of another size than those that we know: then nobody can tell.
        return None if self._parts else False


def of_file(path: Path, tag: str = "") -> Digests:
    """Return the digests of a file.

    Raises:
        OSError: it cannot be read.
    """
    return Digests(tag).feed(pieces(path))


def pieces(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, some at a time.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


class _Parts:
    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._part = hashlib.md5(usedforsecurity=False)
        self._whole: list[bytes] = []

    def update(self, piece: bytes) -> None:
        while piece:
            head, piece = piece[: self._left], piece[self._left :]
            self._part.update(head)
            self._left -= len(head)
            if not self._left:
                self._end()

    @property
    def tag(self) -> str:
        parts = [*self._whole, *([self._part.digest()] if self._left < self._size else [])]
        return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"

    def _end(self) -> None:
        self._whole.append(self._part.digest())
        self._part = hashlib.md5(usedforsecurity=False)
        self._left = self._size
