"""What is looked at every night: is there a backup, recent and whole, with WAL up to now, a window, and a drill."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ops import (
    backup_window,
    drill_log,
    errors,
    physical_holdings,
    recovery_target,
    server_archiving,
    wal_segments,
)
from ops.backup_verification import Verifying
from ops.backups import Problem, Progress
from ops.evidence import Evidence


def ask_server(verifying: Verifying) -> Evidence:
    """Ask the server whether and how far it archives; before the archive is listed, so that it cannot be behind."""
    where, wanted = verifying.plan.environment, verifying.plan.backups
    if not verifying.has_wal:
        return _idle(
            f"Backups of the kind {verifying.source.kind} do not live by WAL that this server archives."
        )
    if not where.database:
        return _idle(f"{where.name} has no `database`, so up to when its server has archived is not known.")
    try:
        verifying.server = server = server_archiving.read(verifying.connection)
        verifying.archiver = state = server_archiving.archiver(verifying.connection)
    except errors.OpsError as error:
        # Tonight of all nights it must be known whether the backups are good.
        return verifying.found([_unasked(where.name, error)], "")
    found = server_archiving.wrong(server, state, rpo=wanted.rpo)
    return verifying.found(found, f"The server archives its WAL, last {state.last_archived_wal}.")


def find_backups(verifying: Verifying) -> Evidence:
    """Look which backups there are, and what of the holdings is wrong."""
    verifying.holdings = held = verifying.source.holdings()
    found = list(held.problems)
    if not held.backups:
        found.append(_no_backup(verifying))
    newest = verifying.newest
    return verifying.found(
        found, f"There are {len(held.backups)} backups, the last is {newest and newest.id}."
    )


def check_age(verifying: Verifying) -> Evidence:
    """Hold the last backup's beginning against the most that it may be old."""
    newest, most = verifying.newest, verifying.plan.backups.most_age
    if newest is None:
        return _idle("There is no backup that could be too old.")
    age = verifying.now - newest.began
    if age <= most:
        return verifying.found([], f"The last backup, {newest.id}, is {_spoken(age)} old, of at most {most}.")
    said = f"The last backup, {newest.id}, is {_spoken(age)} old, and may be {most}."
    todo = "Look why last night's backup was not made; make one now (runbook base-backup)."
    return verifying.found([Problem(kind="too-old", object="last backup", said=said, todo=todo)], "")


def check_wal(verifying: Verifying) -> Evidence:
    """Hold the end of the archive against what the server says it has archived, and its timeline and identity."""
    newest, state, server = verifying.newest, verifying.archiver, verifying.server
    if newest is None or state is None or server is None:
        return _idle("The end of the archive was held against no server.")
    found = [_other_cluster(verifying), _other_timeline(verifying), _missing_last(verifying)]
    end = recovery_target.written(verifying.holdings.end_lsn or 0)
    now = recovery_target.written(state.lsn)
    return verifying.found(
        [each for each in found if each], f"WAL is there up to {end}, and the server writes at {now}."
    )


def read_backup(verifying: Verifying, progress: Progress) -> Evidence:
    """Read the last backup whole with all the WAL since, and so each older one that the window needs."""
    newest = verifying.newest
    if newest is None:
        return _idle("There is no backup that could be read.")
    found = list(verifying.source.verify(newest, progress))
    older = backup_window.needed(verifying)
    for backup, following in older:
        damage = verifying.source.verify(backup, progress, before=following)
        verifying.damage[backup.id] = damage
        # Tonight's restore does not need them; whether the window does, is judged there.
        found += [each.model_copy(update={"blocks": False}) for each in damage]
    also = f" {len(older)} older ones that the window needs are, too." if older else ""
    said = f"{newest.id} is whole and can be read, and so can the WAL since.{also}"
    return verifying.found(found, said)


def check_window(verifying: Verifying) -> Evidence:
    """Look whether every point in time of the window can be restored."""
    held, window = verifying.holdings, verifying.plan.backups.window
    if not verifying.has_wal and held.earliest is None:
        return _idle(f"Backups of the kind {verifying.source.kind} do not say from when on one can restore.")
    start = verifying.now - window
    earliest = backup_window.earliest(verifying)
    if earliest is not None and earliest <= start:
        unread = "" if verifying.plan.backups.read == "window" else ", as far as names tell"
        return verifying.found([], f"Every point in time since {_at(earliest)} can be restored{unread}.")
    since = f"only since {_at(earliest)}" if earliest else "not at all"
    problem = Problem(
        kind="window-short",
        object="window",
        said=f"A point in time can be restored {since}, and the window of {window} begins at {_at(start)}.",
        todo="Look for missing WAL and removed backups; a new setup fills its window by itself.",
        # Whoever has looked for less than a window cannot have lost it, unless it is there and damaged.
        blocks=earliest is None or earliest != held.earliest or verifying.memory.since <= start,
    )
    return verifying.found([problem], "")


