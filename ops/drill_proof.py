"""What a drill proves of a restored database: its rows, its rules, its files, and that it stands at the target."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops import (
    amcheck,
    audit_store,
    database,
    drill,
    heartbeat,
    integrity,
    queries,
    recovery_target,
    reference_check,
)
from ops.backups import Problem
from ops.drill import Drilling
from ops.drill_check import told
from ops.drill_shape import IDLE
from ops.evidence import Evidence
from ops.recovery_target import TargetKind

# A heartbeat is written a moment after it is due.
_JITTER = timedelta(seconds=5)
# What a look at rows finds in every database, and says nothing of its backup.
_OF_THE_BACKUP = ("orphans", "sequence", "index", "constraint")


@drill.reading("rows")
def compare_rows(drilling: Drilling) -> Evidence:
    """Say whether the critical tables held, at a known place in the WAL, exactly what production had there."""
    expected, found = drilling.reference, drilling.compared
    if expected is None:
        return Evidence(ok=True, idle=True, summary="There is no reference, so rows were not compared.")
    if drilling.restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    if found is None and drilling.backup and drilling.backup.kind == "logical":
        found = reference_check.look(drilling.restored.dsn, expected)
    if found is None:
        place = recovery_target.written(expected.lsn)
        problem = Problem(
            kind="reference-not-reached",
            object=place,
            said=f"Recovery did not come by {place}, at which the rows are known, so they could not be compared.",
            todo="Look at the archive of WAL around it: backup-verification names the gap.",
        )
        return drilling.note("rows", (problem,), "")
    rows = sum(each.rows for each in expected.tables.values())
    return drilling.note(
        "rows",
        found,
        f"{len(expected.tables)} tables hold the same {rows:,} rows as production did at "
        f"{recovery_target.written(expected.lsn)}, with the same policies and rights.",
    )


@drill.reading("integrity")
def check_rows(drilling: Drilling) -> Evidence:
    """Look at foreign keys, sequences, indexes and constraints of all tables of the app."""
    if drilling.restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    with database.connect(drilling.restored.dsn, application=drilling.run) as connection:
        found = integrity.check(connection, drilling.plan.project.integrity)
    problems = tuple(
        Problem(
            kind="sequence-behind" if each.kind == "sequence" else each.kind,
            object=each.object,
            said=each.why,
            todo=each.remedy,
        )
        for each in found.findings
        if each.kind in _OF_THE_BACKUP
    )
    return drilling.note(
        "integrity", problems, "Foreign keys, sequences, indexes and constraints hold in the restored rows."
    )


def verify_backup(drilling: Drilling) -> Evidence:
    """Read the backup itself whole, against its own checksums, and the WAL behind it."""
    if drilling.backup is None:
        raise ValueError("a backup is chosen before it is verified")
    if any(each.kind == "restore-timeout" for each in drilling.problems):
        said = "The restore did not end within its time, so that nobody waits for what it waited for."
        return Evidence(ok=True, idle=True, summary=said)
    found = drilling.plan.source.verify(drilling.backup, drilling.progress)
    return drilling.note(
        "backup-files", found, f"{drilling.backup.id} is whole, and so is the WAL behind it."
    )


@drill.reading("pages")
def check_pages(drilling: Drilling) -> Evidence:
    """Look through tables and indexes page by page, once the cluster may be written to."""
    settings = drilling.plan.settings.drill
    if drilling.restored is None or not settings.amcheck:
        why = (
            IDLE if drilling.restored is None else "The configuration says that pages are not looked through."
        )
        return Evidence(ok=True, idle=True, summary=why)
    drilling.restored.promote()
    found = amcheck.look(
        drilling.restored.dsn,
        bindir=drilling.restored.bindir,
        heapallindexed=settings.heapallindexed,
    )
    with database.connect(drilling.restored.dsn, application=drilling.run) as connection:
        ((checksums,),) = connection.execute(queries.load("drill/checksums")).fetchall()
    unseen = Problem(
        kind="no-checksums",
        object="data_checksums",
        said="Pages have no checksums, so that a damaged one can go unseen into every backup.",
        todo="Switch them on with pg_checksums while the server is stopped.",
        blocks=False,
    )
    every = found if checksums == "on" else (*found, unseen)
    return drilling.note(
        "pages", every, "pg_amcheck found nothing wrong in any table or index; pages have checksums."
    )


@drill.reading("loss")
def measure_loss(drilling: Drilling) -> Evidence:
    """Measure the RPO: the time from the last heartbeat that came back to the moment of the failure or the target."""
    restored, plan = drilling.restored, drilling.plan
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    with database.connect(restored.dsn, application=drilling.run) as connection:
        beat = heartbeat.last(connection)
    failure = _failure(drilling)
    commit = restored.last_commit.astimezone(UTC) if restored.last_commit else None
    last = max((each for each in (beat.at if beat else None, commit) if each), default=None)
    row = {
        "failure": f"{failure:%Y-%m-%d %H:%M:%S.%f} UTC" if failure else "not known",
        "last heartbeat": str(beat.at.astimezone(UTC)) if beat else "none",
        "last commit": str(commit) if commit else "not known",
    }
    if last is None:
        problem = Problem(
            kind="loss-unknown",
            object="rpo",
            said="Neither a heartbeat nor a commit was recovered, so nobody knows how much would be lost.",
            todo="Switch on the deployment heartbeat in production.",
        )
        return drilling.note("loss", (problem,), "").model_copy(update={"rows": (row,)})
    if failure is None:
        problem = Problem(
            kind="loss-not-measured",
            object="rpo",
            said=f"Nothing in the WAL that is at hand says when {plan.target} was, so the loss was not measured.",
            todo="Drill `latest` or a time too: both measure it.",
            blocks=False,
        )
        return drilling.note("loss", (problem,), "").model_copy(update={"rows": (row,)})
    drilling.rpo = max(failure - last, timedelta(0))
    problems = _apart(beat.at if beat else None, commit, plan.settings.drill.heartbeat)
    if drilling.rpo > plan.settings.rpo:
        said = f"{told(drilling.rpo)} would be lost, and may be {told(plan.settings.rpo)}."
        problems.append(
            Problem(
                kind="rpo-missed",
                object="rpo",
                said=said,
                todo="Archive more often, or find what stopped it.",
            )
        )
    evidence = drilling.note(
        "loss", tuple(problems), f"RPO {told(drilling.rpo)}: nothing after {last:%H:%M:%S} UTC."
    )
    return evidence.model_copy(update={"rows": (row,)})


@drill.reading("target")
def prove_target(drilling: Drilling) -> Evidence:
    """Prove that recovery stopped just there: what came before is there, and what came after is not."""
    restored = drilling.restored
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    problems = list(_end_missing(drilling))
    target = restored.target
    following = restored.next_commit()
    if target.at is not None:
        with database.connect(restored.dsn, application=drilling.run) as connection:
            beat = heartbeat.last(connection)
        for what, at in (("heartbeat", beat.at if beat else None), ("commit", restored.last_commit)):
            if at is not None and at > target.at:
                problems.append(_beyond(f"A {what} of {at.astimezone(UTC)} is there"))
        if following is not None and following <= target.at:
            problems.append(
                Problem(
                    kind="target-missed",
                    object=str(target),
                    said=f"The transaction that follows is of {following}, which is not after {target}.",
                    todo="Look at the recovery's log: it stopped too early.",
                )
            )
    if target.lsn is not None and restored.end_lsn is not None and restored.end_lsn > target.lsn:
        problems.append(_beyond(f"Recovery went on to {recovery_target.written(restored.end_lsn)}"))
    after = f"the next transaction is of {following:%H:%M:%S.%f}" if following else "no transaction follows"
    last = (
        f"the last one is of {restored.last_commit:%H:%M:%S.%f}"
        if restored.last_commit
        else "none was replayed"
    )
    return drilling.note("target", tuple(problems), f"Recovered to {target}: {last}, and {after}.")


@drill.reading("rewound")
def list_rewound(drilling: Drilling) -> Evidence:
    """List what of the audit log a restore to this point takes back; its copy outside has all of it."""
    restored = drilling.restored
    if restored is None:
        return Evidence(ok=True, idle=True, summary=IDLE)
    store = audit_store.Store.of(drilling.plan.out, drilling.plan.environment.name)
    with database.connect(restored.dsn, application=drilling.run) as connection, database.translating():
        ((last,),) = connection.execute(queries.load("drill/last_audit_row")).fetchall()
    lines = store.lines()
    rewound = audit_store.after(lines, last or 0)
    rows = tuple(
        {"row": each["id"], "at": each["at"], "event": each["event"], "run": each["run"]} for each in rewound
    )
    if not lines:
        return Evidence(ok=True, summary="There is no copy of an audit log, so nothing of one is rewound.")
    said = f"{len(rewound)} of the {len(lines)} rows of the audit log are newer than the recovered database"
    return Evidence(ok=True, summary=f"{said}, and their copy is kept." if rewound else f"{said}.", rows=rows)


def _apart(beat: datetime | None, commit: datetime | None, every: timedelta) -> list[Problem]:
    """Cross-check the last heartbeat with the last commit."""
    if beat is None or commit is None or abs(commit - beat) <= every + _JITTER:
        return []
    said = f"The last heartbeat and the last commit that came back are {told(abs(commit - beat))} apart, and "
    return [
        Problem(
            kind="heartbeat-apart",
            object="runbooks.heartbeat",
            said=f"{said}a heart beats every {told(every)}: one of both does not tell how much was lost.",
            todo="Look whether the heartbeat ran at that time, and whether the clocks agree.",
            blocks=False,
        )
    ]


def _failure(drilling: Drilling) -> datetime | None:
    """Return the moment up to which nothing may be lost: the target's own, and only of `latest` that of the drill."""
    target, restored = drilling.plan.target, drilling.restored
    if target.kind is TargetKind.LATEST:
        return drilling.started
    if target.at is not None:
        return target.at
    stopped = restored.stopped if restored else None
    return stopped or (drilling.point.at if drilling.point else None)


def _end_missing(drilling: Drilling) -> list[Problem]:
    """Find that recovery ended before the archive does: Postgres takes damage for the end, and says nothing."""
    restored, held, backup = drilling.restored, drilling.holdings, drilling.backup
    if restored is None or held is None or backup is None or restored.target.kind != "latest":
        return []
    if (
        held.end_lsn is None
        or restored.end_lsn is None
        or restored.end_lsn >= held.end_lsn - backup.segment_size
    ):
        return []
    end, archive = recovery_target.written(restored.end_lsn), recovery_target.written(held.end_lsn)
    return [
        Problem(
            kind="wal-not-replayed",
            object=end,
            said=f"Recovery ended at {end}, and the archive goes on to {archive}: what is between is lost.",
            todo="Look for a missing or damaged segment there: backup-verification names it.",
        )
    ]


def _beyond(said: str) -> Problem:
    return Problem(
        kind="target-passed",
        object="target",
        said=f"{said}, which is after the target.",
        todo="Do not use what was restored: it is not of that time.",
    )
