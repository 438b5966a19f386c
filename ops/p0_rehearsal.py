"""The P0 rollback rehearsed, with its way back, on a throw-away clone: never on the environment itself.

Source: phase2-rollout-and-eval.md, release gates ("P0 rollback SQL tested in staging before prod rollout").
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ops import (
    apply,
    change,
    errors,
    inventory,
    migrations,
    overlays,
    reversal,
    statements,
    switch,
    table_rows,
    throwaway,
)
from ops import switch_steps as steps
from ops.evidence import Evidence
from ops.journal import Entry
from ops.migrations import Migration
from ops.p0_rollback import ProviderReset
from ops.switch import Mode, Switching, SwitchPlan
from ops.throwaway import Throwaway


class Rehearsing(Switching):
    """A P0 rollback on a clone that is gone when the run ends."""

    def __init__(self, plan: SwitchPlan, away: Throwaway, reset: ProviderReset) -> None:
        super().__init__(plan, away.target.dsn)
        self.away = away
        self.reset = reset


@contextmanager
def opened(plan: SwitchPlan, run: str) -> Generator[Switching]:
    """Open the database of the environment, or a clone where it is a rehearsal.

    Raises:
        Refused: there is no database, or the template cannot be cloned.
        Unavailable: the server of the clone did not start.
    """
    if not plan.rehearse or not isinstance(plan.subject, ProviderReset):
        yield switch.opened(plan)
        return
    own = {"bindir": Path(plan.bindir)} if plan.bindir else {}
    where = plan.environment.model_copy(update=own)
    with throwaway.opened(plan.project, where, run=run) as away:
        yield Rehearsing(plan, away, plan.subject)


def apply_release(switching: Switching) -> Evidence:
    """Apply what is pending in the clone, and the overlay of the environment.

    Raises:
        Refused: this is no rehearsal, or a file has a mistake.
        CheckFailed: a file does not apply.
    """
    clone = _clone(switching)
    project, target = clone.plan.project, clone.away.target
    found = migrations.find(project)
    clone.migrations_digest = migrations.change_digest(found)
    with target.login() as connection:
        taken = inventory.take(connection, found, out_of_order=True)
    pending = [migration for migration in found if migration.version in taken.pending]
    if problem := next(iter([*taken.refusals, *(each.problem for each in pending if each.problem)]), None):
        raise errors.Refused(problem)
    for migration in pending:
        _apply(clone, migration.script, reversal.forward_entry(migration))
    overlay = overlays.find(project, clone.plan.environment)
    clone.overlays_digest = change.of(project, clone.plan.environment, found, overlay).overlay
    for each in overlay:
        if each.problem:
            raise errors.Refused(each.problem)
        _apply(clone, each.script, reversal.forward_entry(each))
    rows = [
        *(_row(each) for each in pending),
        *({"file": each.file, "is": "overlay"} for each in overlay),
    ]
    return Evidence(
        ok=True,
        summary=f"The clone has the release: {len(pending)} migrations and {len(overlay)} overlay files applied.",
        rows=tuple(rows),
    )


def rehearse(switching: Switching) -> Evidence:
    """Reset the providers in the clone, verify, put them back, and see that every row is what it was.

    Raises:
        Refused: this is no rehearsal, or the default provider has no row in an environment.
        CheckFailed: something is not as it should be.
    """
    clone = _clone(switching)
    first = steps.find(clone)
    if not clone.due:
        _switch_off(clone)
        first = steps.find(clone)
    said = [("find", first), ("reset", steps.act(clone)), ("verify", _held(steps.verify(clone)))]
    plan = clone.plan.model_copy(update={"mode": Mode.PUT_BACK})
    back = Switching(plan, clone.dsn)
    back.as_run(f"{clone.run} (put back)")
    said += [("find", steps.find(back)), ("put back", steps.act(back)), ("verify", _held(steps.verify(back)))]
    with clone.transaction(reads=True) as connection:
        now = clone.subject.read(connection)
    times = {name: clone.subject.times(name) for name in back.findings and clone.state}
    if left := table_rows.differing(clone.state, now, passed_over=times):
        raise errors.CheckFailed(f"Put back, and not everything is as it was before: {'; '.join(left)}.")
    clone.findings += back.findings
    return Evidence(
        ok=True,
        summary=f"Rehearsed on a clone: reset, verified, put back, and all {len(now)} rows are what they were.",
        rows=tuple({"step": step, "found": each.summary} for step, each in said),
    )


def _clone(switching: Switching) -> Rehearsing:
    if not isinstance(switching, Rehearsing):
        raise errors.Refused("Only a clone is rehearsed on, and this run has none. Choose rehearse.")
    return switching


def _held(found: Evidence) -> Evidence:
    if not found.ok:
        raise errors.CheckFailed(found.summary, found)
    return found


def _switch_off(clone: Rehearsing) -> None:
    """Make the reset have something to do: where it finds nothing to change, nothing of it is rehearsed."""
    with clone.transaction(reads=False) as connection:
        clone.reset.switch_off(connection, clone.state)
    clone.findings.append(
        "The release leaves the providers as the reset would, so the default one was switched off in the clone first."
    )


def _apply(clone: Rehearsing, script: statements.Script, entry: Entry) -> None:
    outcome = apply.run(clone.away.target, script, entry)
    if outcome.failure:
        raise errors.CheckFailed(
            f"The release does not apply, so nothing was rehearsed on it: {outcome.failure}"
        )


def _row(migration: Migration) -> dict[str, str]:
    return {"file": migration.file, "is": "migration"}
