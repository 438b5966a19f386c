"""The janitor's part of an escalation: at each pass, tell the levels whose time has come, each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.utilities.urls import url_for

from ops import errors, notices, secrets
from ops.audit import Event
from ops.escalation import Matter
from ops.evidence import Evidence
from ops.janitor import Tidying
from ops.notice_settings import Level
from tasks import matters, notifying, suspension, untold
from tasks.notice_board import Board

ESCALATED = "escalated-"


def escalate(tidying: Tidying) -> Evidence:
    """Tell each level whose time has come what nobody has looked after, and say what each has been told."""
    if not tidying.plan.environment.escalation:
        return Evidence(ok=True, summary="Nothing goes up a level here.", idle=True)
    with get_client(sync_client=True) as client:
        return escalate_at(client, tidying, now=suspension.clock() or datetime.now(UTC))


def escalate_at(client: SyncPrefectClient, tidying: Tidying, *, now: datetime) -> Evidence:
    """Do that as of a time."""
    levels = tidying.plan.environment.escalation
    rows: list[dict[str, str]] = []
    untold_: list[str] = []
    unwritten_: list[str] = []
    told = open_ = 0
    for run, matter in matters.found(client, untold.of_environment(client, tidying, now)):
        board = Board(client, run.id)
        unwritten = [_record_acknowledgement(tidying, board, matter)]
        for level in matter.due(levels, now):
            tried = _tell(tidying, board, matter, level, now)
            told += sum(row["result"] == "told" for row in tried)
            unwritten.append(_record_level(tidying, board, matter, level))
            untold_ += [f"{row['channel']}: {row['result']}" for row in tried if row["result"] != "told"]
        unwritten_ += filter(None, unwritten)
        matter.told.update(_told(board, matter))
        rows += matter.rows(levels)
        open_ += not matter.acknowledged
    said = f"{open_} matters are looked after by nobody, {told} messages were told." if rows else ""
    left = f" {len(untold_)} were not taken: {untold_[0]}." if untold_ else ""
    left += f" Not written to the audit log yet: {unwritten_[0]}" if unwritten_ else ""
    return Evidence(
        ok=not untold_ and not unwritten_,
        summary=f"{said or 'Nothing is to be looked after.'}{left}",
        rows=tuple(rows),
    )


def _tell(
    tidying: Tidying, board: Board, matter: Matter, level: Level, now: datetime
) -> list[dict[str, str]]:
    where, key = tidying.plan.environment, f"{ESCALATED}{matter.key}-{level.name}"
    notice = notices.notice(
        where,
        f"{ESCALATED}to-{level.name}",
        at=now,
        project=tidying.plan.project.name,
        run=matter.name,
        said=matter.asked(level, now),
        link=url_for("flow-run", obj_id=UUID(matter.run)) or "",
        among=notices.channels(level),
    )
    board.put(key, notice)
    kept = board.notices().get(key, notice)
    return notifying.deliver(board, key, kept, where, now=now)


def _told(board: Board, matter: Matter) -> dict[str, datetime]:
    prefix = f"{ESCALATED}{matter.key}-"
    kept = board.notices().items()
    return {key.removeprefix(prefix): each.at for key, each in kept if key.startswith(prefix)}


def _record_acknowledgement(tidying: Tidying, board: Board, matter: Matter) -> str:
    """Write down who looks after it, as soon as a janitor sees that."""
    key, note = f"{matters.ACKNOWLEDGED}{matter.key}", f"{matter.name} {matter.occasion}"
    by = secrets.redact(matter.acknowledged)
    event = Event("acknowledged", *_of(tidying, matter), actor=by, proof="unverified", note=note)
    return _record(tidying, board, key, replace(event, details={"of": matter.key})) if by else ""


def _record_level(tidying: Tidying, board: Board, matter: Matter, level: Level) -> str:
    note = f"{matter.name} {matter.occasion}, level {level.name}"
    details = {"of": matter.key, "level": level.name, "people": list(level.people)}
    event = Event("escalated", *_of(tidying, matter), note=note, details=details)
    return _record(tidying, board, f"{ESCALATED}{matter.key}-{level.name}", event)


def _of(tidying: Tidying, matter: Matter) -> tuple[str, str]:
    return tidying.plan.environment.name, matter.run


def _record(tidying: Tidying, board: Board, key: str, event: Event) -> str:
    """Write an event to the audit log, where there is one, once; returns why that could not be done this time."""
    claimed = f"recorded-{key}"
    if not board.claim(claimed, None):
        return ""
    try:
        with tidying.log() as log:
            if log:
                log.append(event)
    except errors.OpsError as error:
        # The database may be what is down; people are told all the same, and the next janitor writes it.
        board.release(claimed)
        return str(error)
    return ""
