"""A database that was restored while writes were paused: what it has forgotten is found, and our own records put back.

Without them the approvals of this very run would be forgotten, and new rows of the audit log would get numbers that its
copy has already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ops import audit, database, prod_restore_facts, queries
from ops.audit import Log, Row
from ops.prod_restore import Restoring
from ops.write_pause_journal import Record


def take_up(restoring: Restoring, connection: database.Connection, record: Record) -> Mapping[str, Any]:
    """Look at a restored database before it is paused, put the audit log's rows back, in the caller's transaction."""
    marks = prod_restore_facts.marks(connection)
    log = Log.of(restoring.plan.environment, restoring.plan.project.root, connection)
    log.prepare()
    connection.execute(queries.load("audit/lock"))
    here = {row.id: row for row in log.rows()}
    missing = [row for row in audit.copied(log.store) if row.id not in here]
    for row in missing:
        connection.execute(queries.load("audit/append"), {**asdict(row), "details": json.dumps(row.details)})
    there = [row.at for row in here.values()] + [
        each.at for each in record.events if each not in record.rewound
    ]
    gone = [row.at for row in missing] + [each.at for each in record.rewound]
    return {
        "identity": prod_restore_facts.identity(connection),
        "marks": marks,
        "last there": _told(max(there, default=None)),
        "first missing": _told(min(gone, default=None)),
        "events": [each.number for each in record.rewound],
        "audit": [_said(row) for row in missing],
        "codes": sum("step" in row.details for row in missing),
        "other audit rows": _others(here, log),
    }


def _others(here: Mapping[int, audit.Row], log: Log) -> list[int]:
    """Return the numbers under which the restored database has other rows than the copy."""
    return [row.id for row in audit.copied(log.store) if row.id in here and here[row.id].hash != row.hash]


def _said(row: Row) -> str:
    who = f" by {row.actor}" if row.actor else ""
    return f"{row.id}: {row.event}{who} at {_told(row.at)}{f' ({row.gate})' if row.gate else ''}"


def _told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
