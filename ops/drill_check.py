"""What a drill looks at before it restores: which backup, how old it is, and whether the target can be reached."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ops import database, errors, heartbeat, queries, recovery_target, reference
from ops.backups import Backup, Holdings, Problem
from ops.drill import Drilling
from ops.evidence import Evidence
from ops.recovery_target import RecoveryTarget, TargetKind

# A segment, or the label of a backup that began in it.
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(?:\.[0-9A-F]{8}\.backup)?$")


def choose_backup(drilling: Drilling) -> Evidence:
    """Look at what there is, and choose the last backup that ended before the target, or the one that was named.

    Raises:
        CheckFailed: there is no such backup.
        Refused: the target lies outside of what can be restored, or the programs are not those of the backup.
    """
    plan = drilling.plan
    held = drilling.holdings = plan.source.holdings()
    if not held.backups:
        # What there is instead of a backup is why there is none.
        blocking = (each.model_copy(update={"blocks": True}) for each in held.problems)
        drilling.found["backup"] = tuple(blocking)
    chosen = _named(held, plan.backup) if plan.backup else _last(held, plan.target)
    plan.source.fit(chosen)
    point = drilling.point = plan.source.point(plan.target, (chosen,) if plan.backup else held.backups)
    backup = drilling.backup = _named(held, point.backup) if point else chosen
    if backup != chosen:
        plan.source.fit(backup)
    _verify_target(held, backup, plan.target)
    age = drilling.started - backup.ended
    problems = list(held.problems)
    if age > plan.settings.most_age:
        problems.append(
            Problem(
                kind="backup-too-old",
                object=backup.id,
                said=f"The last backup is {told(age)} old, and may be {told(plan.settings.most_age)}.",
                todo="Find out why none was made since: the run of base-backup, or the platform's backups.",
            )
        )
    why = "named" if plan.backup else f"the last one that ended before {plan.target}"
    if point and plan.target.kind is TargetKind.NAME:
        why += f", which is at {recovery_target.written(point.lsn)}"
    where = (
        f"{backup.id} of {backup.ended:%Y-%m-%d %H:%M} UTC ({why}), {told(age)} old, {_mib(backup.size)} MiB"
    )
    return drilling.note("backup", tuple(problems), f"{where}.")


def check_production(drilling: Drilling) -> Evidence:
    """Look at how production keeps its WAL, and at its heartbeat; whether it answers is no condition of a restore."""
    dsn, settings = drilling.dsn, drilling.plan.settings
    if dsn is None:
        return Evidence(
            ok=True, idle=True, summary="No database is configured, so production is not looked at."
        )
    try:
        with database.connect(dsn, application=drilling.run) as connection, database.translating():
            ((timeout,),) = connection.execute(queries.load("drill/archive_timeout")).fetchall()
            last, size = connection.execute(queries.load("drill/archived")).fetchone() or (None, 0)
            beat = heartbeat.last(connection)
    except errors.OpsError as error:
        return Evidence(ok=True, idle=True, summary=f"Production does not answer, and need not: {error}")
    drilling.beats_since = beat.first if beat else None
    problems = [
        *_archiving(timedelta(seconds=timeout), settings.rpo, drilling.plan.source.kind),
        *_not_there(drilling, str(last or ""), int(size)),
    ]
    # It may beat less often than it should for a moment, without being dead.
    least = max(5 * settings.drill.heartbeat, timedelta(minutes=2))
    if beat is None or drilling.started - beat.at > least:
        when = f"the last one is of {beat.at:%Y-%m-%d %H:%M:%S} UTC" if beat else "there is none"
        problems.append(
            Problem(
                kind="no-heartbeat",
                object="runbooks.heartbeat",
                said=f"No heartbeat is written to production ({when}), so the loss is measured by commits alone.",
                todo="Switch on the deployment heartbeat, or run `runbooks heartbeat` every minute.",
                blocks=False,
            )
        )
    return drilling.note("production", tuple(problems), "Production archives and beats as it should.")


def find_reference(drilling: Drilling) -> Evidence:
    """Find the newest reference at whose place in the WAL the recovery can stop on its way."""
    plan, backup = drilling.plan, drilling.backup
    if backup is None:
        raise ValueError("a backup is chosen before its reference is looked for")
    for each in reference.kept(plan.out, plan.environment.name):
        if _on_the_way(each, backup, drilling, plan.target):
            drilling.reference = each
            how = "exact" if each.exact else "not exact, since somebody was writing"
            return Evidence(
                ok=True,
                summary=f"The rows of {len(each.tables)} tables are known at "
                f"{recovery_target.written(each.lsn)} ({each.taken:%Y-%m-%d %H:%M:%S} UTC), {how}.",
                rows=reference.as_rows(each.tables),
            )
    unplaced = plan.target.kind is TargetKind.NAME and drilling.point is None
    problem = Problem(
        kind="no-reference",
        object=plan.environment.name,
        said=f"Nobody knows whether {plan.target} is before or after what is known of the rows: not compared."
        if unplaced
        else "Nothing is known of what the tables held when the backup was made, so rows cannot be compared.",
        todo="Drill `latest` or a time too, on the way to which the rows are compared."
        if unplaced
        else "Let base-backup make the backups, or run `runbooks reference` after each.",
        blocks=not unplaced,
    )
    return drilling.note("reference", (problem,), "")


def told(span: timedelta) -> str:
    """Say a time as a person would."""
    seconds = abs(span.total_seconds())
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} days"


def _named(held: Holdings, name: str) -> Backup:
    for each in held.backups:
        if each.id == name:
            return each
    known = ", ".join(each.id for each in held.backups[-5:]) or "none at all"
    raise errors.Refused(f"There is no backup {name!r}, so nothing is restored; there are {known}.")


def _last(held: Holdings, target: RecoveryTarget) -> Backup:
    fitting = [each for each in held.backups if _ends_before(each, target)]
    if not held.backups:
        said = " ".join(each.said for each in held.problems)
        raise errors.CheckFailed(f"There is no backup, so nothing can be restored. {said}".strip())
    if not fitting:
        first = held.backups[0]
        raise errors.Refused(
            f"No backup ended before {target}: the oldest is {first.id}, of {first.ended:%Y-%m-%d %H:%M:%S} UTC. "
            "Choose a later target."
        )
    return fitting[-1]


def _ends_before(backup: Backup, target: RecoveryTarget) -> bool:
    if target.at is not None:
        return backup.ended <= target.at
    if target.lsn is not None:
        return backup.stop_lsn is None or backup.stop_lsn <= target.lsn
    return True


def _verify_target(held: Holdings, backup: Backup, target: RecoveryTarget) -> None:
    if not _ends_before(backup, target):
        raise errors.Refused(
            f"{backup.id} ended at {backup.ended:%Y-%m-%d %H:%M:%S} UTC, and nothing before that can be recovered from "
            f"it: {target} is too early. Choose an older backup or a later target."
        )
    if target.at is not None and target.at > datetime.now(UTC) + timedelta(minutes=1):
        raise errors.Refused(f"{target} has not come yet, so it cannot be recovered to. Say `latest`.")
    if target.lsn is not None and held.end_lsn is not None and target.lsn > held.end_lsn:
        raise errors.Refused(
            f"{target} is after the end of the archive ({recovery_target.written(held.end_lsn)}), so it cannot be "
            "recovered to. Say `latest`."
        )


def _archiving(timeout: timedelta, rpo: timedelta, kind: str) -> list[Problem]:
    if kind not in ("physical", "pgbackrest") or timedelta(0) < timeout <= rpo:
        return []
    now = "off" if not timeout else told(timeout)
    return [
        Problem(
            kind="archive-timeout",
            object="archive_timeout",
            said=f"archive_timeout is {now}, so that more than the {told(rpo)} of the objective can be lost.",
            todo=f"Set it to {round(rpo.total_seconds() / 2)} s or less in production.",
        )
    ]


def _not_there(drilling: Drilling, last: str, size: int) -> list[Problem]:
    """Find that the archive ends before what production has archived: files alone do not tell what is missing last."""
    held, found = drilling.holdings, _SEGMENT.match(last)
    if held is None or held.end_lsn is None or found is None:
        return []
    timeline, number = int(found[1], 16), (int(found[2], 16) << 32) // size + int(found[3], 16)
    archived = ((number + 1) * size, timeline)
    if _reaches(held, *archived):
        return []
    # It may have come since the archive was listed.
    held = drilling.holdings = drilling.plan.source.holdings()
    if _reaches(held, *archived) or any(each.kind in ("wal-gap", "wrong-timeline") for each in held.problems):
        return []
    if held.end_timeline not in (None, timeline):
        said = f"Production archives timeline {timeline}, and the backups lead only onto {held.end_timeline}."
        todo = (
            "Make a new base backup of production as it is now, and look which history files the archive has."
        )
        return [Problem(kind="wrong-timeline", object=last, said=said, todo=todo)]
    end = recovery_target.written(held.end_lsn or 0)
    said = (
        f"Production has archived {last}, and the archive ends at {end}: what is between cannot be restored."
    )
    todo = "Bring it back from the server's pg_wal or another copy, and look at what takes files from the archive."
    return [Problem(kind="wal-missing-at-end", object=last, said=said, todo=todo)]


def _reaches(held: Holdings, end: int, timeline: int) -> bool:
    return (held.end_lsn or 0) >= end and held.end_timeline in (None, timeline)


def _on_the_way(
    each: reference.Reference, backup: Backup, drilling: Drilling, target: RecoveryTarget
) -> bool:
    held, point = drilling.holdings, drilling.point
    if backup.system_identifier and each.system_identifier != backup.system_identifier:
        return False
    if backup.kind == "logical":
        return backup.start_lsn == each.lsn
    if each.lsn < (backup.stop_lsn or 0) or (held and held.end_lsn and each.lsn > held.end_lsn):
        return False
    if target.kind is TargetKind.TIME and target.at is not None:
        return each.taken < target.at
    if target.kind is TargetKind.LATEST:
        return True
    # What lies beyond the target cannot be looked at on the way to it.
    place = point.lsn if point else target.lsn
    return place is not None and each.lsn <= place


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f}"
