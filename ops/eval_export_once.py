"""Keeps each record once: one whose time was changed meanwhile stands in two pages, and others stand in two files."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ops import eval_export_fields, eval_export_files
from ops.eval_export_fields import Picked


def doubles(records: Path, hashes: array[int], picked: Picked) -> set[int]:
    """Return the numbers of the lines whose record comes again later, which is newer."""
    found: set[int] = set()
    if not (alike := _alike(hashes)):
        return found
    last: dict[str, int] = {}
    with records.open("rb") as file:
        for number, line in enumerate(file):
            if number not in alike:
                continue
            _, key = picked.of(eval_export_fields.loaded(line))
            if key is not None:
                found |= {last[key]} if key in last else set()
                last[key] = number
    return found


def leave_out(records: Path, numbers: set[int]) -> tuple[int, str]:
    """Write the file anew without these lines; return its size and digest."""
    digest, size = hashlib.sha256(), 0
    temporary = records.with_name(f".{records.name}.tmp")
    try:
        with temporary.open("wb") as file:
            for line in _others(records, numbers):
                file.write(line)
                digest.update(line)
                size += len(line)
        eval_export_files.sync(temporary)
        temporary.replace(records)
    except OSError as error:
        raise eval_export_files.unwritable(records, error) from None
    return size, digest.hexdigest()


def _others(records: Path, numbers: set[int]) -> Iterator[bytes]:
    with records.open("rb") as file:
        yield from (line for number, line in enumerate(file) if number not in numbers)


def _alike(hashes: array[int]) -> set[int]:
    """Return the places of values that are there twice; 0 stands for a line without a key."""
    values = np.frombuffer(hashes, dtype=np.int64)
    ordered = np.sort(values)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    return set(np.flatnonzero(np.isin(values, twice[twice != 0])).tolist())
