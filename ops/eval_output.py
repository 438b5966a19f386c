"""Writes what an evaluation found: the samples as one file of rows, and the records that were bad in some way.

A file is written beside its place and then takes it, so that none is ever half there.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson

from ops import eval_repeated, secrets
from ops.eval_problems import KEPT, Kept
from ops.eval_repeated import Rows

REPEATED = "key: repeated"


@contextmanager
def replacing(path: Path) -> Generator[BinaryIO]:
    """Open a file that takes the place of the one before when the block has ended well."""
    written = path.with_name(f".{path.name}.new")
    with written.open("wb") as file:
        yield file
    written.replace(path)


def write_samples(path: Path, found: Sequence[Rows], *, more: bool) -> None:
    """Write the rows of all parts but the repeated ones; `more` says that a last field is not for the table."""
    with replacing(path) as file:
        for each in found:
            with each.part.file("rows").open("rb") as rows:
                if each.numbers or more:
                    _write_some(rows, file, frozenset(each.numbers), more=more)
                else:
                    shutil.copyfileobj(rows, file, 1024 * 1024)


def _write_some(rows: BinaryIO, file: BinaryIO, skipped: Collection[int], *, more: bool) -> None:
    for number, row in enumerate(rows):
        if number not in skipped:
            file.write(row.rpartition(b"\t")[0] + b"\n" if more else row)


def write_problems(path: Path, found: Sequence[Rows]) -> None:
    """Write the kept records of all parts, of each kind the first ones, and what is no record whole."""
    counts: dict[str, int] = {}
    with replacing(path) as file:
        for each in found:
            with each.part.file("problems").open("rb") as problems:
                for line in problems:
                    if _wanted(line, counts):
                        file.write(secrets.redact(line.decode()).encode())
        _write_repeated(file, found)


def _wanted(line: bytes, counts: dict[str, int]) -> bool:
    entry = orjson.loads(line)
    wanted = entry["unreadable"]
    for kind in entry["problems"]:
        counts[kind] = counts.get(kind, 0) + 1
        wanted = wanted or counts[kind] <= KEPT
    return wanted


def _write_repeated(file: BinaryIO, found: Sequence[Rows]) -> None:
    kept = Kept(file)
    for each in found:
        with Path(each.part.records).open("rb") as records:
            for row in each.numbers[:KEPT]:
                at = eval_repeated.begins(each.part, row)
                records.seek(at)
                line = secrets.redact(_beginning(records).decode("utf-8", "replace")).encode()
                kept.odd(line, [REPEATED], at=at)


def _beginning(records: BinaryIO) -> bytes:
    return records.readline(64 * 1024)


def repeated(found: Sequence[Rows]) -> int:
    """Return how many records were there before."""
    return sum(len(each.numbers) for each in found)
