"""What the quarterly audit looks at: the security lints, the contract of RLS, and the last restore drill.

Source: supabase-operations.md, "Quarterly".
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops import app_settings, database, drill_log, lints, rls, rls_contract, rls_trial, secrets
from ops.check_looks import check
from ops.checking import Checking
from ops.checks import Finding
from ops.evidence import Evidence

_MOST_DRILL_AGE = timedelta(days=100)


@check("security lints")
def check_lints(checking: Checking) -> Evidence:
    """Ask what Supabase's security advisors would say."""
    with checking.reading() as connection:
        found = lints.check(connection, served=rls.exposed_schemas(checking.plan.project), only=lints.AUDITED)
    served = ", ".join(found.served) or "no schema"
    unasked = f" Not asked: {', '.join(found.unasked)}." if found.unasked else ""
    return checking.found(
        [each.finding for each in found.lints], f"No lint names anything; the API serves {served}.{unasked}"
    )


@check("contract of row level security")
def check_contract(checking: Checking) -> Evidence:
    """Try who may do what to whose row, roll it back, and hold it against the committed contract."""
    plan = checking.plan
    path = plan.project.root / rls_contract.CONVENTION
    if not path.is_file():
        return checking.found([_no_contract()], "")
    declared = rls_contract.only(rls_contract.read(path), plan.table)
    if checking.unreachable:
        return checking.unseen(checking.unreachable, "Look whether the database is up.")
    dsn = app_settings.open_reference(plan.environment.database or "", plan.project.root)
    secrets.remember(dsn)
    # What is tried is written, so that the login that only reads is no use for it.
    with database.connect(dsn, application=checking.run, prepare_threshold=None) as connection:
        trial = rls_trial.run(
            connection,
            schemas=rls.exposed_schemas(plan.project),
            samples=plan.project.deploy.samples,
            settings=plan.project.rls,
            most_rows=plan.environment.access.most_rows,
            most_rows_whole=plan.environment.access.most_rows_whole,
        )
    there = rls_contract.only(trial.contract, plan.table)
    if checking.bundle:
        checking.bundle.write_text(rls_contract.CONVENTION.name, rls_contract.text(there))
    touched = (
        f" In the transaction that was rolled back: {'; '.join(trial.touched)}." if trial.touched else ""
    )
    return checking.found(
        [
            *rls_contract.compare(declared, there),
            *(each for each in trial.gaps if each.object in there.tables),
        ],
        f"{len(there.tables)} tables do what the contract says.{touched}",
        rows=[
            {"table": name, "role": role} | acts.model_dump()
            for name, table in there.tables.items()
            for role, acts in table.acts.items()
        ],
    )


@check("last restore drill")
def check_drill(checking: Checking) -> Evidence:
    """Look when a restore was last proven to work."""
    plan = checking.plan
    where = plan.environment
    most = where.backups.most_drill_age if where.backups else _MOST_DRILL_AGE
    passed = [
        ended
        for each in drill_log.read(plan.out, where.name)
        if each.get("verdict") == "passed" and (ended := _time(each.get("ended")))
    ]
    if passed and checking.now - max(passed) <= most:
        return checking.found([], f"A restore drill last passed on {max(passed):%Y-%m-%d}.")
    said = (
        f"The last restore drill that passed is of {max(passed):%Y-%m-%d}, longer than {most.days} days ago."
        if passed
        else f"No restore drill of {where.name} has ever passed."
    )
    return checking.found(
        [
            Finding(
                kind="drill-overdue",
                object="restore drill",
                severity="failed" if where.backups else "attention",
                said=said,
                why="A backup that was never restored is a hope.",
                todo=f"Run it now: runbooks run restore-drill/{where.name}.",
            )
        ],
        "",
    )


def _no_contract() -> Finding:
    return Finding(
        kind="rls-no-contract",
        object=rls_contract.CONVENTION.as_posix(),
        severity="attention",
        said="The project has no contract of row level security: nobody has said who may read and write what.",
        why="A policy that is changed by hand, or by mistake, is noticed by nobody.",
        todo="Write it from a database that is right (runbooks rls declare), read it, and commit it.",
    )


def _time(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found and found.tzinfo is None else found
