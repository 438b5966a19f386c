"""The live staging beside a branch: what it has applied decides which files its schema is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ops import apply, drift, errors, pull_request_drift, reversal, throwaway, triage
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.pull_request_drift import Expected, Staging
from ops.pull_request_result import StagingDrift

if TYPE_CHECKING:
    from ops.pull_request import Gating

_MOST_NAMED = 5


def read(gating: Gating) -> Evidence:
    """Read staging's schema and history, both as of one moment; nothing is written there.

    Raises:
        Refused: the login is refused, or may not read the history or the schema.
        Unavailable: nobody answers, or a lock is in the way.
    """
    named = gating.gate.staging
    if named is None:
        return Evidence(ok=True, summary="No staging was named, so no drift is looked for.", idle=True)
    staging = pull_request_drift.observe(named, gating.gate.migrations)
    gating.staging = staging
    gating.findings += _remarks(gating, staging)
    side = staging.side
    return Evidence(
        ok=True,
        summary=f"Staging is {side.database}, PostgreSQL {side.server_version}: {side.objects:,} objects and parts, "
        f"{triage.counted(len(staging.applied.remote), 'migration')} applied, {len(_behind(gating, staging))} of the "
        f"base not, {len(staging.unknown)} without a file here.",
        rows=staging.applied.rows,
    )


def find_drift(gating: Gating) -> Evidence:
    """Compare staging with what the migrations that it has applied produce, in both directions."""
    staging = gating.staging
    if staging is None:
        return Evidence(ok=True, summary="No drift was looked for: no staging was named.", idle=True)
    chosen = gating.project.pull_request
    try:
        found = pull_request_drift.judge(staging, _expected(gating, staging), ignore=chosen.ignore)
    except errors.CheckFailed as error:
        why = f"the migrations that it has applied do not build a database to compare with: {error}"
        found = StagingDrift(status="unknown", reason=why, staging=staging.side, unknown=staging.unknown)
    gating.drift = found.model_copy(update={"behind": _behind(gating, staging)})
    gating.findings += (
        f"[pull_request] ignore has {glob!r}, and nothing that differs on staging matches it."
        for glob in found.idle_globs
    )
    fails = found.status != "equal" and chosen.drift == "fail"
    if fails:
        many = triage.counted(len(found.differences), "object")
        gating.block(
            f"staging has drifted in {many}"
            if found.differences
            else "it is not known whether staging drifted"
        )
    rows = tuple(difference.model_dump() for difference in found.differences)
    return Evidence(ok=not fails, summary=_sentence(found), rows=rows)


def _expected(gating: Gating, staging: Staging) -> Expected:
    """Return the schema that staging should have, by the files of the versions in its history.

    Raises:
        CheckFailed: one of those files does not apply without the others.
    """
    gate = gating.gate
    remote = frozenset(staging.applied.remote)
    wanted = [m for m in gate.migrations if m.version in remote] if remote else list(gate.based)
    count = triage.counted(len(wanted), "migration")
    same = {m.version for m in wanted} == {m.version for m in gate.based}
    if not remote:
        files = f"the base's {count} (its history names none)"
    elif same:
        files = f"the base's {count}"
    else:
        files = f"the {count} that it has applied"
    if same and gating.away and gating.away.shaped:
        usual = pull_request_drift.extensions(gating.target.observer)
        return Expected(gating.built, gating.bare, usual, gating.base.major or 0, files)
    return _built(gating, wanted, files)


def _built(gating: Gating, wanted: Sequence[Migration], files: str) -> Expected:
    where = gating.gate.environment.model_copy(update={"template": None})
    with throwaway.opened(gating.project, where, run=f"{gating.run} (staging's files)") as away:
        bare = dict(away.target.mirror.snapshot)
        for migration in wanted:
            failure = apply.run(away.target, migration.script, reversal.forward_entry(migration)).failure
            if failure:
                raise errors.CheckFailed(str(failure))
        away.target.look()
        observer = away.target.observer
        return Expected(
            snapshot=dict(away.target.mirror.snapshot),
            bare=bare,
            extensions=pull_request_drift.extensions(observer),
            major=observer.info.server_version // 10000,
            files=files,
        )


def _behind(gating: Gating, staging: Staging) -> tuple[str, ...]:
    remote = frozenset(staging.applied.remote)
    return tuple(m.file for m in gating.gate.based if m.version not in remote)


def _remarks(gating: Gating, staging: Staging) -> Iterator[str]:
    behind = _behind(gating, staging)
    if behind:
        yield f"Staging is behind the base by {triage.counted(len(behind), 'migration')}: {_few(behind)}."
    if staging.unknown:
        many = triage.counted(len(staging.unknown), "migration")
        yield f"Staging has applied {many} without a file here: {_few(staging.unknown)}."
    for entry in staging.applied.entries:
        if entry.state in {"edited", "partly-applied"}:
            # That other hands have pushed to staging goes without saying.
            said = (each for each in entry.findings if not each.startswith("Applied by other hands"))
            yield f"On staging: {entry.file}: {next(said, entry.state)}"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _sentence(found: StagingDrift) -> str:
    if found.status == "unknown":
        return f"Whether staging has drifted is not known: {found.reason}."
    ignored = f"; {found.ignored:,} ignored" if found.ignored else ""
    if found.status == "equal":
        return f"Staging is in the state of {found.compared_with}{ignored}."
    sides = [drift.where(each) for each in found.differences]
    return (
        f"Staging differs from the state of {found.compared_with} in {triage.counted(len(sides), 'object')}: "
        f"{sides.count('right'):,} only on staging, {sides.count('left'):,} only in the migrations, "
        f"{sides.count('both'):,} not the same{ignored}."
    )
