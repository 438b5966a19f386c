"""What a rehearsal looks at before it changes anything.

Source: staging-rehearsal.md, sections 2 and 3; design.md section 6.
"""

from __future__ import annotations

from ops import connectivity, errors, failures, inventory, lint, overlays, shape
from ops.evidence import Evidence
from ops.migrations import Migration
from ops.rehearsal import Rehearsing
from ops.verdict import Base, MigrationResult, Rollback


def check_connectivity(rehearsing: Rehearsing) -> Evidence:
    """Say which database answers, as whom, over which road.

    Raises:
        Refused: the DSN cannot work, the login is refused, or a pooler gives no session.
        Unavailable: nobody answers.
    """
    found = connectivity.check(rehearsing.target.dsn, throw_away=rehearsing.away is not None)
    rehearsing.connectivity = found
    rehearsing.base = Base(
        place=rehearsing.plan.environment.place,
        server_version=found.server_version,
        major=found.server_major,
        warnings=_other_major(rehearsing, found.server_major),
    )
    return found


def _other_major(rehearsing: Rehearsing, major: int) -> tuple[str, ...]:
    wanted = rehearsing.project.setting("db", "major_version")
    if wanted is None or int(wanted) == major:
        return ()
    return (
        f"rehearsed on PostgreSQL {major}, and supabase/config.toml names {wanted}: what passes here may fail there. "
        "Give a server of that version with --database or --bindir.",
    )


def find_pending(rehearsing: Rehearsing) -> inventory.Inventory:
    """Compare every local file with what the database says is applied; lint what is pending."""
    plan = rehearsing.plan
    found = inventory.take(
        rehearsing.target.observer,
        plan.migrations,
        overlooked=plan.overlooked,
        expects=plan.environment.expects,
        out_of_order=plan.environment.out_of_order,
    )
    pending = frozenset(found.pending)
    overlaid = overlays.pending(rehearsing.target.observer, plan.overlays)
    rehearsing.pending = (*(m for m in plan.migrations if m.version in pending), *overlaid)
    begun = overlays.unfinished(rehearsing.target.observer, plan.overlays)
    rehearsing.unfinished = frozenset((*found.unfinished, *begun))
    rehearsing.lint = lint.findings(rehearsing.pending, major=rehearsing.base.major or 17)
    rehearsing.before = _with_overlays(rehearsing, found.with_lint(rehearsing.lint))
    rehearsing.findings += found.findings
    return rehearsing.before


def _with_overlays(rehearsing: Rehearsing, found: inventory.Inventory) -> inventory.Inventory:
    """Show the overlays below the migrations."""
    plan = rehearsing.plan
    if not plan.overlays or plan.overlay_environment is None:
        return found
    due = {migration.file for migration in rehearsing.pending if migration.overlay}
    rows = [overlays.row(each, pending=each.file in due) for each in plan.overlays]
    said = f"{len(due)} of {len(rows)} overlay files of {plan.overlay_environment.name} are to be applied."
    return found.model_copy(update={"rows": (*found.rows, *rows), "summary": f"{found.summary} {said}"})


def refuse_bad_files(rehearsing: Rehearsing) -> Evidence:
    """Refuse the whole rehearsal when a pending file must not be run as it is, or not on this database.

    Raises:
        Refused: the first of the bad files, with its place, or what the history contradicts.
    """
    bad = [
        migration
        for migration in (*rehearsing.plan.migrations, *(m for m in rehearsing.pending if m.overlay))
        if migration.problem and _matters(rehearsing, migration)
    ]
    for migration in (*bad, *rehearsing.pending) if bad else ():
        rehearsing.results.setdefault(migration.file, _untried(rehearsing, migration))
    odd = [{"file": m.file, "finding": text} for m in rehearsing.pending for text in m.findings]
    if bad:
        more = f" And {len(bad) - 1} more." if len(bad) > 1 else ""
        raise _refused(f"{bad[0].problem}{more}", [(m.file, m.problem or "") for m in bad])
    if rehearsing.before and rehearsing.before.refusals:
        first, *others = rehearsing.before.refusals
        more = f" And {len(others)} more." if others else ""
        raise _refused(f"{first}{more}", [("", said) for said in rehearsing.before.refusals])
    _prove_ahead(rehearsing)
    return Evidence(
        ok=True,
        summary=f"{len(rehearsing.pending)} files may run; {len(odd)} oddities.",
        rows=tuple(odd),
    )


def _prove_ahead(rehearsing: Rehearsing) -> None:
    rehearsing.ahead.start([m for m in rehearsing.pending if not m.overlay], since=rehearsing.started)
    rehearsing.base = rehearsing.base.model_copy(update={"servers": rehearsing.ahead.servers})


def _refused(message: str, problems: list[tuple[str, str]]) -> errors.Refused:
    said = f"{message} Nothing was run."
    rows = tuple({"file": file, "refused": problem} for file, problem in problems)
    return errors.Refused(said, Evidence(ok=False, summary=said, rows=rows))


def _untried(rehearsing: Rehearsing, migration: Migration) -> MigrationResult:
    script = migration.rollback
    return MigrationResult(
        file=migration.file,
        version=migration.version,
        name=migration.name,
        overlay=migration.overlay,
        status="refused" if migration.problem else "skipped",
        transactional=migration.script.transactional,
        error=failures.refusal(migration.problem, migration.file) if migration.problem else None,
        rollback=Rollback(script=script.file if script else None, status="skipped" if script else "missing"),
        lint=rehearsing.lint.get(migration.file, ()),
        findings=migration.findings,
    )


def _matters(rehearsing: Rehearsing, migration: Migration) -> bool:
    """A file that is applied already is never run again, so its faults block nothing."""
    entries = rehearsing.before.entries if rehearsing.before else ()
    return not any(
        entry.file == migration.file and entry.state in ("applied", "other-hands", "edited")
        for entry in entries
    )


def find_left(rehearsing: Rehearsing) -> inventory.Inventory:
    """Compare again: after a rehearsal nothing may be left pending that did not fail or was not skipped."""
    plan = rehearsing.plan
    found = inventory.take(rehearsing.target.observer, plan.migrations, overlooked=plan.overlooked)
    rehearsing.after = found
    if rehearsing.away and rehearsing.away.shaped:
        stand_ins = {*shape.stand_ins(rehearsing.target.observer), *rehearsing.base.stand_ins}
        rehearsing.base = rehearsing.base.model_copy(update={"stand_ins": tuple(sorted(stand_ins))})
    done = [m for m in rehearsing.pending if m.file in rehearsing.applied]
    again = overlays.pending(rehearsing.target.observer, [m for m in done if m.overlay])
    lost = [m.file for m in done if m in again or (not m.overlay and m.version in found.pending)]
    if lost:
        rehearsing.wrong.append(f"applied and yet pending: {', '.join(lost)}")
    return found
