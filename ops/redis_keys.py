"""The keys of one database of Redis, gone through in pieces by SCAN: KEYS would keep everybody waiting."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ops.redis_server import Client

AT_ONCE = 1000
OTHER = "(others)"
_SPECIAL = frozenset(b"*?[]^\\")


class Tally(NamedTuple):
    """How many keys each prefix has; `whole` says that all keys were looked at."""

    keys: dict[str, int]
    whole: bool


def batches(client: Client, prefix: str = "", *, at_once: int = AT_ONCE) -> Iterator[list[bytes]]:
    """Yield the keys that begin with a prefix, some at a time; one may come twice, as SCAN has it.

    Raises:
        RedisError: as Redis answers.
    """
    wanted = prefix.encode()
    pattern = pattern_of(prefix) if prefix else None
    cursor = 0
    while True:
        cursor, found = client.scan(cursor, match=pattern, count=at_once)
        # What the server takes for the pattern is one thing; what is counted or cleared begins with these bytes.
        if keys := [key for key in found if key.startswith(wanted)]:
            yield keys
        if cursor == 0:
            return


def pattern_of(prefix: str) -> bytes:
    """Return the pattern of SCAN for all keys that begin with exactly this."""
    return (
        b"".join(b"\\" + bytes([one]) if one in _SPECIAL else bytes([one]) for one in prefix.encode()) + b"*"
    )


def tally(client: Client, prefixes: Iterable[str], *, most: int | None) -> Tally:
    """Count the keys of each prefix, and those of none; a key that has two counts for the longer one.

    Raises:
        RedisError: as Redis answers.
    """
    known = sorted({prefix for prefix in prefixes if prefix}, key=len, reverse=True)
    seen = 0
    counts = dict.fromkeys(known, 0) | {OTHER: 0}
    for keys in batches(client):
        for key in keys:
            counts[_owner(key, known)] += 1
        seen += len(keys)
        if most is not None and seen >= most:
            return Tally(counts, whole=False)
    return Tally(counts, whole=True)


def _owner(key: bytes, known: list[str]) -> str:
    return next((prefix for prefix in known if key.startswith(prefix.encode())), OTHER)
