"""The whole chain: all that was applied rolled back in reverse, compared with the start, and applied again.

Source: staging-rehearsal.md, section 5.
"""

from __future__ import annotations

from ops import comparison, reversal, rows, shape, sowing
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.project import AfterFailure
from ops.rehearsal import Rehearsing
from ops.verdict import Chain


def prove(rehearsing: Rehearsing) -> Evidence:
    """Roll all that was applied back in reverse, compare with the start, and apply it again."""
    rehearsing.chain = _chain(rehearsing)
    chain = rehearsing.chain
    words = {
        "proven": f"All {len(rehearsing.applied)} migrations were rolled back in reverse and applied again; "
        "both times nothing differs.",
        "differs": f"After the whole chain {len(chain.differences)} objects differ.",
        "failed": f"The chain broke: {chain.reason}",
        "skipped": f"The chain was not rehearsed: {chain.reason}.",
    }
    return Evidence(
        ok=chain.status in ("proven", "skipped"),
        summary=words[chain.status],
        idle=chain.status == "skipped",
        rows=tuple(d.model_dump() for d in chain.differences),
    )


def sow_seed(rehearsing: Rehearsing) -> Evidence:
    """Run the project's seed files, so that contract tests and the chain see rows."""
    if not rehearsing.away or not rehearsing.away.shaped or rehearsing.stopped:
        return Evidence(
            ok=True,
            summary="No seed: only a throw-away database of our own with everything applied is sown.",
            idle=True,
        )
    target = rehearsing.target
    found = sowing.sow(target, rehearsing.project)
    rehearsing.findings += shape.make_buckets(target.observer, rehearsing.project)
    before = target.ledger.refresh(target.observer, None)
    rehearsing.rows_at_start = rows.moved(
        rehearsing.rows_at_start, before, target.ledger.images, tables=rehearsing.tables_at_start
    )
    if rehearsing.plan.chain:
        rehearsing.away.checkpoint()
    if not found.ok:
        rehearsing.findings.append(found.summary)
    return found


def roll_back_after_failure(rehearsing: Rehearsing) -> Evidence:
    """Roll back, in reverse, what was applied before a migration failed, where the environment asks for it."""
    asked = rehearsing.plan.environment.after_failure is AfterFailure.ROLL_BACK
    if not (rehearsing.stopped and asked):
        return Evidence(ok=True, summary="Nothing to roll back.", idle=True)
    undone: list[str] = []
    for migration in reversed([m for m in rehearsing.pending if m.file in rehearsing.applied]):
        if migration.rollback is None:
            break
        step = reversal.backward(rehearsing.target, migration)
        if step.outcome.failure:
            return Evidence(
                ok=False,
                summary=f"{migration.rollback.file} failed: {step.outcome.failure}; what came before it stays.",
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
    resumed = [m.file for m in done if rehearsing.applied[m.file].outcome.resumed]
    if resumed:
        return f"an interrupted run had begun {resumed[0]}, so that the start is not known any more"
    wrong = [m.file for m in done if rehearsing.results[m.file].rollback.status != "proven"]
    return f"the rollback of {wrong[0]} was not proven" if wrong else None


def _broken(rehearsing: Rehearsing, reason: str) -> Chain:
    if rehearsing.away:
        rehearsing.away.rebuild()
    else:
        rehearsing.wrong.append(
            "the chain broke halfway: run the rehearsal again, it continues from what is applied"
        )
    return Chain(status="failed", reason=reason)
