"""Whether the rows of a database are what its app relies on, looked at without being in anybody's way.

Source: deploy-gate.md, `check_data_integrity.py`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ops import database, duplicates, looking, settings
from ops.app_tables import Tables
from ops.evidence import Evidence
from ops.findings import Duplicates, Finding
from ops.looking import Look, Unseen


class Integrity(Evidence):
    """What was looked at and what is wrong; what could not be seen is as little passed as what is wrong."""

    database: str
    role: str
    at: str
    looked_at: dict[str, int]
    duplicates: tuple[Duplicates, ...] = ()
    findings: tuple[Finding, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    def report(self) -> dict[str, Any]:
        """Return what data/integrity_pre.json and data/integrity_post.json hold."""
        return self.model_dump(mode="json", exclude={"rows", "idle"})


def check(
    connection: database.Connection,
    wanted: settings.Integrity,
    *,
    statement_timeout: timedelta = looking.STATEMENT_TIMEOUT,
    lock_timeout: timedelta = looking.LOCK_TIMEOUT,
) -> Integrity:
    """Look at all rows of the app's tables in one moment and say what is wrong; nothing is written.

    Each question may take `statement_timeout`; the connection has no transaction open.

    Raises:
        Refused: a configured table or column does not exist.
        Unavailable: the connection is lost.
    """
    with looking.at(connection, statement_timeout=statement_timeout, lock_timeout=lock_timeout) as look:
        tables = Tables.read(connection, left_out=wanted.leave_out)
        sames = duplicates.chosen(tables, wanted)
        found = [each for same in sames if (each := duplicates.look(look, same))]
        findings = [duplicates.finding(each) for each in found if each.surplus > each.allowed]
        return _concluded(look, findings, found, {"tables": len(tables.of_app), "keys": len(sames)})


def _concluded(
    look: Look, findings: list[Finding], found: list[Duplicates], looked_at: dict[str, int]
) -> Integrity:
    return Integrity(
        ok=not (findings or look.unseen),
        summary="",
        rows=(),
        database=look.connection.info.dbname,
        role=look.role,
        at="",
        looked_at=looked_at,
        duplicates=tuple(found),
        findings=tuple(findings),
        unseen=tuple(look.unseen),
    )
