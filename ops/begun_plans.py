"""Whether a plan that is recorded as begun was let through: a row of a record alone lets nothing through."""

from __future__ import annotations

from pathlib import Path

from ops import database, errors
from ops.audit import Log, Row
from ops.project import Environment
from ops.promotion_begun import deciding


def verify(
    connection: database.Connection, root: Path, where: Environment, gate: str, digest: str
) -> list[Row]:
    """Return by whom this plan was approved at this gate, by as many as the environment asks for, from the audit log.

    Raises:
        Refused: it was not.
    """
    rows = deciding(Log.of(where, root, connection), gate, digest)
    broken = any(row.event == "break-glass" for row in rows)
    if not broken and len({row.actor for row in rows}) < where.approvals:
        raise errors.Refused(
            f"Plan {digest[:8] or 'without a digest'} of {where.name!r} is recorded as begun, and the audit log has no "
            f"approval of it at the gate {gate} that holds, so this run does not go on with it. Run `runbooks audit "
            "verify`, and find out who wrote that record."
        )
    return rows
