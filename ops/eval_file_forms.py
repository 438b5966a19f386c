"""What a file of records is when it is not lines of JSON: read where that is plain, refused by its name where not."""

from __future__ import annotations

import codecs
import importlib
import json
import lzma
import shutil
import zlib
from pathlib import Path
from typing import IO, Any, cast

import orjson

from ops import errors

# An array of records has no lines, so all of it is in memory at once.
LARGEST_ARRAY = 64 * 1024 * 1024
_BLOCK = 1024 * 1024
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}
_OTHERS = {
    b"PK\x03\x04": "a zip archive (or a spreadsheet)",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PAR1": "a Parquet file",
    b"SQLite format 3\x00": "an SQLite database",
    b"%PDF": "a PDF",
}
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"{\x00", "utf-16-le"),
    (b"[\x00", "utf-16-le"),
    (b"\x00{", "utf-16-be"),
    (b"\x00[", "utf-16-be"),
)


def lines(path: Path, folder: Path) -> Path:
    """Return a file of the same records, one a line: this one, or one in a folder that is made of it.

    Raises:
        Refused: it holds no lines of JSON, nor what can be made into them; says what it is.
    """
    found = path
    for step in range(3):
        made = folder / f"{step}-{path.name}"
        with found.open("rb") as file:
            start = file.read(16)
        if not _made(found, start, made, named=path.name):
            return found
        found = made
    return found


def _made(path: Path, start: bytes, made: Path, *, named: str) -> bool:
    """Write what a file is made into, and say whether it had to be."""
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise _refused(named, what, "Export the records as JSONL, one JSON object a line.")
    for magic, program in _PACKED.items():
        if start.startswith(magic):
            _unpack(path, made, program, named=named)
            return True
    for mark, encoding in _ENCODINGS:
        if start.startswith(mark):
            _recode(path, made, encoding, named=named)
            return True
    if start.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"[", b"{"):
        return _spread(path, made, named=named)
    return False


def _unpack(path: Path, made: Path, program: str, *, named: str) -> None:
    opened = importlib.import_module(program).open
    try:
        with opened(path, "rb") as packed, made.open("wb") as file:
            shutil.copyfileobj(packed, file, _BLOCK)
    except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        # What the disk says has a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        what = f"packed by {program} and broken or cut off ({type(error).__name__})"
        raise _refused(named, what, "Copy it anew.") from None


def _recode(path: Path, made: Path, encoding: str, *, named: str) -> None:
    try:
        with (
            path.open(encoding=encoding, newline="") as text,
            made.open("w", encoding="utf-8", newline="") as file,
        ):
            shutil.copyfileobj(text, file, _BLOCK)
    except UnicodeError:
        raise _refused(
            named,
            f"{encoding.upper()} that is broken",
            f"Make it UTF-8: iconv -f {encoding.upper()} -t UTF-8.",
        ) from None


def _spread(path: Path, made: Path, *, named: str) -> bool:
    """Write the records of an array as lines, if the file is one; JSON over several lines that is none is refused."""
    if _is_lines(path):
        return False
    if path.stat().st_size > LARGEST_ARRAY:
        if _first(path) == b"[":
            raise _refused(
                named, "a JSON array and too large to be read whole", f"Spread it: jq -c '.[]' {named}."
            )
        return False
    try:
        # Whole numbers of any size stay what they are, and so does NaN.
        whole: Any = json.loads(path.read_bytes().decode("utf-8-sig", "surrogateescape"), strict=False)
    except (ValueError, RecursionError):
        return False
    if isinstance(whole, dict):
        inner = [name for name, value in cast("dict[str, object]", whole).items() if isinstance(value, list)]
        where = f".{inner[0]}[]" if inner else "."
        raise _refused(named, "one JSON object over several lines", f"Spread it: jq -c '{where}' {named}.")
    with made.open("wb") as file:
        file.writelines(json.dumps(each).encode() + b"\n" for each in cast("list[object]", whole))
    return True


def _is_lines(path: Path) -> bool:
    """Whether the first line that is not blank is JSON by itself, and is no array that is the whole file."""
    with path.open("rb") as file:
        line = _next(file)
        try:
            orjson.loads(line.removeprefix(codecs.BOM_UTF8))
        except orjson.JSONDecodeError:
            return False
        return not line.lstrip(codecs.BOM_UTF8 + b" \t").startswith(b"[") or bool(_next(file))


def _next(file: IO[bytes]) -> bytes:
    while line := file.readline(LARGEST_ARRAY):
        if not line.isspace():
            return line
    return b""


def _first(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()[:1]


def _refused(named: str, what: str, hint: str) -> errors.Refused:
    return errors.Refused(f"{named} is {what}, so no record of it can be read. {hint}")
