"""On which line of a TOML file a key stands, so that a mistake is named with its place."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast


def line(text: str, keys: Sequence[str]) -> int | None:
    """Return the line of the key at the end of `keys`, or of the nearest table or key around it that there is."""
    table: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, row in enumerate(map(str.strip, text.splitlines()), 1):
        if row.startswith("["):
            found = table = _path(row) or table
        else:
            named = _path(f"{row.partition('=')[0]} = 0") if "=" in row else ()
            found = (*table, *named) if named else ()
        deep = min(len(found), len(keys))
        if found and tuple(keys[:deep]) == found[:deep] and (best is None or deep > best[0]):
            best = deep, number
    return best and best[1]


def place(file: str, text: str, keys: Sequence[str]) -> str:
    """Return `file:line` of a key, or the file alone where the key does not stand in it."""
    found = line(text, keys)
    return f"{file}:{found}" if found else file


def _path(row: str) -> tuple[str, ...]:
    """Return the keys of a header or of one entry; nothing for a line inside another value."""
    try:
        found: object = tomllib.loads(row)
    except tomllib.TOMLDecodeError:
        return ()
    path: list[str] = []
    while isinstance(found, dict) and found:
        (key, found), *_ = cast("Mapping[str, Any]", found).items()
        path.append(key)
        # An array of tables.
        if isinstance(found, list) and found:
            found = cast("list[object]", found)[0]
    return tuple(path)
