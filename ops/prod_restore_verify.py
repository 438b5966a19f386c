"""Whether a restored database is what was asked for; it is looked at read-only, while nobody may write.

Source: supabase-operations.md, "Restore workflow (prod incident)", step 3.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ops import database, errors, prod_restore_facts, read_only, statements
from ops.evidence import Evidence
from ops.prod_restore import STILL_PAUSED, Restoring, Way

# Whoever restores by hand may have meant a whole second.
_OFF = timedelta(seconds=2)
_TIMEOUT = timedelta(minutes=2)
Row = dict[str, Any]


def verify(restoring: Restoring) -> Evidence:
    """Look whether it was restored, to where, on which server, and what is in it; reads only.

    What does not hold is said at the gate, where a person decides; that it was not restored at all ends the run.

    Raises:
        CheckFailed: the database is the one that was paused, and was not restored.
        Unavailable: the database does not answer.
    """
    restoring.reread()
    rewound, paused = restoring.event("rewound"), restoring.event("paused")
    if restoring.over:
        return Evidence(ok=True, summary="It was verified before writes were re-enabled.", idle=True)
    if rewound is None:
        at = f"{paused.at:%Y-%m-%d %H:%M:%S} UTC" if paused else "before"
        raise errors.CheckFailed(
            f"The database of {restoring.plan.environment.name} still has the record of its pause ({at}), so it was "
            f"not restored to before it, and there is nothing to verify. {STILL_PAUSED}"
        )
    with restoring.site.connected() as connection:
        rows = [*_server(restoring), *_target(restoring)]
        rows += [*_tables(restoring, connection), *_smoke(restoring, connection)]
    restoring.verified = tuple(rows)
    wrong = [str(row["what"]) for row in rows if row["ok"] is False]
    held = sum(row["ok"] is True for row in rows)
    return Evidence(
        ok=not wrong,
        summary=f"Restored, and not as it should be: {', '.join(wrong)}."
        if wrong
        else f"Restored, and {held} looks hold.",
        rows=restoring.verified,
    )


def _row(what: str, found: str, *, ok: bool | None) -> Row:
    return {"what": what, "found": found, "ok": ok}


def _server(restoring: Restoring) -> Iterator[Row]:
    """Compare the server that answers now with the one that was paused."""
    before, now = restoring.paused_on, restoring.said("rewound").get("identity", {})
    same = before.get("system_identifier") == now.get("system_identifier")
    own = restoring.plan.choices.way is Way.BACKUP
    said = f"system {now.get('system_identifier')}, timeline {now.get('timeline')}, up since {now.get('started')}"
    # Support may restore into another cluster; a backup of our own is always of the same one.
    yield _row(
        "server",
        said if same else f"{said}; it was {before.get('system_identifier')}",
        ok=same if own else None,
    )
    if own:
        newer = int(now.get("timeline") or 0) > int(before.get("timeline") or 0)
        yield _row("timeline", f"{before.get('timeline')} before, {now.get('timeline')} now", ok=newer)
    if now.get("in_recovery"):
        yield _row("recovery", "it still replays WAL, so it is not the one to write to", ok=False)


def _target(restoring: Restoring) -> Iterator[Row]:
    """Compare what is there and what is missing with the target: between the two it was restored."""
    said, at = restoring.said("rewound"), restoring.plan.target.at
    last, missing = _time(said.get("last there")), _time(said.get("first missing"))
    if at is None:
        yield _row("target", f"{restoring.plan.target}: only a moment can be compared", ok=None)
        return
    if last:
        yield _row(
            "not restored too late", f"last of our rows there: {last.isoformat()}", ok=last <= at + _OFF
        )
    if missing:
        yield _row(
            "not restored too early",
            f"first of our rows gone: {missing.isoformat()}",
            ok=missing >= at - _OFF,
        )
    beat = _time(said.get("marks", {}).get("heartbeat"))
    if beat:
        backups = restoring.plan.environment.backups
        every = backups.drill.heartbeat if backups else timedelta(minutes=1)
        near = at - 3 * every <= beat
        yield _row("heartbeat", f"last one {beat.isoformat()}, target {at.isoformat()}", ok=near)


def _tables(restoring: Restoring, connection: database.Connection) -> Iterator[Row]:
    kept: dict[str, Row] = restoring.said("baseline").get("tables", {})
    found = prod_restore_facts.of(connection, [*kept])
    if not kept:
        yield _row("tables", "were not counted before the restore, so there is nothing to compare", ok=None)
    for name, before in kept.items():
        now = found.get(name)
        if now is None:
            yield _row(name, "is not there: made after the target?", ok=None)
            continue
        said = f"{now['rows']} rows, {before['rows']} at the pause"
        empty = now["rows"] == 0 and before["rows"] not in (0, None)
        guarded = (now["rls"], now["policies"]) == (before["rls"], before["policies"])
        if not guarded:
            said += (
                f"; RLS {now['rls']}, {now['policies']} policies; then {before['rls']}, {before['policies']}"
            )
        yield _row(name, f"{said}{'; it is empty' if empty else ''}", ok=guarded and not empty)
    yield from _critical(restoring, found)


def _critical(restoring: Restoring, found: dict[str, Row]) -> Iterator[Row]:
    """Name the critical tables of the configuration that are not there at all."""
    backups = restoring.plan.environment.backups
    for name in backups.drill.tables if backups else ():
        if not any(name in (each, each.partition(".")[2]) for each in found):
            yield _row(name, "is a critical table and not there", ok=False)


def _smoke(restoring: Restoring, connection: database.Connection) -> Iterator[Row]:
    root, backups = restoring.plan.project.root, restoring.plan.environment.backups
    for path in _files(root, backups.drill.smoke if backups else ()):
        name = path.relative_to(root).as_posix()
        try:
            said = wrong(connection, path.read_text("utf-8"), name)
        except (errors.CheckFailed, errors.Refused, UnicodeDecodeError) as error:
            yield _row(name, f"failed: {error}", ok=False)
            continue
        yield _row(name, said or "every query returns rows, and none says false", ok=not said)


def wrong(connection: database.Connection, text: str, name: str) -> str:
    """Return what is wrong with the first query of a file that returns no row, or whose first value is false."""
    with read_only.looking(connection, timeout=_TIMEOUT):
        for number, statement in enumerate(statements.parse(text).statements, 1):
            query = read_only.single(statement.text, what=f"query {number} of {name}")
            rows = read_only.ask(connection, query).rows
            if not rows:
                return f"query {number} returns no row"
            if rows[0] and rows[0][0] is False:
                return f"query {number} says false"
    return ""


def _files(root: Path, globs: tuple[str, ...]) -> list[Path]:
    found = {path for glob in globs for path in root.glob(glob) if path.is_file()}
    return sorted(path for path in found if fnmatch.fnmatch(path.name, "*.sql"))


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
