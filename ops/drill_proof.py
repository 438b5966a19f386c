"""What a drill proves of a restored database: its rows, its files, and that it stands at the target."""

from __future__ import annotations

from datetime import UTC

from ops import (
    amcheck,
    database,
    drill,
    heartbeat,
    integrity,
    queries,
    recovery_target,
    reference_check,
)
from ops.backups import Ended, Problem
from ops.drill import Drilling
from ops.drill_shape import IDLE
from ops.evidence import Evidence
from ops.recovery_target import RecoveryTarget, TargetKind

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
        if following is not None and following.at <= target.at:
            problems.append(_short(target, f"The transaction that follows is of {following.at}, which"))
    if target.lsn is not None and restored.end_lsn is not None and restored.end_lsn > target.lsn:
        problems.append(_beyond(f"Recovery went on to {recovery_target.written(restored.end_lsn)}"))
    problems += _place_missed(drilling, following)
    after = (
        f"the next transaction is of {following.at:%H:%M:%S.%f}" if following else "no transaction follows"
    )
    last = (
        f"the last one is of {restored.last_commit:%H:%M:%S.%f}"
        if restored.last_commit
        else "none was replayed"
    )
    return drilling.note("target", tuple(problems), f"Recovered to {target}: {last}, and {after}.")


def _place_missed(drilling: Drilling, following: Ended | None) -> list[Problem]:
    """Find that recovery stopped before a place in the WAL: a transaction that ended before it was not recovered."""
    restored, point, backup = drilling.restored, drilling.point, drilling.backup
    if restored is None or restored.end_lsn is None or backup is None:
        return []
    target, end = restored.target, restored.end_lsn
    is_named = target.kind is TargetKind.NAME
    place = point.lsn if is_named and point else target.lsn
    if place is None:
        return []
    if following is not None and following.lsn < place:
        ended = f"{following.at:%H:%M:%S.%f} UTC at {recovery_target.written(following.lsn)}"
        return [_short(target, f"The transaction that ended at {ended} was not recovered, and it")]
    # What is left of a segment after a switch is empty, and what is further away is not.
    if (is_named and end <= place) or place - end > backup.segment_size:
        said = f"Recovery ended at {recovery_target.written(end)}, and the target lies at"
        return [_short(target, f"{said} {recovery_target.written(place)}: where it ended")]
    return []


def _short(target: RecoveryTarget, said: str) -> Problem:
    return Problem(
        kind="target-missed",
        object=str(target),
        said=f"{said} is before the target, {target}.",
        todo="Look at the recovery's log: it stopped too early.",
    )


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
