"""A plan that is rolled back after a failure: by proven scripts, the newest file first, and on after an interruption.

That it is being rolled back is kept in the plan's record, so that no later run applies on top of what is half undone.
"""

from __future__ import annotations

from ops import database, journal, overlays, promotion_begun, promotions, reversal
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.promoting import Promoting
from ops.promotion_result import FileResult
from ops.promotions import Begun

_KEPT = promotion_begun.ROLLING_BACK


def is_begun(begun: Begun) -> bool:
    """Say whether a run has begun to roll this plan back."""
    return bool(begun.kept.get(_KEPT))


def resume(promoting: Promoting) -> bool:
    """Take up the failure for which the plan is being rolled back, if it is: nothing more is applied then."""
    begun = promoting.begun
    if begun is None or not is_begun(begun):
        return False
    failed = FileResult.model_validate(begun.kept[_KEPT])
    promoting.failed = failed.file
    promoting.results[failed.file] = failed
    return True


def roll_back(promoting: Promoting, begun: Begun) -> Evidence:
    """Roll back what the plan has applied; where that cannot be done whole, say what is left and what to do."""
    failed = promoting.results[promoting.failed or ""]
    if why := _half(promoting, begun, failed):
        return _left(promoting, begun, why, "Run again to go on with the plan, or roll back by hand")
    promotions.keep(promoting.connection, begun, rolling_back=failed.model_dump(mode="json"))
    for migration in _standing(promoting, begun):
        if why := _no_proof(begun, migration):
            # Nothing is half undone, so that the plan may also go on.
            standing = {each.file for each in _standing(promoting, begun)}
            undone = [each.file for each in _before(promoting, begun) if each.file not in standing]
            promotions.keep(promoting.connection, begun, rolling_back=None, undone=undone)
            return _left(promoting, begun, why, "Run again to go on with the plan, or roll back by hand")
        if why := _undo(promoting, migration):
            return _left(promoting, begun, why, _GO_ON)
        _note(promoting, migration)
    undone = _before(promoting, begun)
    for migration in undone:
        _note(promoting, migration)
    promoting.undone = True
    return Evidence(
        ok=False,
        summary=f"{failed.file} failed: {failed.error}. All {len(undone)} files that this plan had applied were rolled "
        "back by their proven scripts, as the environment says.",
        rows=tuple({"rolled back": each.file} for each in undone),
    )


_GO_ON = (
    "Mend what the script stumbled over and run again to go on rolling back, or give the plan up with the choice "
    "`abandon` and roll back by hand"
)


def _left(promoting: Promoting, begun: Begun, why: str, todo: str) -> Evidence:
    undone = [each.file for each in promoting.results.values() if each.status == "rolled back"]
    left = ", ".join(each.file for each in _standing(promoting, begun))
    return Evidence(
        ok=False,
        summary=f"{promoting.failed} failed, and only {len(undone)} files were rolled back: {why}. "
        f"Still in place: {left}. {todo}.",
        rows=tuple({"rolled back": file} for file in undone),
    )


def _half(promoting: Promoting, begun: Begun, failed: FileResult) -> str | None:
    """Say that a part of the file that failed is in place: its rollback was proven for the whole of it only."""
    for migration in _plan(promoting, begun):
        if migration.file == failed.file:
            with database.translating():
                progress = journal.progress(promoting.connection, reversal.forward_entry(migration))
            if progress.done:
                return f"{failed.file} is no single transaction, and a part of it is in place"
    return None


def _plan(promoting: Promoting, begun: Begun) -> list[Migration]:
    here = {each.file: each for each in (*promoting.plan.migrations, *promoting.plan.overlays)}
    return [here[each.file] for each in begun.plan.files if each.file in here]


def _before(promoting: Promoting, begun: Begun) -> list[Migration]:
    """Return the files of the plan before the one that failed, the newest first."""
    files = _plan(promoting, begun)
    names = [each.file for each in files]
    return files[: names.index(promoting.failed or "")][::-1]


def _standing(promoting: Promoting, begun: Begun) -> list[Migration]:
    """Return the files of the plan that are in place, also one that is half undone, the newest first."""
    over = {(each.file, each.sha256) for each in overlays.applied(promoting.connection)}
    return [
        each
        for each in reversed(_plan(promoting, begun))
        if ((each.file, each.sha256) in over if each.overlay else promotion_begun.in_place(promoting, each))
    ]


def _no_proof(begun: Begun, migration: Migration) -> str | None:
    if migration.rollback is None:
        return f"{migration.file} has no rollback script"
    approved = {each.file: each.rollback_sha256 for each in begun.plan.files}
    if migration.rollback.sha256 != approved[migration.file]:
        return f"{migration.rollback.file} is not the script that was approved"
    if begun.plan.rehearsal.rollbacks.get(migration.file) != "proven":
        return f"the rollback of {migration.file} was not proven by the rehearsal"
    return None


def _undo(promoting: Promoting, migration: Migration) -> str | None:
    outcome = reversal.undo(promoting.target, migration)
    script = migration.rollback.file if migration.rollback else ""
    return f"{script} failed: {outcome.failure}" if outcome.failure else None


def _note(promoting: Promoting, migration: Migration) -> None:
    found = promoting.results.get(migration.file)
    fresh = FileResult(
        file=migration.file, version=migration.version, overlay=migration.overlay, status="rolled back"
    )
    promoting.results[migration.file] = found.model_copy(update={"status": "rolled back"}) if found else fresh
