"""Whether the audit log is what was written: its hashes, its copy, and the trigger that guards it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from ops import database, queries
from ops.audit import ORIGIN, Log, Row
from ops.evidence import Evidence

_ROTATED = "the key that audit_key names: has it been rotated?"
_KEYLESS = "having no key, and audit_key names none: has it been taken away?"


def verify(log: Log) -> Evidence:
    """Compare the log with its hashes and with its copy in the evidence store, row by row.

    Raises:
        Unavailable: the connection is lost.
    """
    with database.translating():
        ((exists, guarded),) = log.connection.execute(queries.load("audit/guarded")).fetchall()
    rows = log.rows() if exists else []
    copies, torn = _copies(log.store.lines())
    found = [*_chain(rows, log.key, "the database"), *_chain(copies, log.key, "the copy"), *torn]
    found += _compared({row.id: row for row in rows}, {row.id: row for row in copies})
    if exists and not guarded:
        found.append("the trigger that refuses changes is gone, switched off or another one")
    behind = max(0, (rows[-1].id if rows else 0) - (copies[-1].id if copies else 0))
    return Evidence(
        ok=not found,
        summary=_summary(len(rows), found, keyed=bool(log.key), behind=behind),
        rows=tuple({"finding": said} for said in found),
    )


def _copies(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    torn: list[str] = []
    for number, line in enumerate(lines, 1):
        try:
            rows.append(Row.read(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            torn.append(f"line {number} of the copy is no row of an audit log")
    return rows, torn


def _chain(rows: list[Row], key: str, where: str) -> Iterator[str]:
    previous, expected = ORIGIN, 1
    yield from _unfit(
        [row.id for row in rows if row.hash != row.hashed(key)], len(rows), where, keyed=bool(key)
    )
    for row in rows:
        if row.id != expected:
            yield f"row {expected} is missing in {where}, and the next is {row.id}"
        elif row.previous != previous:
            yield f"row {row.id} in {where} does not follow the one before"
        previous, expected = row.hash, row.id + 1


def _unfit(numbers: list[int], count: int, where: str, *, keyed: bool) -> Iterator[str]:
    """Yield which rows do not have the hash that they should have; many in a row are most likely another key."""
    if count > 1 and len(numbers) == count:
        named = _ROTATED if keyed else _KEYLESS
        yield f"no row in {where} fits {named} Verify with the key of then; else all {count} were changed"
        return
    for first, last in _runs(numbers):
        rows = f"row {first} in {where} was" if first == last else f"rows {first} to {last} in {where} were"
        yield f"{rows} changed, or hashed with another key"


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _compared(rows: dict[int, Row], copies: dict[int, Row]) -> Iterator[str]:
    for number, copy in sorted(copies.items()):
        row = rows.get(number)
        if row is None:
            yield f"row {number} ({copy.event} by {copy.actor or 'nobody'}) is in the copy and not in the database"
        elif row.hash != copy.hash:
            yield f"row {number} in the database is not the one that was copied"


def _summary(count: int, found: list[str], *, keyed: bool, behind: int) -> str:
    if found:
        return (
            f"The audit log is not what was written: {found[0]}{f', and {len(found) - 1} more' if found[1:] else ''}. "
            "Keep both as they are, and compare with the evidence of the runs. A restore to a point in time, too, "
            "takes rows away from the database."
        )
    unkeyed = "" if keyed else " Its hashes have no key, so only the copy vouches for it."
    late = f" The copy is {behind} rows behind; the next run catches up." if behind else ""
    return f"The audit log's {count} rows are whole, and its copy agrees.{unkeyed}{late}"
