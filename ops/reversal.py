"""Apply a migration, roll it back, and prove that what was there before is there again.

Source: staging-rehearsal.md, section 5.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ops import (
    apply,
    comparison,
    database,
    errors,
    execution,
    failures,
    journal,
    named_policies,
    parts,
    psql,
    rows,
    schema,
)
from ops.migrations import Migration
from ops.rollbacks import RollbackScript
from ops.target import Target
from ops.verdict import Difference, Reapply, Rollback


@dataclass(frozen=True, slots=True)
class Step:
    """One file's whole effect: its outcome, what it changed, and the rows that its tables had before it.

    `counted` has, by name, how many rows each table had that was there before and that it locked, read or changed;
    `None` where a table was too large for its rows to be kept. `left` is what it names and has left as it was.
    """

    outcome: apply.Outcome
    delta: schema.Delta
    rows_before: rows.Images
    rewritten: tuple[str, ...] = ()
    counted: Mapping[str, int | None] = field(default_factory=dict[str, "int | None"])
    left: Mapping[schema.Key, str | None] = field(default_factory=dict[schema.Key, "str | None"])


@dataclass(frozen=True, slots=True)
class Proof:
    """What rolling back and applying again showed.

    `clean`: the database is as after the first apply; where it is not, `moved` is how its schema differs.
    """

    rollback: Rollback
    reapply: Reapply
    clean: bool
    moved: schema.Delta = field(default_factory=dict[schema.Key, tuple[str | None, str | None]])


def forward(target: Target, migration: Migration) -> Step:
    """Apply a migration and see what it changed."""
    script = migration.script
    step = _take(target, apply.run(target, script, forward_entry(migration)))
    named = named_policies.keys(script.statements) - step.delta.keys()
    return replace(step, left={key: target.mirror.snapshot.get(key) for key in named})


def forward_entry(migration: Migration) -> journal.Entry:
    """Return the journal's words for applying this migration."""
    return journal.Entry(
        version=migration.key,
        name=migration.name,
        file=migration.file,
        sha256=migration.sha256,
        direction="apply",
        statements=tuple(statement.text for statement in migration.script.statements),
        history=not migration.overlay,
        environment=migration.environment,
    )


def backward(target: Target, migration: Migration, *, inspect: apply.Inspect | None = None) -> Step:
    """Run a migration's rollback script and see what it changed."""
    return _take(target, undo(target, migration, inspect=inspect))


def undo(target: Target, migration: Migration, *, inspect: apply.Inspect | None = None) -> apply.Outcome:
    """Run a migration's rollback script, in one transaction with its journal row where it can be one."""
    script = migration.rollback
    if script is None:
        raise ValueError(f"{migration.file} has no rollback script")
    entry = journal.Entry(
        version=migration.key,
        name=migration.name,
        file=script.file,
        sha256=script.sha256,
        direction="rollback",
        statements=(),
        history=not migration.overlay,
        environment=migration.environment,
    )
    if script.uses_psql:
        return _through_psql(target, script, entry)
    return apply.run(target, script.script, entry, inspect=inspect)


def _through_psql(target: Target, script: RollbackScript, entry: journal.Entry) -> apply.Outcome:
    """Run a script that only psql understands; in one transaction with its journal row, where it can be one."""
    whole = all(unit.transactional for unit in script.script.units)

    def once(again: bool) -> apply.Outcome:
        return (again and apply.already(target, entry)) or _script(target, script, entry, whole=whole)

    return apply.persist(once, entry.file, transactional=whole)


def _script(target: Target, script: RollbackScript, entry: journal.Entry, *, whole: bool) -> apply.Outcome:
    if hashlib.sha256(script.path.read_bytes()).hexdigest() != script.sha256:
        raise errors.Refused(
            f"{script.file} was changed since this run has read it, so it was not run: what was approved and proven is "
            "another script. Put it back, and run again."
        )
    began = time.perf_counter()
    result = psql.run(
        script.path,
        target.dsn,
        root=script.path.parents[len(Path(script.file).parts) - 1],
        single_transaction=whole,
        # CONCURRENTLY waits for old snapshots by design, and is left INVALID when a timeout kills it.
        before=target.timeouts.decode() if whole else "set lock_timeout = 0; set statement_timeout = 0",
        after=journal.completion(target.observer, entry, run=target.run, holder=target.holder),
        application=target.run,
    )
    elapsed = round((time.perf_counter() - began) * 1000, 3)
    if result.failure is None:
        return apply.Outcome(transactional=whole, duration_ms=elapsed, touched=None, notes=("run by psql",))
    if result.failure.sqlstate == journal.LOST_LOCK:
        raise errors.Unavailable(result.failure.message)
    if whole:
        raise execution.StatementFailed(result.failure, cut=result.lost)
    # What it did before its error stays, so that nothing is tried again from the start.
    return apply.Outcome(failure=result.failure, transactional=False, duration_ms=elapsed, touched=None)


