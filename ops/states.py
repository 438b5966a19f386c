"""In which state a migration file is, given what the database says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ops import history
from ops.creations import Creation
from ops.history import Applied
from ops.migrations import Migration

State = Literal[
    "pending",
    "applied",
    "edited",
    "missing-file",
    "partly-applied",
    "partly-rolled-back",
    "other-hands",
    "out-of-order",
    "duplicate",
    "refused",
    "skipped",
]


@dataclass(frozen=True)
class Seen:
    """What was read of the database.

    `begun` has the (file, SHA-256) of what an interrupted run has begun, `highest` the highest applied version,
    `existing` for each pending file how many objects it insists on making and which of them exist.
    """

    applied: Mapping[str, Applied]
    begun: frozenset[tuple[str, str]]
    highest: str
    existing: Mapping[str, tuple[int, tuple[Creation, ...]]]


def of(migration: Migration, seen: Seen, *, sharing: int) -> tuple[State, tuple[str, ...]]:
    """Return the state of a file and sentences about it; `sharing` files have its version."""
    applied = seen.applied.get(migration.version)
    if sharing > 1 and (applied is None or applied.name != migration.name):
        return "duplicate", (
            f"Version {migration.version} belongs to {sharing} files, and the history has room for one. "
            "Give each file a version of its own.",
        )
    if applied:
        return _of_rollback(migration, seen) or _state_of_applied(migration, applied)
    if migration.problem:
        return "refused", (migration.problem,)
    if (migration.file, migration.sha256) in seen.begun:
        return "pending", ("An interrupted run has begun it; the next one goes on from there.",)
    makes, there = seen.existing[migration.file]
    if there:
        return "partly-applied", (_partly(makes, there),)
    if migration.version < seen.highest:
        return "out-of-order", (
            f"Version {migration.version} is pending, but {seen.highest} is applied already, so the files "
            "would not run in their order. Give it a version above that one.",
        )
    return "pending", ()


def _of_rollback(migration: Migration, seen: Seen) -> tuple[State, tuple[str, ...]] | None:
    """Return the state of an applied migration whose rollback an interrupted run has begun and not ended."""
    script = migration.rollback
    begun = [sha256 for file, sha256 in seen.begun if script and file == script.file]
    if script is None or not begun:
        return None
    if script.sha256 in begun:
        return "partly-rolled-back", (
            "An interrupted run has begun to roll it back; the next one ends that, and applies it again.",
        )
    return "edited", (
        f"An interrupted run has begun to roll it back with {script.file}, which was changed since, so that nobody "
        "knows what is left to do. Restore that file, and put the change in when the rollback is through.",
    )


def _state_of_applied(migration: Migration, applied: Applied) -> tuple[State, tuple[str, ...]]:
    hands = () if applied.journaled else ("Applied by other hands: the history has it, the journal has not.",)
    same = applied.statements is None or history.same_statements(migration.script.text, applied.statements)
    if applied.journaled and applied.sha256 != migration.sha256:
        how = (
            "only in white space or comments"
            if same and applied.statements is not None
            else "in what it does"
        )
        return "edited", (
            f"The file was changed {how} since it was applied: its SHA-256 is {migration.sha256[:12]}, "
            f"the journal has {(applied.sha256 or 'none')[:12]}. Put the change into a new migration.",
        )
    if not same:
        return "edited", (
            *hands,
            "The file's statements are not those that were stored when it was applied. "
            "Restore the file, and put the change into a new migration.",
        )
    if applied.journaled:
        return "applied", ()
    unknown = ("Its statements were not stored, so an edit would not show.",) * (applied.statements is None)
    return "other-hands", (*hands, *unknown)


def _partly(makes: int, there: tuple[Creation, ...]) -> str:
    named = ", ".join(str(creation) for creation in there[:5]) + (" and more" if len(there) > 5 else "")
    return (
        f"{len(there)} of the {makes} objects it makes exist although its history row does not: {named}. "
        "Drop them, or record the migration as applied (supabase migration repair), before the next run."
    )
