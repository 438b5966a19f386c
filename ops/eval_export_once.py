"""Keeps each record once: one whose time was changed meanwhile stands in two pages, and others stand in two files."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ops import eval_export_fields, eval_export_files
from ops.eval_export_fields import Picked

_NAMED, _SHOWN = 5, 60


@dataclass(slots=True)
class Doubles:
    """The lines whose record comes again later, by number, and of how many the two differ; some of these by key."""

    numbers: set[int] = field(default_factory=set[int])
    differing: int = 0
    keys: list[str] = field(default_factory=list[str])

    @property
    def said(self) -> tuple[str, ...]:
        """One sentence, if there are any."""
        if not self.numbers:
            return ()
        same = "all of them alike" if not self.differing else f"{self.differing:,} of them differ"
        named = (
            f": {', '.join(self.keys)}{', …' if self.differing > len(self.keys) else ''}" if self.keys else ""
        )
        kept = "; the later one is kept" if self.differing else ""
        return (
            f"{len(self.numbers):,} records stood there once more with the key of another, {same}{named}{kept}.",
        )


def doubles(records: Path, hashes: array[int], picked: Picked) -> Doubles:
    """Return the lines whose record comes again later, which is newer."""
    found = Doubles()
    if not (alike := _alike(hashes)):
        return found
    last: dict[str, tuple[int, bytes]] = {}
    with records.open("rb") as file:
        for number, line in enumerate(file):
            if number not in alike:
                continue
            _, key = picked.of(eval_export_fields.loaded(line))
            if key is not None:
                digest = hashlib.blake2b(line.strip(), digest_size=16).digest()
                if key in last:
                    _add(found, key, last[key][0], differs=last[key][1] != digest)
                last[key] = number, digest
    return found


def _add(found: Doubles, key: str, number: int, *, differs: bool) -> None:
    found.numbers.add(number)
    found.differing += differs
    shown = key if len(key) <= _SHOWN else f"{key[:_SHOWN]}…"
    if differs and len(found.keys) < _NAMED and shown not in found.keys:
        found.keys.append(shown)


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
