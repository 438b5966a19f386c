"""Apply, roll back, compare, apply again: migration by migration.

Source: staging-rehearsal.md, sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import replace

from ops import apply, comparison, errors, reversal, triage
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.rehearsal import Rehearsing
from ops.reversal import Step
from ops.verdict import Difference, MigrationResult, Reapply, Rollback


class Applied(Evidence):
    """What became of one migration."""

    result: MigrationResult


def apply_migration(rehearsing: Rehearsing, migration: Migration) -> Applied:
    """Apply one pending migration on its own.

    Raises:
        Unavailable: the connection was lost three times.
    """
    if rehearsing.stopped and not rehearsing.plan.keep_going:
        return _note(rehearsing, migration, _skipped(rehearsing, migration))
    step = _proven_ahead(rehearsing, migration) or _seen(rehearsing, migration)
    result = _result(rehearsing, migration, step)
    if step.outcome.failure:
        rehearsing.stopped = migration.file
        rehearsing.ahead.close()
        _clean_after_failure(rehearsing, step)
    else:
        rehearsing.applied[migration.file] = step
        if rehearsing.away:
            rehearsing.away.applied(migration)
    return _note(rehearsing, migration, result)


def prove_rollback(rehearsing: Rehearsing, migration: Migration) -> Applied:
    """Roll an applied migration back, compare with before, apply it again, compare with after."""
    result = rehearsing.results[migration.file]
    applied = rehearsing.applied.get(migration.file)
    if applied is None:
        return Applied(
            ok=True,
            summary=f"{migration.path.name}: nothing to roll back, it is not applied.",
            idle=True,
            result=result,
        )
    if applied.outcome.resumed:
        return _unproven(rehearsing, migration, result)
    proof = rehearsing.proofs.pop(migration.file, None) or reversal.prove(
        rehearsing.target, migration, applied, since=rehearsing.started
    )
    if migration.file == rehearsing.pending[-1].file:
        rehearsing.look()
    result = result.model_copy(update={"rollback": proof.rollback, "reapply": proof.reapply})
    rehearsing.results[migration.file] = result
    if not proof.clean:
        _put_back(rehearsing, migration, proof)
    ok = proof.rollback.status in ("proven", "missing") and proof.reapply.status in ("same", "skipped")
    return Applied(
        ok=ok,
        summary=_proof_sentence(migration, proof),
        rows=_proof_rows(proof),
        idle=proof.rollback.status in ("missing", "skipped"),
        result=result,
    )


def _proven_ahead(rehearsing: Rehearsing, migration: Migration) -> Step | None:
    """Apply a migration whose effect and rollback another process has looked at on its server."""
    found = rehearsing.ahead.proven(migration)
    if found is None:
        return None
    outcome = apply.run(rehearsing.target, migration.script, reversal.forward_entry(migration))
    rehearsing.unseen = True
    if not outcome.ok:
        rehearsing.look()
        return Step(outcome, found.step.delta, {})
    rehearsing.proofs[migration.file] = found.proof
    seen = found.step.outcome
    return replace(
        found.step, outcome=replace(outcome, locks=seen.locks, rows_written=seen.rows_written, touched=None)
    )


def _seen(rehearsing: Rehearsing, migration: Migration) -> Step:
    """Apply a migration and look at its effect."""
    rehearsing.look()
    return _finish_rollback(rehearsing, migration) or reversal.forward(rehearsing.target, migration)


def _finish_rollback(rehearsing: Rehearsing, migration: Migration) -> Step | None:
    """End the rollback that an interrupted run has begun; return what failed, if anything."""
    if migration.key not in rehearsing.unfinished:
        return None
    step = reversal.backward(rehearsing.target, migration)
    if step.outcome.failure:
        return step
    if not rehearsing.applied:
        rehearsing.begin()  # what was half rolled back was nobody's start
    return None


def _unproven(rehearsing: Rehearsing, migration: Migration, result: MigrationResult) -> Applied:
    said = (
        "an interrupted run had begun it, so that what was there before it is not known any more and its rollback was "
        "not rehearsed; roll it back and rehearse again to prove it"
    )
    result = result.model_copy(update={"findings": (*result.findings, said)})
    rehearsing.results[migration.file] = result
    return Applied(ok=True, summary=f"{migration.path.name}: {said}.", result=result)


def _result(rehearsing: Rehearsing, migration: Migration, step: Step) -> MigrationResult:
    outcome = step.outcome
    return MigrationResult(
        file=migration.file,
        version=migration.version,
        name=migration.name,
        overlay=migration.overlay,
        sha256=migration.sha256,
        status="failed" if outcome.failure else "applied",
        transactional=outcome.transactional,
        duration_ms=outcome.duration_ms or None,
        locks=outcome.locks,
        tables_rewritten=step.rewritten,
        rows_written=outcome.rows_written,
        wal_bytes=outcome.wal_bytes,
        lock_timeout_ms=int(rehearsing.target.lock_timeout.total_seconds() * 1000),
        attempts=outcome.attempts,
        error=outcome.failure,
        rollback=Rollback(
            script=migration.rollback.file if migration.rollback else None,
            status="skipped" if migration.rollback else "missing",
        ),
        lint=rehearsing.lint.get(migration.file, ()),
        findings=(*migration.findings, *outcome.notes),
    )


def _skipped(rehearsing: Rehearsing, migration: Migration) -> MigrationResult:
    return MigrationResult(
        file=migration.file,
        version=migration.version,
        name=migration.name,
        overlay=migration.overlay,
        status="skipped",
        transactional=migration.script.transactional,
        rollback=Rollback(
            script=migration.rollback.file if migration.rollback else None,
            status="skipped" if migration.rollback else "missing",
        ),
        lint=rehearsing.lint.get(migration.file, ()),
        findings=migration.findings,
    )


def _note(rehearsing: Rehearsing, migration: Migration, result: MigrationResult) -> Applied:
    rehearsing.results[migration.file] = result
    if result.status == "skipped":
        reason = f"{migration.path.name}: skipped, since {rehearsing.stopped} failed."
        return Applied(ok=True, summary=reason, idle=True, result=result)
    if result.error:
        return Applied(ok=False, summary=f"{result.error}", rows=(result.error.model_dump(),), result=result)
    facts = {
        "duration ms": result.duration_ms,
        "attempts": result.attempts,
        "rows written": result.rows_written,
        "WAL bytes": result.wal_bytes,
        "rewritten": ", ".join(result.tables_rewritten),
        "locks": ", ".join(f"{lock.mode} on {lock.object}" for lock in result.locks),
    }
    return Applied(
        ok=True,
        summary=f"{migration.path.name}: applied in {result.duration_ms or 0:.0f} ms, "
        f"{result.rows_written} rows written.",
        rows=tuple({"what": name, "measured": value} for name, value in facts.items()),
        result=result,
    )


def _clean_after_failure(rehearsing: Rehearsing, step: Step) -> None:
    """A file that is no single transaction can fail half way; a throw-away database is put back then."""
    if step.delta and rehearsing.away:
        rehearsing.away.rebuild()


def _put_back(rehearsing: Rehearsing, migration: Migration, proof: reversal.Proof) -> None:
    if rehearsing.away is None:
        rehearsing.wrong.append(
            f"{migration.file}: its rollback did not restore, and the database in place is not as it was: "
            "repair it before the next rehearsal"
        )
        return
    now = rehearsing.target.mirror.snapshot
    try:
        left = rehearsing.away.put_back(comparison.patched(now, comparison.invert(proof.moved)))
    except errors.CheckFailed as error:
        rehearsing.wrong.append(f"the database could not be put back: {error}")
        return
    if left:
        rehearsing.wrong.append(
            f"{migration.file}: put back by replay, and {len(left)} objects still differ, "
            f"the first is {left[0].object}"
        )


def _proof_sentence(migration: Migration, proof: reversal.Proof) -> str:
    rollback: Rollback = proof.rollback
    reapply: Reapply = proof.reapply
    words = {
        "proven": f"{migration.path.name}: rolled back, and everything is as before; {rollback.rows_seen} rows seen.",
        "differs": f"{migration.path.name}: its rollback ran and does not restore "
        f"{triage.counted(len(rollback.differences), 'object')}.",
        "failed": f"{migration.path.name}: its rollback failed: {rollback.error}",
        "missing": f"{migration.path.name}: has no rollback script, so nothing proves that it can be undone.",
        "skipped": f"{migration.path.name}: not rolled back.",
    }
    if reapply.status in ("differs", "failed"):
        why = reapply.error or _first(reapply.differences)
        return f"{words[rollback.status]} Applied again it {reapply.status}: {why}"
    return words[rollback.status]


def _first(differences: tuple[Difference, ...]) -> str:
    return f"{differences[0].kind} {differences[0].object}" if differences else ""


def _proof_rows(proof: reversal.Proof) -> tuple[dict[str, object], ...]:
    return (*_rows(proof.rollback.differences), *_rows(proof.reapply.differences))


def _rows(differences: tuple[Difference, ...]) -> tuple[dict[str, object], ...]:
    return tuple(difference.model_dump() for difference in differences)
