"""The gate of a pull request while it runs: what the branch adds, rehearsed on what the base makes.

Source: database-pipeline.md, "How the PR Gate Works".
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops import (
    apply,
    assertions,
    config_lines,
    errors,
    history,
    migrations,
    operated_git,
    plan,
    preflight,
    project,
    pull_request_base,
    pull_request_branch,
    release_merged,
    reversal,
    rls,
    rows,
    throwaway,
    triage,
    trial,
    verification,
)  # fmt: skip
from ops.choices import Choices, PullRequestChoices
from ops.evidence import Evidence
from ops.inventory import Inventory
from ops.migrations import Migration
from ops.plan import Plan
from ops.project import Project
from ops.pull_request_drift import Staging
from ops.pull_request_result import Branch, StagingDrift, Verification
from ops.rehearsal import Rehearsing
from ops.schema import Snapshot
from ops.throwaway import Throwaway


class GatePlan(Plan):
    """What is judged: `based` are the base's migrations, those of `late` with a new rollback script."""

    branch: Branch
    based: tuple[Migration, ...]
    late: frozenset[str]
    staging: str | None
    choices: PullRequestChoices


class Gating(Rehearsing):
    """A rehearsal of what a branch adds.

    `bare` is the database before any migration, `built` with the base's; `unsown` holds the rows that those have made,
    once the base's seed is sown as well.
    """

    def __init__(self, gate: GatePlan, *, run: str, away: Throwaway) -> None:
        super().__init__(gate, away.target, run=run, away=away)
        self.gate = gate
        self.bare: Snapshot = dict(away.target.mirror.snapshot)
        self.built: Snapshot = {}
        self.unsown: dict[str, rows.Image] | None = None
        self.late: tuple[Migration, ...] = tuple(m for m in gate.based if m.version in gate.late)
        self.holes: frozenset[tuple[str, str]] = frozenset()
        self.staging: Staging | None = None
        self.verification = Verification()
        self.drift = StagingDrift(
            reason="the gate ended before it" if gate.staging else "no staging was named"
        )
        self.blocking: list[str] = []

    def block(self, said: str) -> None:
        """Fail the verdict for a reason that the result shows in a place of its own."""
        self.wrong.append(said)
        self.blocking.append(said)


def gate(path: str, base: str, environment: str, staging: str, choices: PullRequestChoices) -> GatePlan:
    """Read the branch and its base, and say what is to be judged; reads files and git's objects only.

    Raises:
        Refused: the project, the environment or the base is not what it must be.
    """
    strictly = Choices(bindir=choices.bindir, require_rollback=choices.require_rollback, out=choices.out)
    where = project.load(Path(path))
    chosen = where.environment(environment)
    if chosen.in_place:
        raise errors.Refused(
            f"The environment {environment!r} is in place, and a branch is judged on a throw-away database only. "
            "Name another one, or none; name this one as staging for the drift."
        )
    read = pull_request_base.read(where, base)
    branch = pull_request_branch.compare(where, read, out_of_order=chosen.out_of_order)
    found = pull_request_branch.ordered(branch) or migrations.find(where)
    # It is said with the branch; what else comes out of order must not hide behind a refusal.
    planned = plan.of(where, environment, strictly, found)
    counted = triage.counted(len(branch.added), "migration")
    facts: dict[str, Any] = {
        **dict(planned),
        "environment": planned.environment.model_copy(update={"out_of_order": True}),
        "rows": tuple(change.model_dump() for change in branch.changes),
        "summary": f"{where.name}: {counted} added to the {len(branch.based)} of {base}.",
    }
    return GatePlan(
        **facts,
        branch=Branch(
            base=base,
            base_commit=read.now.commit,
            merge_base=read.left.commit,
            head=planned.commit,
            tree=operated_git.tree(where.root, "HEAD") or None,
            clean=not release_merged.changed(where, found),
            changes=branch.changes,
            uncommitted=pull_request_base.uncommitted(where.root, pull_request_base.judged(where, found)),
        ),
        based=branch.based,
        late=branch.late,
        staging=_staging(where, staging),
        choices=choices,
    )


def _staging(where: Project, named: str) -> str | None:
    """Return the secret reference of staging's DSN, which an environment may hold."""
    if not named or ":" in named:
        return named or None
    database = where.environment(named).database
    if database is None:
        raise errors.Refused(
            f"The environment {named!r} has no database, so there is no staging to compare with. Name one there, "
            "or a secret: env:NAME, file:PATH, command:LINE."
        )
    return database


@contextmanager
def opened(gate: GatePlan, run: str) -> Generator[Gating]:
    """Make the throw-away database on which the branch is judged.

    Raises:
        Refused: the environment's template does not exist, is in use, or may not be copied.
        Unavailable: the server did not start.
    """
    with throwaway.opened(gate.project, gate.environment, run=run) as away:
        gating = Gating(gate, run=run, away=away)
        gating.findings += away.warnings
        gating.begin()
        yield gating


