"""The act of a drill: the restore, and the first questions that the restored database answers."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from psycopg import sql

from ops import database, drill, drill_plot, errors, read_only, reference_check
from ops.app_tables import Tables
from ops.backups import Backup, Halfway, NoRoom, Problem, TooSlow
from ops.drill import Drilling
from ops.evidence import Evidence

_UNANSWERED = "No smoke query has passed, so there is no RTO: what was restored is of no use to anybody."
_SMOKE_TIMEOUT = timedelta(minutes=5)
_TODO = "Do not rely on this backup: make a new one, and look at why this one cannot be restored."
_KINDS: dict[type[errors.OpsError], tuple[str, str]] = {
    NoRoom: ("disk-full", "Make room, or name another folder as `scratch` of backups.drill."),
    TooSlow: (
        "restore-timeout",
        "Look at which part took long, or what it waits for; `timeout` of backups.drill.",
    ),
}


def restore(drilling: Drilling) -> Evidence:
    """Restore the backup to a scratch cluster and recover it to the target.

    Raises:
        Unavailable: the restored cluster is lost.
    """
    plan, backup = drilling.plan, drilling.backup
    if backup is None:
        raise ValueError("a backup is chosen before it is restored")
    # A retry begins anew, with nothing of the try before.
    drilling.close()
    drill_plot.prepare()
    drilling.acted_at = time.monotonic()
    restored = plan.source.restored(
        backup,
        plan.target,
        within=plan.settings.drill.timeout,
        progress=drilling.progress,
        halfway=_halfway(drilling),
    )
    try:
        drilling.restored = drilling.ends.enter_context(restored)
    except (errors.CheckFailed, NoRoom) as error:
        drilling.found["restore"] = (_not_restored(backup, error),)
        return Evidence(ok=False, summary=f"{backup.id} was not restored: {error}")
    drilling.timings = drilling.restored.timings
    drilling.said += drilling.restored.said
    took = drilling.timings
    row = {
        "fetch": f"{took.fetch.total_seconds():.2f} s",
        "restore": f"{took.restore.total_seconds():.2f} s",
        "replay": f"{took.replay.total_seconds():.2f} s",
        "recovered to": str(drilling.restored.target),
        "last commit": str(drilling.restored.last_commit or "not known"),
    }
    said = " ".join((f"{backup.id} was restored to {drilling.restored.target}.", *drilling.restored.said))
    return Evidence(ok=True, summary=said, rows=(row,))


def _not_restored(backup: Backup, error: errors.OpsError) -> Problem:
    kind, todo = _KINDS.get(type(error), ("not-restored", _TODO))
    return Problem(kind=kind, object=backup.id, said=str(error), todo=todo)


def ask_smoke(drilling: Drilling) -> Evidence:
    """Ask the smoke queries of the project; the first answer ends the time that a restore takes."""
    if drilling.restored is None:
        return Evidence(ok=True, idle=True, summary="Nothing was restored, so nothing is asked.")
    problems: list[Problem] = []
    asked = 0
    with database.connect(drilling.restored.dsn, application=drilling.run) as connection:
        for name, query in _smoke(drilling, connection):
            said = _asked(connection, query)
            asked += 1
            if said:
                problems.append(
                    Problem(
                        kind="smoke",
                        object=name,
                        said=f"The smoke query {name} {said}.",
                        todo="Look at the restored rows.",
                    )
                )
            elif not drilling.answered:
                _answered(drilling)
    problems += _missed(drilling)
    if not drilling.answered:
        return drilling.note("smoke", tuple(problems), "").model_copy(update={"summary": _UNANSWERED})
    return drilling.note("smoke", tuple(problems), f"{asked} smoke queries passed; {time_of(drilling)}.")


def time_of(drilling: Drilling) -> str:
    """Say how long the restore took, and whether that is an RTO."""
    took = drilling.took
    if took is None:
        return "no RTO"
    said = f"{took.total_seconds():.2f} s"
    return f"RTO {said}" if drilling.is_flushed else f"no RTO: {said} with fsync off is none"


def _answered(drilling: Drilling) -> None:
    """The first answer ends the time that a restore takes: what no other part of it is, is that it opened."""
    if drilling.timings is None:
        return
    whole = timedelta(seconds=time.monotonic() - drilling.acted_at) - drilling.looked
    opened = max(whole - drilling.timings.whole, timedelta(0))
    drilling.timings = drilling.timings.model_copy(update={"open": opened})
    drilling.answered = True


def _missed(drilling: Drilling) -> list[Problem]:
    took, objective = drilling.took, drilling.plan.settings.rto
    if took is None or took <= objective:
        return []
    how = "" if drilling.is_flushed else " even with fsync off"
    said = (
        f"The restore took {took.total_seconds():.1f} s{how}, and may take {objective.total_seconds():.0f} s."
    )
    return [Problem(kind="rto-missed", object="rto", said=said, todo="Look at which part took long.")]


def _halfway(drilling: Drilling) -> Halfway | None:
    expected = drilling.reference
    if expected is None:
        return None

    def look(dsn: str) -> None:
        began = time.monotonic()
        try:
            drilling.compared = reference_check.look(dsn, expected)
        except errors.CheckFailed as error:
            drilling.compared = (drill.unreadable("rows", error),)
        except errors.Unavailable as error:
            # What was under way at this place holds a lock for as long as the server recovers.
            drilling.said.append(f"The rows could not be compared on the way: {error}")
        finally:
            drilling.looked += timedelta(seconds=time.monotonic() - began)

    return Halfway(expected.lsn, look)


def _smoke(drilling: Drilling, connection: database.Connection) -> list[tuple[str, str]]:
    """Return the smoke queries by name; where the project has none, its critical tables are looked into."""
    plan = drilling.plan
    files = sorted({path for glob in plan.settings.drill.smoke for path in plan.project.root.glob(glob)})
    if files:
        return [(str(path.relative_to(plan.project.root)), _text(path)) for path in files]
    tables = Tables.read(connection, columns=False)
    named = [tables.named(name) for name in plan.settings.drill.tables] or list(tables.of_app)
    asked = sql.SQL("select count(*) >= 0 from {}")
    return [
        (str(table), asked.format(table.identifier).as_string(connection)) for table in named if table
    ] or [("the database", "select count(*) > 0 from pg_catalog.pg_class")]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.Refused(f"The smoke query {path} cannot be read: {error}. Mend it.") from None


def _asked(connection: database.Connection, text: str) -> str:
    """Return what is wrong with the answer: an error, no row, or a first value that is false."""
    try:
        query = read_only.single(text, what="a smoke query")
        with read_only.looking(connection, timeout=_SMOKE_TIMEOUT):
            answer = read_only.ask(connection, query)
    except (errors.CheckFailed, errors.Refused) as error:
        return f"failed: {error}"
    if not answer.rows:
        return "returned no row"
    return "says false" if answer.rows[0] and answer.rows[0][0] is False else ""
