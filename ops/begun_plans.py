"""Whether a plan that is recorded as begun was let through: a row of a record alone lets nothing through.

A plan that was given up is not gone on with, whatever was approved before.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ops import database, errors, queries, spoken
from ops.audit import Log, Row
from ops.project import Environment
from ops.promotion_begun import deciding


def verify(
    connection: database.Connection, root: Path, where: Environment, gate: str, digest: str, *, todo: str
) -> list[Row]:
    """Return by whom this plan was approved at this gate, by as many as the environment asks for, from the audit log.

    `todo` is what becomes of a plan that nobody has approved.

    Raises:
        Refused: it was not, or it was given up since.
    """
    log = Log.of(where, root, connection)
    found = deciding(log, gate, digest)
    over = given_up(log, gate, digest)
    rows = [row for row in found if not over or row.at > over[0]]
    broken = any(row.event == "break-glass" for row in rows)
    if broken or len({row.actor for row in rows}) >= where.approvals:
        return rows
    if over and found:
        at, note = over
        raise errors.Refused(
            f"Plan {digest[:8]} of {where.name!r} was given up at {spoken.moment(at)} ({note}), so no run goes on with "
            "it. Start a new run: it looks at everything anew, and asks."
        )
    raise errors.Refused(
        f"Plan {digest[:8] or 'without a digest'} of {where.name!r} is recorded as begun, and the audit log has no "
        f"approval of it at the gate {gate} that holds, so this run does not go on with it. Run `runbooks audit "
        f"verify`, find out who wrote that record, and {todo}."
    )


def given_up(log: Log, gate: str, digest: str) -> tuple[datetime, str] | None:
    """Return when a plan was given up, and what was noted; None where it was not.

    A restore makes the database forget it, and the copy of its log does not.
    """
    found: list[tuple[datetime, str]] = []
    if log.exists():
        with database.translating():
            asked = {"gate": gate, "plan_digest": digest}
            rows = log.connection.execute(queries.load("audit/given_up"), asked).fetchall()
        found += [(at, note) for _, at, note in rows]
    for line in log.store.lines():
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            row = Row.read(json.loads(line))
            if (row.event, row.gate, row.plan_digest) == (
                "ended",
                gate,
                digest,
            ) and "given_up" in row.details:
                found.append((row.at, row.note))
    return max(found, default=None)
