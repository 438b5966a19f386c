"""Apply, roll back, compare, apply again: migration by migration, then the whole chain.

Source: staging-rehearsal.md, sections 4 and 5.
"""

from __future__ import annotations

from ops import comparison, errors, reversal, rows, sowing
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import AfterFailure
from ops.rehearsal import Rehearsing
from ops.reversal import Step
from ops.verdict import Chain, Difference, MigrationResult, Reapply, Rollback


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
    step = reversal.forward(rehearsing.target, migration)
    result = _result(rehearsing, migration, step)
    if step.outcome.failure:
        rehearsing.stopped = migration.file
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
        return Applied(ok=True, summary=f"{migration.file}: nothing to roll back, it is not applied.", result=result)
    expected = dict(rehearsing.schema_now()) if rehearsing.away and migration.rollback else {}
    proof = reversal.prove(rehearsing.target, migration, applied, since=rehearsing.started)
    result = result.model_copy(update={"rollback": proof.rollback, "reapply": proof.reapply})
    rehearsing.results[migration.file] = result
    if not proof.clean:
        _put_back(rehearsing, migration, expected)
    ok = proof.rollback.status in ("proven", "missing") and proof.reapply.status in ("same", "skipped")
    return Applied(ok=ok, summary=_proof_sentence(migration, proof), rows=_proof_rows(proof), result=result)


def prove_chain(rehearsing: Rehearsing) -> Evidence:
    """Roll all that was applied back in reverse, compare with the start, and apply it again."""
    rehearsing.chain = _chain(rehearsing)
    chain = rehearsing.chain
    words = {
        "proven": f"All {len(rehearsing.applied)} migrations were rolled back in reverse and applied again; both times nothing differs.",
        "differs": f"After the whole chain {len(chain.differences)} objects differ.",
        "failed": f"The chain broke: {chain.reason}",
        "skipped": f"The chain was not rehearsed: {chain.reason}.",
    }
    return Evidence(
        ok=chain.status in ("proven", "skipped"), summary=words[chain.status], rows=_rows(chain.differences)
    )


def sow_seed(rehearsing: Rehearsing) -> Evidence:
    """Run the project's seed files, so that contract tests and the chain see rows."""
    if not rehearsing.away or rehearsing.stopped:
        return Evidence(ok=True, summary="No seed: only a throw-away database with everything applied is sown.")
    target = rehearsing.target
    found = sowing.sow(target, rehearsing.project)
    before = target.ledger.refresh(target.observer, None)
    rehearsing.rows_at_start = rows.moved(rehearsing.rows_at_start, before, target.ledger.images)
    rehearsing.away.checkpoint()
    if not found.ok:
        rehearsing.findings.append(found.summary)
    return found


def roll_back_after_failure(rehearsing: Rehearsing) -> Evidence:
    """Roll back, in reverse, what this run applied before a migration failed, where the environment asks for it."""
    asked = rehearsing.plan.environment.after_failure is AfterFailure.ROLL_BACK
    if not (rehearsing.stopped and asked):
        return Evidence(ok=True, summary="Nothing to roll back.")
    undone: list[str] = []
    for migration in reversed([m for m in rehearsing.pending if m.file in rehearsing.applied]):
        if migration.rollback is None:
            break
        step = reversal.backward(rehearsing.target, migration)
        if step.outcome.failure:
            return Evidence(
                ok=False,
                summary=f"{migration.rollback.file} failed: {step.outcome.failure}; what was applied before it stays.",
            )
        undone.append(migration.file)
        del rehearsing.applied[migration.file]
    kept = len(rehearsing.applied)
    return Evidence(
        ok=True,
        summary=f"Rolled back {len(undone)} migrations after the failure; {kept} stay applied.",
        rows=tuple({"rolled back": file} for file in undone),
    )