def prove(target: Target, migration: Migration, applied: Step, *, since: datetime | None = None) -> Proof:
    """Roll a migration back that has just been applied, compare, apply it again, and compare again."""
    if migration.rollback is None:
        return Proof(Rollback(status="missing"), Reapply(status="skipped"), clean=True)
    if migration.rollback.problem:
        failure = failures.refusal(migration.rollback.problem, migration.rollback.file)
        rollback = Rollback(script=migration.rollback.file, status="failed", error=failure)
        return Proof(rollback, Reapply(status="skipped"), clean=True)
    began = since or datetime.now(UTC)
    seen = sum(image.count for image in target.ledger.of(applied.rows_before).values())
    guard = None if target.throw_away else _Guard(target, applied, began)
    back = backward(target, migration, inspect=guard and guard.restores)
    if back.outcome.failure:
        rollback = _failed(migration, back)
        clean = not back.delta and not _rows_moved(target, back)
        return Proof(rollback, Reapply(status="skipped"), clean=clean, moved=back.delta)
    found = guard.found if guard and back.outcome.withdrawn else _restored(target, applied, back, since=began)
    rollback = Rollback(
        script=migration.rollback.file,
        sha256=migration.rollback.sha256,
        status="differs" if found else "proven",
        differences=found,
        rows_seen=seen,
        duration_ms=back.outcome.duration_ms,
    )
    if back.outcome.withdrawn:
        return Proof(rollback, Reapply(status="skipped"), clean=True)
    return _again(target, migration, back, rollback, since=began)


def _again(target: Target, migration: Migration, back: Step, rollback: Rollback, *, since: datetime) -> Proof:
    rows_first = {**back.rows_before}
    again = forward(target, migration)
    moved = comparison.compose(back.delta, again.delta)
    if again.outcome.failure:
        return Proof(
            rollback, Reapply(status="failed", error=again.outcome.failure), clean=False, moved=moved
        )
    changed = comparison.differences(moved)
    before = {**again.rows_before, **rows_first}
    after = target.ledger.of(before)
    found = (*changed, *rows.differences(before, after, since=since, lenient=True))
    reapply = Reapply(status="differs" if found else "same", differences=found)
    return Proof(rollback, reapply, clean=not found, moved=moved)


def _restored(target: Target, applied: Step, back: Step, *, since: datetime) -> tuple[Difference, ...]:
    before = {**back.rows_before, **applied.rows_before}
    changed = comparison.differences(comparison.compose(applied.delta, back.delta))
    return (*changed, *rows.differences(before, target.ledger.of(before), since=since))


@dataclass
class _Guard:
    """In place, a rollback that does not restore is not committed: the database stays as it was applied."""

    target: Target
    applied: Step
    since: datetime
    found: tuple[Difference, ...] = ()

    def restores(self, connection: database.Connection, touched: frozenset[int] | None) -> bool:
        """Whether what the uncommitted rollback has made is what was there before."""
        ledger = self.target.ledger
        delta = self.target.mirror.preview(connection)
        after = ledger.preview(connection, touched)
        before = {**ledger.images, **self.applied.rows_before}
        self.found = (
            *comparison.differences(comparison.compose(self.applied.delta, delta)),
            *rows.differences(before, after, since=self.since),
        )
        return not self.found


def _take(target: Target, outcome: apply.Outcome) -> Step:
    target.login_ahead()
    names = target.mirror.relations(outcome.held)
    delta = target.mirror.refresh(target.observer)
    outcome = outcome.named({**names, **target.mirror.relations(outcome.held)})
    before = target.ledger.refresh(target.observer, outcome.touched)
    counted = _counted(target, outcome, delta, before)
    return Step(outcome, delta, before, rewritten=target.mirror.rewritten, counted=counted)


def _counted(
    target: Target, outcome: apply.Outcome, delta: schema.Delta, before: rows.Images
) -> dict[str, int | None]:
    named = {lock.object for lock in outcome.locks} | _named(delta)
    # Without a single transaction nobody knows what it touched, and every table was read again.
    named |= {*before} if outcome.touched is not None else {*_moved(target, before)}
    there = {name for name in named if _was_there(target, delta, ("table", name))}
    images = {**target.ledger.of(there), **{name: image for name, image in before.items() if name in there}}
    return {
        name: (image.count if image.rows is not None else None) if (image := images.get(name)) else 0
        for name in sorted(there)
    }


def _named(delta: schema.Delta) -> set[str]:
    texts = {key: before or after or "" for key, (before, after) in delta.items()}
    owners = (owner for key, text in texts.items() for owner in (key, *parts.owners(key, text)))
    return {identity for kind, identity in owners if kind == "table"}


def _moved(target: Target, before: rows.Images) -> list[str]:
    now = target.ledger.images
    return [name for name, image in before.items() if name not in now or now[name].rows != image.rows]


def _was_there(target: Target, delta: schema.Delta, key: schema.Key) -> bool:
    return delta[key][0] is not None if key in delta else key in target.mirror.snapshot


def _rows_moved(target: Target, step: Step) -> bool:
    return bool(rows.differences(step.rows_before, target.ledger.of(step.rows_before)))


def _failed(migration: Migration, back: Step) -> Rollback:
    script = migration.rollback.file if migration.rollback else None
    return Rollback(
        script=script,
        status="failed",
        error=back.outcome.failure,
        differences=comparison.differences(back.delta),
        duration_ms=back.outcome.duration_ms,
    )
