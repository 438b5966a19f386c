"""Schemas compared object by object, and the arithmetic of what changed between them."""

from __future__ import annotations

from collections.abc import Iterable

from ops.schema import Delta, Key, Snapshot
from ops.verdict import Difference

# What exists in the whole cluster and not in one database: two databases are not compared by it.
CLUSTER = frozenset({"role", "role membership", "setting"})


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
    """Name every object of a change; parts of an object that is gone or new as a whole are not listed again."""
    whole = {
        identity
        for (kind, identity), (before, after) in delta.items()
        if kind in _WHOLES and None in (before, after)
    }
    return tuple(
        Difference(kind=kind, object=identity, before=before, after=after)
        for (kind, identity), (before, after) in sorted(delta.items(), key=_order)
        if not _is_part(kind, identity, whole)
    )


def without_cluster(snapshot: Snapshot) -> Snapshot:
    """Leave out what belongs to the whole cluster."""
    return {key: text for key, text in snapshot.items() if key[0] not in CLUSTER}


_WHOLES = (
    "table",
    "view",
    "materialized view",
    "foreign table",
    "type",
    "function",
    "procedure",
    "aggregate",
    "sequence",
)
_PARTS = ("column", "constraint", "trigger", "policy", "rule")


def _is_part(kind: str, identity: str, whole: Iterable[str]) -> bool:
    if kind == "column order":
        return identity in whole
    if kind in _PARTS:
        return any(identity.startswith(f"{name}.") for name in whole)
    if kind == "grant":
        return any(f" {name} to " in identity or f" {name}." in identity for name in whole)
    return False


def _order(item: tuple[Key, object]) -> tuple[bool, str, str]:
    (kind, identity), _ = item
    return (kind not in _WHOLES, identity, kind)