def check_branch(gating: Gating) -> Evidence:
    """Say what the branch does to the base's migrations: what is there may not be edited, renamed or deleted."""
    changes = gating.gate.branch.changes
    wrong = [change for change in changes if change.fails]
    if wrong:
        counted = triage.counted(len(wrong), "change")
        gating.block(f"{counted} that may not be, the first in {wrong[0].place}")
    if loose := gating.gate.branch.uncommitted:
        counted = triage.counted(len(loose), "file")
        gating.findings.append(f"{counted} judged and not committed, the first is {loose[0]}.")
    added = sum(change.kind == "added" for change in changes)
    said = (
        f"{triage.counted(added, 'migration')} added, {triage.counted(len(wrong), 'change')} that may not be"
    )
    return Evidence(
        ok=not wrong,
        summary=f"{said}. The first: {wrong[0].place} {wrong[0].said}" if wrong else f"{said}.",
        rows=tuple(change.model_dump() for change in changes),
    )


def build_base(gating: Gating) -> Evidence:
    """Apply the base's migrations; where the branch brings a rollback script for one, rehearse that.

    Raises:
        Refused: the base cannot be built, so nothing can be said of the branch.
        Unavailable: the connection was lost three times.
    """
    there = {row.version for row in history.read(gating.target.observer, {}).applied}
    gating.pending = gating.late
    for migration in gating.gate.based:
        if migration.version not in there:
            _build(gating, migration)
    away = _away(gating)
    away.checkpoint()
    gating.begin()
    gating.built = dict(gating.target.mirror.snapshot)
    schemas = rls.exposed_schemas(gating.project)
    gating.holes = frozenset(
        (f.table, f.message) for f in rls.check(gating.target.observer, schemas=schemas).findings
    )
    wrong = [m.file for m in gating.late if gating.results[m.file].rollback.status != "proven"]
    counted = triage.counted(len(gating.gate.based), "migration")
    rehearsed = (
        f"; {triage.counted(len(gating.late), 'new rollback script')} rehearsed" if gating.late else ""
    )
    return Evidence(ok=not wrong, summary=f"The base is built of {counted}{rehearsed}.")


def _build(gating: Gating, migration: Migration) -> None:
    if migration.problem:
        raise _unbuilt(gating, migration, migration.problem)
    if migration.version in gating.gate.late:
        gating.unseen = True
        failure = trial.apply_migration(gating, migration).result.error
        if failure is None:
            trial.prove_rollback(gating, migration)
    else:
        failure = apply.run(gating.target, migration.script, reversal.forward_entry(migration)).failure
        _away(gating).applied(migration)
    if failure:
        raise _unbuilt(gating, migration, str(failure))


def _unbuilt(gating: Gating, migration: Migration, why: str) -> errors.Refused:
    return errors.Refused(
        f"The base {gating.gate.branch.base} itself cannot be built, so nothing can be said of the branch: {why}. "
        f"Mend {migration.path.name} there first."
    )


def find_added(gating: Gating) -> Inventory:
    """Find what is pending beyond the base, and lint it; that something of it exists already is only said."""
    found = preflight.find_pending(gating)
    if found.refusals:
        gating.findings += found.refusals
        found = found.model_copy(update={"refusals": (), "ok": True})
        gating.before = found
    return found


def check_rls(gating: Gating) -> Evidence:
    """Check RLS coverage; a hole that the base has already is said and blocks no branch."""
    found = assertions.check_rls(gating)
    known = {(f.table, f.message) for f in gating.rls.findings if f.level == "error"} & gating.holes
    if not known:
        return found
    findings = tuple(
        f.model_copy(update={"level": "warning", "message": f"{f.message} (so it is on the base)"})
        if (f.table, f.message) in known
        else f
        for f in gating.rls.findings
    )
    gating.rls = gating.rls.model_copy(update={"findings": findings})
    new = [f for f in findings if f.level == "error"]
    said = f"{triage.counted(len(new), 'new RLS hole')}, and {len(known)} that the base has."
    return found.model_copy(
        update={"ok": not new, "summary": said, "rows": tuple(f.model_dump() for f in findings)}
    )


def run_verification(gating: Gating) -> Evidence:
    """Run the verification scripts and the smoke SQL on the result, and undo them.

    Raises:
        Unavailable: the connection is lost on the way.
        Refused: there is no psql for a file that needs it.
    """
    if gating.stopped:
        reason = f"not tried, since {gating.stopped} failed"
        gating.verification = Verification(reason=reason)
        return Evidence(ok=True, summary=f"Verification was {reason}.", idle=True)
    paths, missing = verification.find(gating.project)
    files = verification.run(gating.project, paths, gating.target.dsn, bindir=gating.bindir)
    gating.verification = Verification(files=files, missing=missing)
    bad = [file for file in files if verification.fails(file)]
    if bad:
        gating.block(f"{triage.counted(len(bad), 'verification script')} failed, the first is {bad[0].name}")
    if missing:
        place = config_lines.place(gating.project.root, "pull_request")
        gating.block(f"no verification script matches {', '.join(missing)} ({place})")
    said = f"{len(files) - len(bad)} of {triage.counted(len(files), 'script')} held"
    why = f"; the first that does not is {bad[0].name}: {triage.contract_outcome(bad[0])}" if bad else ""
    lost = f"; nothing matches {', '.join(missing)}" if missing else ""
    return Evidence(
        ok=not bad and not missing,
        idle=not files and not missing,
        summary=f"{said}{why}{lost}.",
        rows=tuple(file.model_dump(mode="json") for file in files),
    )


def _away(gating: Gating) -> Throwaway:
    if gating.away is None:
        raise ValueError("a branch is judged on a throw-away database")
    return gating.away
