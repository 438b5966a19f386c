"""Drift: the live staging schema against what the migrations that it has applied produce, object by object.

Source: database-pipeline.md, "How the PR Gate Works": check for drift detection.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ops import (
    apply,
    comparison,
    database,
    drift,
    errors,
    inventory,
    platform,
    queries,
    reversal,
    schema,
    throwaway,
    triage,
)  # fmt: skip
from ops.drift import Side
from ops.evidence import Evidence
from ops.inventory import Inventory
from ops.migrations import Migration
from ops.pull_request_result import StagingDrift
from ops.schema import Snapshot
from ops.verdict import Difference

if TYPE_CHECKING:
    from ops.pull_request import Gating

_VERSION = re.compile(r"\Aversion (\S+) in (.*)\Z", re.DOTALL)
_ABOUT_EXTENSION = "extension "
_MOST_NAMED = 5


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


@dataclass(frozen=True, slots=True)
class Expected:
    """What staging should be: `bare` is the same database before any migration; `files` says what was applied."""

    snapshot: Snapshot
    bare: Snapshot
    extensions: Extensions
    major: int
    files: str


def read(gating: Gating) -> Evidence:
    """Read staging's schema and history, all as of one moment; nothing is written there.

    Raises:
        Refused: the login is refused, or may not read the history or the schema.
        Unavailable: nobody answers, or a lock is in the way.
    """
    named = gating.gate.staging
    if named is None:
        return Evidence(ok=True, summary="No staging was named, so no drift is looked for.", idle=True)
    with drift.reading(named) as connection:
        side, snapshot, told = drift.read(named, connection)
        applied = inventory.take(connection, gating.gate.migrations)
        staging = Staging(side, snapshot, told, applied, _extensions(connection))
    gating.staging = staging
    behind, unknown = _behind(gating, staging), _unknown(staging)
    gating.findings += _remarks(gating, staging)
    counted = triage.counted(len(applied.remote), "migration")
    return Evidence(
        ok=True,
        summary=f"Staging is {side.database}, PostgreSQL {side.server_version}: {side.objects:,} objects and parts, "
        f"{counted} applied, {len(behind)} of the base not, {len(unknown)} without a file here.",
        rows=applied.rows,
    )


def find(gating: Gating) -> Evidence:
    """Compare staging with what the migrations that it has applied produce, in both directions."""
    staging = gating.staging
    if staging is None:
        return Evidence(ok=True, summary="No drift was looked for: no staging was named.", idle=True)
    try:
        expected = _expected(gating, staging)
    except errors.CheckFailed as error:
        found = _undecided(gating, staging, str(error))
    else:
        found = _compared(gating, staging, expected)
    gating.drift = found
    fails = found.status in {"differs", "unknown"} and gating.project.pull_request.drift == "fail"
    if fails:
        many = triage.counted(len(found.differences), "object")
        gating.wrong.append(f"staging has drifted in {many}" if found.differences else "drift is not known")
    return Evidence(
        ok=not fails,
        summary=_sentence(found),
        rows=tuple(difference.model_dump() for difference in found.differences),
    )


def _compared(gating: Gating, staging: Staging, expected: Expected) -> StagingDrift:
    made = drift.told_to_both(comparison.without_cluster(expected.snapshot), told=staging.told)
    left = platform.without(made, made=made, bare=expected.bare)
    right = platform.without(staging.snapshot, made=made, bare=expected.bare)
    apart = len(made) + len(staging.snapshot) - len(left) - len(right)
    left, right = _usual(left, right, expected.extensions, staging.extensions)
    differences = comparison.compare(left, right)
    globs = gating.project.pull_request.ignore
    kept = tuple(d for d in differences if not _is_ignored(d, globs))
    gating.findings += _idle(globs, differences)
    return StagingDrift(
        status="differs" if kept else "equal",
        staging=staging.side,
        compared_with=expected.files,
        behind=_behind(gating, staging),
        unknown=_unknown(staging),
        differences=kept,
        ignored=len(differences) - len(kept),
        platform=apart,
        warnings=_warnings(staging, expected),
    )


def _undecided(gating: Gating, staging: Staging, why: str) -> StagingDrift:
    return StagingDrift(
        status="unknown",
        reason=f"the migrations that staging has applied do not build a database to compare with: {why}",
        staging=staging.side,
        behind=_behind(gating, staging),
        unknown=_unknown(staging),
    )


def _expected(gating: Gating, staging: Staging) -> Expected:
    """Return the schema that staging should have, by the files of the versions in its history."""
    gate = gating.gate
    remote = frozenset(staging.applied.remote)
    based = frozenset(m.version for m in gate.based)
    wanted = [m for m in gate.migrations if m.version in remote] if remote else list(gate.based)
    versions = frozenset(m.version for m in wanted)
    count = triage.counted(len(wanted), "migration")
    if not remote:
        files = f"the base's {count}, since its history names none"
    elif versions == based:
        files = f"the base's {count}, which it has applied"
    else:
        files = f"the {count} that it has applied, of {len(gate.migrations)}"
    if gating.away and gating.away.shaped and versions == based:
        extensions = _extensions(gating.target.observer)
        return Expected(gating.built, gating.bare, extensions, gating.base.major or 0, files)
    return _built(gating, wanted, files)


def _built(gating: Gating, wanted: Sequence[Migration], files: str) -> Expected:
    """Build a database of just these migrations.

    Raises:
        CheckFailed: one of them does not apply.
    """
    where = gating.gate.environment.model_copy(update={"template": None})
    with throwaway.opened(gating.project, where, run=f"{gating.run} (staging's files)") as away:
        bare = dict(away.target.mirror.snapshot)
        for migration in wanted:
            failure = apply.run(away.target, migration.script, reversal.forward_entry(migration)).failure
            if failure:
                raise errors.CheckFailed(str(failure))
        away.target.look()
        observer = away.target.observer
        major = observer.info.server_version // 10000
        return Expected(dict(away.target.mirror.snapshot), bare, _extensions(observer), major, files)


def _extensions(connection: database.Connection) -> Extensions:
    with database.translating():
        rows = connection.execute(queries.load("drift/extensions")).fetchall()
    return {str(name): Usual(version, comment) for name, version, comment in rows}


def _usual(
    left: Snapshot, right: Snapshot, ours: Extensions, theirs: Extensions
) -> tuple[Snapshot, Snapshot]:
    """Leave out what of an extension is its server's choice: the version that no migration names, the comment."""
    changed = dict(right)
    for key, text in left.items():
        there = right.get(key)
        if key[0] == "extension" and there and _is_same_but_version(text, there, ours.get(_bare(key[1]))):
            changed[key] = text
    return _uncommented(left, ours), _uncommented(changed, theirs)