def check_drill(verifying: Verifying) -> Evidence:
    """Look when a restore was last proven to work: a backup that was never restored is a hope."""
    plan, most = verifying.plan, verifying.plan.backups.most_drill_age
    elsewhere, unread = _drilled_elsewhere(verifying)
    passed = [*drill_log.passed(plan.out, plan.environment.name), *elsewhere]
    todo = "Run it now: runbooks run restore-drill/production."
    if passed and verifying.now - max(passed) <= most:
        return verifying.found([], f"A restore drill last passed at {_at(max(passed))}.")
    if passed:
        said = f"The last restore drill that passed is of {_at(max(passed))}, longer ago than {most}.{unread}"
        return verifying.found([Problem(kind="drill-overdue", object="drill", said=said, todo=todo)], "")
    problem = Problem(
        kind="no-drill",
        object="drill",
        said=f"No restore drill has ever passed here, so that a restore works is a hope.{unread}",
        todo=todo,
        blocks=verifying.now - verifying.memory.since > most,
    )
    return verifying.found([problem], "")


def _drilled_elsewhere(verifying: Verifying) -> tuple[list[datetime], str]:
    """Ask the operated database for drills that other machines have logged; say where it could not be asked."""
    where = verifying.plan.environment
    if not where.database:
        return [], ""
    try:
        return drill_log.recorded(verifying.connection, where.name), ""
    except errors.OpsError as error:
        return [], f" What other machines have logged in runbooks.drills is not known: {error}"


def _no_backup(verifying: Verifying) -> Problem:
    return Problem(
        kind="no-backup",
        object="backups",
        said=f"There is no backup of {verifying.plan.environment.name} that could be restored.",
        todo="Make one now (runbook base-backup), and look why there is none.",
    )


def _unasked(name: str, error: errors.OpsError) -> Problem:
    return Problem(
        kind="server-unasked",
        object="server",
        said=f"The server of {name} could not be asked how far it has archived: {error}",
        todo="Look whether it is up and whether this login may connect.",
    )


def _other_cluster(verifying: Verifying) -> Problem | None:
    newest, server = verifying.newest, verifying.server
    if not newest or not server or newest.system_identifier in (None, server.system_identifier):
        return None
    return Problem(
        kind="other-cluster",
        object=newest.id,
        said=f"{newest.id} is a backup of the cluster {newest.system_identifier}, and the server is "
        f"{server.system_identifier}: it is no backup of this server.",
        todo="Name the right folder and the right database in runbooks.toml; make a base backup now.",
    )


def _other_timeline(verifying: Verifying) -> Problem | None:
    newest, state, physical = verifying.newest, verifying.archiver, verifying.plan.backups.physical
    if newest is None or state is None or physical is None:
        return None
    there = physical_holdings.archive(physical).histories
    leads_to = wal_segments.newest(there, newest.timeline or 1)
    if leads_to == state.timeline:
        return None
    return Problem(
        kind="wrong-timeline",
        object="server",
        said=f"The server is on timeline {state.timeline}, and the archive leads to timeline {leads_to}.",
        todo="Look which of two servers archives there and whether its history file is archived; make a base backup.",
    )


def _missing_last(verifying: Verifying) -> Problem | None:
    state, server, end = verifying.archiver, verifying.server, verifying.holdings.end_lsn
    reaches = state.reaches(size=server.segment_size) if state and server else None
    if server is None or reaches is None or end is None or end >= reaches.lsn:
        return None
    if any(each.kind == "wal-gap" for each in verifying.problems):
        return None
    number = end // server.segment_size
    first = wal_segments.name_of(reaches.timeline, number, size=server.segment_size)
    last = wal_segments.name_of(
        reaches.timeline, reaches.lsn // server.segment_size - 1, size=server.segment_size
    )
    return Problem(
        kind="wal-gap",
        object=first,
        said=f"The server has archived WAL up to {last}, and the archive ends before {first}.",
        todo="Look where archive_command writes, and who removes files there; make a base backup now.",
    )


def _idle(said: str) -> Evidence:
    return Evidence(ok=True, summary=said, idle=True)


def _at(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _spoken(age: timedelta) -> str:
    return str(timedelta(seconds=round(age.total_seconds())))