def _chain(rehearsing: Rehearsing) -> Chain:
    done = [migration for migration in rehearsing.pending if migration.file in rehearsing.applied]
    reason = _no_chain(rehearsing, done)
    if reason:
        return Chain(status="skipped", reason=reason)
    target = rehearsing.target
    start: comparison.Delta = {}
    for migration in done:
        start = comparison.compose(start, rehearsing.applied[migration.file].delta)
    back: comparison.Delta = {}
    for migration in reversed(done):
        step = reversal.backward(target, migration)
        if step.outcome.failure:
            return _broken(rehearsing, str(step.outcome.failure))
        back = comparison.compose(back, step.delta)
    there = (
        *comparison.differences(comparison.compose(start, back)),
        *rows.differences(rehearsing.rows_at_start, target.ledger.images, since=rehearsing.started),
    )
    forth = back
    for migration in done:
        step = reversal.forward(target, migration)
        if step.outcome.failure:
            return _broken(rehearsing, str(step.outcome.failure))
        forth = comparison.compose(forth, step.delta)
    if rehearsing.away:
        rehearsing.away.rebuild()  # the rows of the seed went with the tables
    found = (*there, *comparison.differences(forth))
    return Chain(status="differs" if found else "proven", differences=found)


def _no_chain(rehearsing: Rehearsing, done: list[Migration]) -> str | None:
    if not rehearsing.plan.chain:
        return "not asked for"
    if not done:
        return "nothing was applied"
    missing = [migration.file for migration in done if migration.rollback is None]
    if missing:
        return f"{len(missing)} migrations have no rollback script, the first is {missing[0]}"
    failed = [m.file for m in done if rehearsing.results[m.file].rollback.status == "failed"]
    return f"the rollback of {failed[0]} fails" if failed else None


def _broken(rehearsing: Rehearsing, reason: str) -> Chain:
    if rehearsing.away:
        rehearsing.away.rebuild()
    else:
        rehearsing.wrong.append("the chain broke halfway: run the rehearsal again, it continues from what is applied")
    return Chain(status="failed", reason=reason)


def _result(rehearsing: Rehearsing, migration: Migration, step: Step) -> MigrationResult:
    outcome = step.outcome
    return MigrationResult(
        file=migration.file,
        version=migration.version,
        name=migration.name,
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
        return Applied(ok=True, summary=f"{migration.file}: skipped, since {rehearsing.stopped} failed.", result=result)
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
        summary=f"{migration.file}: applied in {result.duration_ms or 0:.0f} ms, {result.rows_written} rows written.",
        rows=tuple({"what": name, "measured": value} for name, value in facts.items()),
        result=result,
    )


def _clean_after_failure(rehearsing: Rehearsing, step: Step) -> None:
    """A file that is no single transaction can fail half way; a throw-away database is put back then."""
    if step.delta and rehearsing.away:
        rehearsing.away.rebuild()


def _put_back(rehearsing: Rehearsing, migration: Migration, expected: comparison.Snapshot) -> None:
    if rehearsing.away is None:
        rehearsing.wrong.append(
            f"{migration.file}: its rollback did not restore, and the database in place is not as it was: "
            "repair it before the next rehearsal"
        )
        return
    try:
        left = rehearsing.away.put_back(expected)
    except errors.CheckFailed as error:
        rehearsing.wrong.append(f"the database could not be put back: {error}")
        return
    if left:
        rehearsing.wrong.append(
            f"{migration.file}: put back by replay, and {len(left)} objects still differ, the first is {left[0].object}"
        )


def _proof_sentence(migration: Migration, proof: reversal.Proof) -> str:
    rollback: Rollback = proof.rollback
    reapply: Reapply = proof.reapply
    words = {
        "proven": f"{migration.file}: rolled back, and everything is as before; {rollback.rows_seen} rows seen.",
        "differs": f"{migration.file}: its rollback ran and does not restore {len(rollback.differences)} objects.",
        "failed": f"{migration.file}: its rollback failed: {rollback.error}",
        "missing": f"{migration.file}: has no rollback script, so nothing proves that it can be undone.",
        "skipped": f"{migration.file}: not rolled back.",
    }
    if reapply.status in ("differs", "failed"):
        return f"{words[rollback.status]} Applied again it {reapply.status}: {reapply.error or _first(reapply.differences)}"
    return words[rollback.status]


def _first(differences: tuple[Difference, ...]) -> str:
    return f"{differences[0].kind} {differences[0].object}" if differences else ""


def _proof_rows(proof: reversal.Proof) -> tuple[dict[str, object], ...]:
    return (*_rows(proof.rollback.differences), *_rows(proof.reapply.differences))


def _rows(differences: tuple[Difference, ...]) -> tuple[dict[str, object], ...]:
    return tuple(difference.model_dump() for difference in differences)
