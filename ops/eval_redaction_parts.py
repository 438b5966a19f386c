"""Texts put together again of many pieces, in the memory of the text and not of the pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Piece = TypeVar("Piece", str, bytes)
Span = tuple[int, int]
Masked = tuple[int, int, str]
# So many pieces are held apart: each costs ten times what is in it where it is short.
_TOGETHER = 4096


def joined(pieces: Iterable[Piece], together: Callable[[list[Piece]], Piece]) -> Piece:
    """Return the pieces as one; `together` is the `join` of their kind."""
    left = iter(pieces)
    blocks: list[Piece] = []
    while some := list(islice(left, _TOGETHER)):
        blocks.append(together(some))
    return together(blocks)


def without(text: str, spans: Iterable[Masked], found: set[str], kind: str) -> str:
    """Return a text with its mask in place of each span, and add the kind to `found` if there was one."""
    some = iter(spans)
    first = next(some, None)
    if first is None:
        return text
    found.add(kind)
    return joined(_around(text, first, some), "".join)


def _around(text: str, first: Masked, rest: Iterator[Masked]) -> Iterator[str]:
    start, end, mask = first
    yield text[:start]
    yield mask
    for start, stop, mask in rest:
        if start >= end:
            yield text[end:start]
            yield mask
            end = stop
    yield text[end:]
