"""Schemas compared object by object, and the arithmetic of what changed between them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from ops import parts
from ops.schema import Delta, Key, Snapshot
from ops.verdict import Difference

# What exists in the whole cluster and not in one database: two databases are not compared by it.
CLUSTER = frozenset({"role", "role membership", "setting"})
# What is named after what stands on its own.
_LATER = frozenset(
    {"column", "column order", "constraint", "index", "trigger", "policy", "rule", "grant", "comment"}
)


def between(before: Snapshot, after: Snapshot) -> Delta:
    """Return what is not the same in two snapshots."""
    keys = before.keys() | after.keys()
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def compose(first: Delta, second: Delta) -> Delta:
    """Return what two changes, one after the other, amount to; what they undo of each other is left out."""
    result = dict(first)
    for key, (before, after) in second.items():
        start = result[key][0] if key in result else before
        result[key] = (start, after)
    return {key: (before, after) for key, (before, after) in result.items() if before != after}


def invert(delta: Delta) -> Delta:
    """Return the change that undoes this one."""
    return {key: (after, before) for key, (before, after) in delta.items()}


def patched(snapshot: Snapshot, delta: Delta) -> Snapshot:
    """Return the snapshot with a change made to it."""
    result = dict(snapshot)
    for key, (_, after) in delta.items():
        if after is None:
            result.pop(key, None)
        else:
            result[key] = after
    return result


def compare(expected: Snapshot, found: Snapshot) -> tuple[Difference, ...]:
    """Name every object that is not the same on both sides."""
    return differences(between(expected, found))


def differences(delta: Delta) -> tuple[Difference, ...]:
    """Name every object of a change.

    What is gone or new with the whole that it belongs to is not listed again: neither a table's columns, indexes,
    policies, grants and comments, nor the index of a constraint, the comment on a column or the sequence behind it.
    """
    whole = {key for key, (before, after) in delta.items() if before is None or after is None}
    return tuple(
        Difference(kind=kind, object=identity, before=before, after=after)
        for (kind, identity), (before, after) in sorted(delta.items(), key=_order)
        if not _goes_without_saying((kind, identity), before, after, whole)
    )


def without_cluster(snapshot: Snapshot) -> Snapshot:
    """Leave out what belongs to the whole cluster."""
    return {key: text for key, text in snapshot.items() if key[0] not in CLUSTER}


def _goes_without_saying(key: Key, before: str | None, after: str | None, whole: AbstractSet[Key]) -> bool:
    if key[0] == "column order" and _is_same_order(before or "", after or ""):
        return True
    return any(owner in whole for owner in parts.owners(key, before or after or ""))


def _is_same_order(before: str, after: str) -> bool:
    """Whether the columns that both have stand in the same order; that others are gone or new is said elsewhere."""
    left, right = parts.names(before), parts.names(after)
    both = set(left) & set(right)
    return [name for name in left if name in both] == [name for name in right if name in both]


def _order(item: tuple[Key, object]) -> tuple[bool, str, str]:
    (kind, identity), _ = item
    return (kind in _LATER, identity, kind)
