"""Drift: a live schema against the one that migrations produce, object by object and in both directions.

Source: database-pipeline.md, "How the PR Gate Works": check for drift detection.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ops import comparison, database, drift, inventory, platform, platform_drift, queries, wordings
from ops.drift import Side
from ops.inventory import Inventory
from ops.migrations import Migration
from ops.pull_request_result import StagingDrift
from ops.schema import Key, Snapshot
from ops.verdict import Difference

_VERSION = re.compile(r"\Aversion (\S+) in (.*)\Z", re.DOTALL)
_ABOUT_EXTENSION = "extension "
_MOST_STRANGE = 8


@dataclass(frozen=True, slots=True)
class Usual:
    """What an extension is by itself on one server: its version and its comment."""

    version: str | None
    comment: str | None


Extensions = Mapping[str, Usual]


@dataclass(frozen=True, slots=True)
class Staging:
    """The live staging as it was when it was read; `told` says that its login may see secrets."""

    side: Side
    snapshot: Snapshot
    told: bool
    applied: Inventory
    extensions: Extensions

    @property
    def unknown(self) -> tuple[str, ...]:
        """What its history names that has no file here."""
        rows = (entry for entry in self.applied.entries if entry.state == "missing-file")
        return tuple("_".join(part for part in (entry.version, entry.name) if part) for entry in rows)


@dataclass(frozen=True, slots=True)
class Expected:
    """What staging should be: `bare` is the same database before any migration; `files` says what was applied."""

    snapshot: Snapshot
    bare: Snapshot
    extensions: Extensions
    major: int
    files: str


def observe(reference: str, migrations: Sequence[Migration]) -> Staging:
    """Read a live database's schema and history, both as of one moment; nothing is written there.

    Raises:
        Refused: the login is refused, or may not read the history or the schema.
        Unavailable: nobody answers, or a lock is in the way.
    """
    with drift.reading(reference) as connection:
        side, snapshot, told = drift.read(reference, connection)
        applied = inventory.take(connection, migrations)
        return Staging(side, snapshot, told, applied, extensions(connection))


def extensions(connection: database.Connection) -> Extensions:
    """Return what each extension that a server has would be by itself."""
    with database.translating():
        rows = connection.execute(queries.load("drift/extensions")).fetchall()
    return {str(name): Usual(version, comment) for name, version, comment in rows}


def judge(staging: Staging, expected: Expected, *, ignore: Sequence[str] = ()) -> StagingDrift:
    """Say how staging differs from what is expected; `ignore` are globs of the `kind name` of what may differ.

    Left out are roles, what is the platform's own but for what protects rows there, and what of an extension is its
    server's choice.
    """
    made = drift.told_to_both(comparison.without_cluster(expected.snapshot), told=staging.told)
    left = platform.without(made, made=made, bare=expected.bare)
    right = platform.without(staging.snapshot, made=made, bare=expected.bare)
    apart = len(made) + len(staging.snapshot) - len(left) - len(right)
    right = _of_our_version(left, right, expected.extensions)
    majors = staging.side.server_major, expected.major
    left, right, all_made, all_there = (
        wordings.alike(side, *majors) for side in (left, right, made, staging.snapshot)
    )
    here, there = platform_drift.compared(all_made, all_there, bare=expected.bare)
    left, right = {**here, **left}, {**there, **right}
    left, right = _uncommented(left, expected.extensions), _uncommented(right, staging.extensions)
    differences = comparison.compare(left, right)
    kept = tuple(each for each in differences if not is_ignored(each, ignore))
    idle = tuple(glob for glob in ignore if not any(is_ignored(each, (glob,)) for each in differences))
    return StagingDrift(
        status="differs" if kept else "equal",
        staging=staging.side,
        compared_with=expected.files,
        unknown=staging.unknown,
        differences=kept,
        ignored=len(differences) - len(kept),
        idle_globs=idle,
        platform=apart,
        warnings=(*_warnings(staging, expected), *_strange(staging, made, expected.bare)),
    )


def is_ignored(difference: Difference, globs: Sequence[str]) -> bool:
    """Whether one of the globs says that an object may differ."""
    name = f"{difference.kind} {difference.object}"
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _of_our_version(left: Snapshot, right: Snapshot, ours: Extensions) -> Snapshot:
    """Return the right side with our version of each extension of which no migration names one."""
    changed = dict(right)
    for key, text in left.items():
        there = right.get(key)
        if key[0] == "extension" and there and _is_same_but_version(text, there, ours.get(_bare(key[1]))):
            changed[key] = text
    return changed


def _is_same_but_version(text: str, there: str, usual: Usual | None) -> bool:
    here, other = _VERSION.match(text), _VERSION.match(there)
    return bool(here and other and usual and here[1] == usual.version and here[2] == other[2])


def _uncommented(snapshot: Snapshot, usual: Extensions) -> Snapshot:
    return {key: text for key, text in snapshot.items() if not _is_usual_comment(key, text, usual)}


def _is_usual_comment(key: Key, text: str, usual: Extensions) -> bool:
    kind, identity = key
    if kind != "comment" or not identity.startswith(_ABOUT_EXTENSION):
        return False
    found = usual.get(_bare(identity.removeprefix(_ABOUT_EXTENSION)))
    return found is not None and found.comment == text


def _bare(name: str) -> str:
    return name.strip('"')


def _warnings(staging: Staging, expected: Expected) -> tuple[str, ...]:
    if staging.side.server_major == expected.major:
        return ()
    return (
        f"staging is PostgreSQL {staging.side.server_major}, and what it is compared with {expected.major}: some "
        "definitions are worded differently. Give a Postgres of that version with --bindir.",
    )


def _strange(staging: Staging, made: Snapshot, bare: Snapshot) -> tuple[str, ...]:
    found = platform_drift.strange(made, staging.snapshot, bare=bare)
    if not found:
        return ()
    more = f" and {len(found) - _MOST_STRANGE} more" if len(found) > _MOST_STRANGE else ""
    return (
        f"no migration makes what stands in the platform's schemas: {', '.join(found[:_MOST_STRANGE])}{more}. "
        "Supabase's own belong to its own roles, so see who made them.",
    )
