"""The act of a promotion: the lock, the frozen plan, each file, and what becomes of them when one fails.

Source: database-pipeline.md, "How to Promote to Production"; design.md, section 6.
"""

from __future__ import annotations

from ops import (
    apply,
    errors,
    frozen,
    inventory,
    journal,
    overlays,
    promotion_begun,
    promotion_check,
    promotion_place,
    promotion_providers,
    promotion_rest,
    promotion_undo,
    promotions,
    reversal,
    watch,
)
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import AfterFailure
from ops.promoting import Promoting
from ops.promotion_result import FileResult

_DONE = ("applied", "applied before")


def take_hold(promoting: Promoting) -> Evidence:
    """Take the database's one lock, look whether the plan is still the one that was approved, and freeze it.

    Raises:
        Refused: another run holds the lock, or the database is not as it was when the plan was approved.
    """
    if promoting.idle:
        return Evidence(ok=True, summary="Nothing is pending, so no lock is taken.", idle=True)
    promoting.ends.close()
    promoting.target.holder = promoting.ends.enter_context(journal.held(promoting.target.dsn, promoting.run))
    promotions.prepare(promoting.connection)
    journal.prepare(promoting.connection)
    _verify(promoting)
    if promoting.begun is None:
        _freeze(promoting)
    promotion_place.keep(promoting)
    if promotion_undo.resume(promoting):
        return Evidence(
            ok=True,
            summary=f"{promoting.run} holds the lock of this database, and goes on rolling this plan back.",
        )
    return Evidence(
        ok=True,
        summary=f"{promoting.run} holds the lock of this database, which is as the plan says; "
        f"{len(promoting.pending)} files are to be applied.",
    )


def apply_file(promoting: Promoting, migration: Migration) -> Evidence:
    """Apply one file of the plan, if it is not in place already.

    Raises:
        Refused: other hands have applied it.
        Unavailable: the connection or the lock was lost; a run that is started again goes on from here.
    """
    if promoting.failed == migration.file:
        return Evidence(
            ok=True,
            summary=f"{migration.path.name}: failed before, so the plan is being rolled back.",
            idle=True,
        )
    if promoting.stopped:
        return _note(
            promoting,
            migration,
            "not reached",
            f"{migration.path.name}: not reached, {promoting.failed} failed.",
        )
    if promotion_begun.in_place(promoting, migration):
        return _note(promoting, migration, "applied before", f"{migration.path.name}: is in place already.")
    entry = reversal.forward_entry(migration)
    # Not in the login of the file, whose caches are cold.
    begun = apply.is_begun(promoting.connection, entry)
    outcome = apply.run(promoting.target, migration.script, entry, begun=begun)
    if outcome.failure:
        promoting.failed = migration.file
        said = str(outcome.failure)
        return _note(promoting, migration, "failed", said, outcome)
    said = f"{migration.path.name}: applied in {outcome.duration_ms:.0f} ms, attempt {outcome.attempts}."
    return _note(promoting, migration, "applied", said, outcome)


def settle(promoting: Promoting) -> Evidence:
    """After a failure keep what was applied, or roll it back by proven scripts, as the environment says; say which."""
    if promoting.idle or (begun := promoting.begun) is None:
        return Evidence(ok=True, summary="Nothing was to be applied.", idle=True)
    if not promoting.stopped:
        # What it had undone before is in place again: from now on nothing of it may go unseen.
        promotions.keep(promoting.connection, begun, applied=True, undone=[])
        return Evidence(ok=True, summary=f"All {len(begun.plan.files)} files of the plan are in place.")
    if promotion_undo.is_begun(begun) or promoting.plan.environment.after_failure is AfterFailure.ROLL_BACK:
        return promoting.note("settled", promotion_undo.roll_back(promoting, begun))
    return promoting.note("settled", Evidence(ok=False, summary=_kept(promoting)))


