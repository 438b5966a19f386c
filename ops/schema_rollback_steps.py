"""The acts of a rollback of the schema: under the lock, script by script, each seen to do what it was proven to do."""

from __future__ import annotations

from ops import (
    comparison,
    database,
    errors,
    journal,
    kept_state,
    promotion_begun,
    promotions,
    queries,
    reversal,
    schema_rollback_plan,
)
from ops import schema as schemas
from ops.evidence import Evidence
from ops.kept_state import Item
from ops.migrations import Migration
from ops.schema_rollback import KIND, RollingBack, digest
from ops.target import Target


def take_lock(rolling: RollingBack) -> Evidence:
    """Lock out other runs, see that all is as it was approved, and keep the plan, so that it can go on after a kill.

    Raises:
        Refused: another run holds the lock, or something has changed since.
    """
    where = rolling.plan.environment
    target = Target(
        dsn=rolling.dsn,
        observer_dsn=rolling.dsn,
        run=rolling.run,
        throw_away=False,
        lock_timeout=where.lock_timeout,
        statement_timeout=where.statement_timeout,
    )
    target.holder = rolling.ends.enter_context(journal.held(rolling.dsn, rolling.run))
    rolling.ends.callback(target.close)
    target.observe(rows_too=False)
    rolling.target = target
    with database.connect(rolling.dsn, application=rolling.run) as connection, database.translating():
        kept_state.prepare(connection)
        kept = kept_state.of_run(connection, KIND, rolling.run)
        if kept is None:
            _keep(rolling, connection)
        else:
            rolling.done = schema_rollback_plan.done(rolling, connection, kept)
        _give_up(rolling, connection)
    return Evidence(ok=True, summary=f"{rolling.run} holds the lock, and everything is as it was approved.")


def roll_back(rolling: RollingBack, migration: Migration) -> Evidence:
    """Run one rollback script in one transaction with its journal row, and see that it does what it was proven to do.

    Raises:
        CheckFailed: the script fails, or would do something else here than on a clone.
        Unavailable: the connection or the lock is lost.
    """
    target = rolling.target
    if target is None:
        raise ValueError("a script runs under the lock")
    if migration.version in rolling.done:
        return Evidence(
            ok=True, summary=f"{migration.path.name}: rolled back before the interruption.", idle=True
        )
    expected = rolling.expected.get(migration.version)

    def as_proven(connection: database.Connection, _: frozenset[int] | None) -> bool:
        seen = comparison.differences(target.mirror.preview(connection))
        rolling.removed[migration.version] = seen
        return expected is None or set(seen) == set(expected)

    outcome = reversal.undo(target, migration, inspect=as_proven)
    if outcome.failure:
        raise errors.CheckFailed(
            f"{migration.path.name}: its rollback failed: {outcome.failure}. {_stays(rolling)}"
        )
    delta = comparison.differences(target.mirror.refresh(target.observer))
    seen = rolling.removed[migration.version] if outcome.withdrawn else delta
    rolling.removed[migration.version] = seen
    if expected is not None and set(seen) != set(expected):
        other = sorted(f"{each.kind} {each.object}" for each in set(seen) ^ set(expected))
        kept = (
            "It was not committed"
            if outcome.withdrawn
            else "It is committed, since it is no single transaction"
        )
        raise errors.CheckFailed(
            f"{migration.path.name}: its rollback does something else here than on a clone: {', '.join(other)}. "
            f"{kept}. {_stays(rolling)}"
        )
    rolling.done.add(migration.version)
    rows = tuple({"object": f"{each.kind} {each.object}", "note": each.note or ""} for each in seen)
    return Evidence(ok=True, summary=f"{migration.path.name}: rolled back, {len(seen)} objects.", rows=rows)


def _give_up(rolling: RollingBack, connection: database.Connection) -> None:
    """End the plan that is under way, before anything of it goes: else its next run would apply that again, unasked."""
    plan = rolling.plan
    if begun := promotions.under_way(connection, plan.environment.name):
        promotion_begun.end_given_up(
            connection,
            begun,
            where=plan.environment,
            root=plan.project.root,
            run=rolling.run,
            why="was given up, since the schema is rolled back",
        )


def _keep(rolling: RollingBack, connection: database.Connection) -> None:
    approved = rolling.digest
    if digest(rolling, schemas.snapshot(connection)) != approved:
        raise errors.Refused(
            "The schema is not what it was when this was approved. Nothing was rolled back. Run again for a new plan."
        )
    items = {
        each.version: Item(
            before={
                "place": str(place),
                "sha256": each.sha256,
                "rollback": each.rollback.sha256 if each.rollback else None,
            },
            after={},
        )
        for place, each in enumerate(rolling.order)
    }
    name = rolling.plan.environment.name
    kept_state.keep(
        connection, KIND, name, subject="schema", run=rolling.run, plan_digest=approved, items=items
    )


def _stays(rolling: RollingBack) -> str:
    done = [each.path.name for each in rolling.order if each.version in rolling.done]
    return f"Rolled back and stays so: {', '.join(done) or 'nothing'}. Retry the run to go on."


def verify(rolling: RollingBack) -> Evidence:
    """See that the history has none of them any more, and that the journal says by whom each was rolled back."""
    with database.connect(rolling.dsn, application=rolling.run) as connection, database.translating():
        found = {
            version: (applied, run)
            for version, applied, run in connection.execute(
                queries.load("schema_rollback/left"), {"versions": [each.version for each in rolling.order]}
            )
        }
    wrong = [version for version, said in found.items() if said != (False, rolling.run)]
    rows = tuple(
        {"version": version, "in the history": applied, "rolled back by": run or ""}
        for version, (applied, run) in found.items()
    )
    said = (
        f"not rolled back by this run: {', '.join(wrong)}"
        if wrong
        else "history and journal agree: all are gone"
    )
    return Evidence(ok=not wrong, summary=f"Read again: {said}.", rows=rows)