def _is_same_but_version(text: str, there: str, usual: Usual | None) -> bool:
    here, other = _VERSION.match(text), _VERSION.match(there)
    return bool(here and other and usual and here[1] == usual.version and here[2] == other[2])


def _uncommented(snapshot: Snapshot, extensions: Extensions) -> Snapshot:
    return {key: text for key, text in snapshot.items() if not _is_usual_comment(key, text, extensions)}


def _is_usual_comment(key: schema.Key, text: str, extensions: Extensions) -> bool:
    kind, identity = key
    if kind != "comment" or not identity.startswith(_ABOUT_EXTENSION):
        return False
    usual = extensions.get(_bare(identity.removeprefix(_ABOUT_EXTENSION)))
    return usual is not None and usual.comment == text


def _bare(name: str) -> str:
    return name.strip('"')


def _is_ignored(difference: Difference, globs: Sequence[str]) -> bool:
    name = f"{difference.kind} {difference.object}"
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def _idle(globs: Sequence[str], differences: Sequence[Difference]) -> Iterator[str]:
    for glob in globs:
        if not any(_is_ignored(difference, (glob,)) for difference in differences):
            yield f"[pull_request] ignore has {glob!r}, and nothing that differs on staging matches it."


def _behind(gating: Gating, staging: Staging) -> tuple[str, ...]:
    remote = frozenset(staging.applied.remote)
    return tuple(m.file for m in gating.gate.based if m.version not in remote)


def _unknown(staging: Staging) -> tuple[str, ...]:
    rows = (entry for entry in staging.applied.entries if entry.state == "missing-file")
    return tuple("_".join(part for part in (entry.version, entry.name) if part) for entry in rows)


def _remarks(gating: Gating, staging: Staging) -> Iterator[str]:
    behind, unknown = _behind(gating, staging), _unknown(staging)
    if behind:
        yield f"Staging is behind the base by {triage.counted(len(behind), 'migration')}: {_few(behind)}."
    if unknown:
        yield f"Staging has applied {triage.counted(len(unknown), 'migration')} without a file here: {_few(unknown)}."
    for entry in staging.applied.entries:
        if entry.state in {"edited", "partly-applied"} and entry.findings:
            yield f"On staging: {entry.file}: {entry.findings[0]}"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _warnings(staging: Staging, expected: Expected) -> tuple[str, ...]:
    if staging.side.server_major == expected.major:
        return ()
    return (
        f"staging is PostgreSQL {staging.side.server_major}, and what it is compared with {expected.major}: some "
        "definitions are worded differently. Give a Postgres of that version with --bindir.",
    )


def _sentence(found: StagingDrift) -> str:
    if found.status == "unknown":
        return f"Whether staging has drifted is not known: {found.reason}."
    ignored = f"; {found.ignored:,} ignored" if found.ignored else ""
    if found.status == "equal":
        return f"Staging is as {found.compared_with} make it{ignored}."
    sides = [drift.where(each) for each in found.differences]
    return (
        f"Staging differs from {found.compared_with} in {triage.counted(len(sides), 'object')}: "
        f"{sides.count('right'):,} only on staging, {sides.count('left'):,} only in the migrations, "
        f"{sides.count('both'):,} not the same{ignored}."
    )