def _verify(promoting: Promoting) -> None:
    """Look once more, now that nobody else can be at work."""
    plan, where = promoting.plan, promoting.plan.environment
    found = inventory.take(promoting.connection, plan.migrations, out_of_order=where.out_of_order)
    over = overlays.pending(promoting.connection, plan.overlays)
    pending = (*(m for m in plan.migrations if m.version in found.pending), *over)
    now = promoting.look()
    begun = promotions.under_way(promoting.connection, where.name)
    agreed = promoting.frozen
    if begun and agreed and (begun.run, begun.plan_digest) == (promoting.run, agreed.digest):
        # This run's own, at whose first try the answer was lost.
        promoting.begun = promoting.begun or begun
    if begun or promoting.begun:
        _verify_begun(promoting, begun, pending, now)
        return
    if agreed is None:
        raise ValueError("a plan is frozen before the lock is taken")
    if [each.file for each in pending] != [each.file for each in agreed.files]:
        raise errors.Refused(
            f"What is pending is not what was approved any more: {len(pending)} files instead of {len(agreed.files)}. "
            "Other hands have been at work on this database, so nothing was applied. Look at its history, and start "
            "again."
        )
    if frozen.fingerprint(now) != agreed.fingerprint:
        raise errors.Refused(
            f"The schema was changed by other hands since the plan was approved: {_changed(promoting, now)}. "
            "Nothing was applied. Look at it, and start again: what is there now needs an approval of its own."
        )


def _verify_begun(
    promoting: Promoting,
    begun: promotions.Begun | None,
    pending: tuple[Migration, ...],
    now: dict[tuple[str, str], str],
) -> None:
    if begun is None or promoting.begun is None or begun.id != promoting.begun.id:
        raise errors.Refused(
            "Another run has begun or ended a promotion here meanwhile, so nothing was applied. Start again."
        )
    promoting.pending, promoting.before = pending, now
    promoting.pending = promotion_rest.of(promoting, begun)


def _changed(promoting: Promoting, now: dict[tuple[str, str], str]) -> str:
    before = promoting.before
    keys = sorted(key for key in now.keys() | before.keys() if now.get(key) != before.get(key))
    return ", ".join(f"{kind} {name}" for kind, name in keys[:5]) + (" and more" if len(keys) > 5 else "")


def _freeze(promoting: Promoting) -> None:
    agreed = promoting.frozen
    if agreed is None:
        raise ValueError("a plan is frozen before the lock is taken")
    baseline = watch.baseline(promoting.connection, promoting.plan.project, promoting.plan.environment)
    approval = promoting.approval
    promoting.begun = promotions.begin(
        promoting.connection,
        agreed,
        run=promoting.run,
        before=promoting.before,
        expected=promotion_check.expected(promoting),
        kept={
            "run": promoting.run_id,
            "place": dict(promoting.place),
            "baseline": baseline.model_dump(mode="json"),
            "providers": promotion_providers.before(promoting),
            "decision": approval.model_dump(mode="json", include={"requester", "by", "proof", "broken_glass"})
            if approval
            else {},
        },
    )


def _note(
    promoting: Promoting, migration: Migration, status: str, said: str, outcome: apply.Outcome | None = None
) -> Evidence:
    result = FileResult.model_validate(
        {
            "file": migration.file,
            "version": migration.version,
            "overlay": migration.overlay,
            "status": status,
            "transactional": outcome.transactional if outcome else migration.script.transactional,
            "duration_ms": outcome.duration_ms if outcome else None,
            "attempts": outcome.attempts if outcome else 0,
            "error": outcome.failure if outcome else None,
            "notes": outcome.notes if outcome else (),
        }
    )
    promoting.results[migration.file] = result
    idle = status in ("applied before", "not reached")
    return Evidence(
        ok=status != "failed",
        summary=said,
        idle=idle,
        rows=(result.model_dump(mode="json", exclude={"locks"}),),
    )


def _kept(promoting: Promoting) -> str:
    done = [each.file for each in promoting.results.values() if each.status in _DONE]
    failed = promoting.results[promoting.failed or ""]
    half = (
        "" if failed.transactional else " It is no single transaction, so that a part of it may be in place."
    )
    return (
        f"{failed.file} failed: {failed.error}.{half} What was applied before it stays, as the environment says: "
        f"{', '.join(done) or 'nothing'}. Mend what it stumbled over and run again: the plan goes on from there, and "
        "nobody is asked again. If the file itself must change, give the plan up with the choice `abandon`."
    )
