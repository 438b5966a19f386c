"""SQL files as bytes: what can be read at all, and as which text."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ops import statements

MAX_BYTES = 50_000_000
_BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_LFS = b"version https://git-lfs.github.com/spec/"
_CONFLICT = re.compile(r"^<{7}(?: .*)?\n(?:.*\n)*?={7}\r?\n(?:.*\n)*?>{7}(?: |$)", re.MULTILINE)
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text without its byte order mark, or the problem for which it must be refused."""

    file: str
    path: Path
    sha256: str = ""
    text: str = ""
    problem: str | None = None
    findings: tuple[str, ...] = ()


def read(path: Path, root: Path) -> Source:
    """Read the file at `path`; what is wrong with it is a `problem`, never an exception."""
    file = path.relative_to(root).as_posix()
    problem = _unreadable(path, root)
    if problem:
        return Source(file, path, problem=f"{file}: {problem}")
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = f"cannot be read ({error.strerror}), so it cannot be applied. Give read access to it."
        return Source(file, path, problem=f"{file}: {reason}")
    return decode(content, file=file, path=path)


def decode(content: bytes, *, file: str, path: Path) -> Source:
    """Turn a file's bytes into text, or say where and why they are none."""
    digest = hashlib.sha256(content).hexdigest()
    found = _not_text(content)
    if found:
        offset, reason = found
        return Source(file, path, digest, problem=f"{file}:{_place(content, offset)}: {reason}")
    text = content.removeprefix(_BOM).decode()
    conflict = _CONFLICT.search(text)
    if conflict:
        line, column = statements.position(text, conflict.start())
        reason = "has a Git conflict that nobody resolved, so it is not SQL. Resolve it and commit the file."
        return Source(file, path, digest, text, problem=f"{file}:{line}:{column}: {reason}")
    return Source(file, path, digest, text, findings=tuple(_odd(content, text)))


def _unreadable(path: Path, root: Path) -> str | None:
    if path.is_symlink() and not path.exists():
        return (
            "is a link to a file that does not exist, so there is nothing to apply. Mend or delete the link."
        )
    if not path.resolve().is_relative_to(root.resolve()):
        return (
            "is a link to a file outside the project, which may change without a commit here, so it is not "
            "applied. Copy the file into the project."
        )
    if not path.is_file():
        return "is not a file, so it cannot be applied. Put a file in its place or rename it."
    size = path.stat().st_size
    if size > MAX_BYTES:
        return (
            f"has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that one transaction should "
            "carry. "
            "Load the rows by COPY outside the migrations, or split the file."
        )
    return None


def _not_text(content: bytes) -> tuple[int, str] | None:
    for bom, name in _WIDE_BOMS.items():
        if content.startswith(bom):
            return 0, f"is {name}, not UTF-8, so the server cannot read it. Save the file as UTF-8."
    if content.startswith(_LFS):
        return 0, (
            "is a Git LFS pointer, not the SQL itself, so there is nothing to apply. Run `git lfs pull`."
        )
    nul = content.find(b"\0")
    if nul >= 0:
        return nul, (
            f"has a NUL byte (byte {nul + 1}); whatever stands after it would be left out and reported as "
            "applied. Delete the byte, or save the file as UTF-8 if it is UTF-16."
        )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        wrong = content[error.start]
        return error.start, (
            f"is not UTF-8: byte {error.start + 1} is 0x{wrong:02x}, as in {_likely(content)}; the server "
            "would "
            "refuse the file or store wrong letters. Save it as UTF-8."
        )
    return None


def _likely(content: bytes) -> str:
    return "Windows-1252" if re.search(rb"[\x80-\x9f]", content) else "Latin-1 (ISO 8859-1)"


def _place(content: bytes, offset: int) -> str:
    before = content[:offset].removeprefix(_BOM).decode("utf-8", "replace")
    line, column = statements.position(before, len(before))
    return f"{line}:{column}"


def _odd(content: bytes, text: str) -> list[str]:
    found: list[str] = []
    if content.startswith(_BOM):
        found.append("starts with a byte order mark, which is taken off")
    invisible = _INVISIBLE.search(text)
    if invisible:
        line, column = statements.position(text, invisible.start())
        found.append(f"has an invisible character, U+{ord(invisible.group()):04X}, at {line}:{column}")
    return found
