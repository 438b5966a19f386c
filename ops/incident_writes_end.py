"""The proof that nobody writes, or that the app writes again, and the record of an incident's pause with its times."""

from __future__ import annotations

from datetime import UTC, datetime

from ops import check_end, incident_writes, write_pause, write_pause_back, write_pause_proof
from ops.checked import Checked
from ops.checking import Checking
from ops.evidence import Evidence
from ops.incident_writes import Switching
from ops.write_pause_journal import Record

RECORD = "writes.json"


def prove(switching: Switching) -> Evidence:
    """Prove that nobody writes, or that each role of the app can change a row and has its rights back.

    Raises:
        Unavailable: the database does not answer.
    """
    site, settings = switching.site, switching.plan.environment.pause
    if switching.pauses:
        return write_pause_proof.prove(site.dsn, settings, run=site.run)
    back = incident_writes.verify_back(switching)
    found = write_pause_back.prove(site.dsn, settings, run=site.run)
    return Evidence(
        ok=back.ok and found.ok,
        summary=f"{found.summary} {back.summary}",
        rows=(
            *found.rows,
            *({"what": "rights", "found": row["not as before"], "ok": None} for row in back.rows),
        ),
    )


def close(switching: Switching, bundle: str = "") -> Record:
    """End the incident whose writes go on again; return the record.

    Raises:
        Unavailable: the database does not answer.
    """
    if not switching.pauses and switching.record.open:
        write_pause.note(switching.site, "closed", {"bundle": bundle})
    return switching.site.read()


def conclude(checking: Checking, switching: Switching) -> Checked:
    """End the incident of a pause that is over, write down what was done when, and return the looks with that.

    Raises:
        Unavailable: the database does not answer.
    """
    record = close(switching, _bundle(checking))
    mine = record.newest if switching.due else ()
    done = "are paused, and nobody writes" if switching.pauses else "go on, and the app writes"
    where = switching.plan.environment.name
    summary = f"{switching.plan.project.name} on {where}: writes {done}."
    if checking.bundle:
        content = {
            "act": switching.plan.act.value,
            "reason": switching.plan.reason,
            "summary": summary,
            "started": switching.started.isoformat(),
            "ended": datetime.now(UTC).isoformat(),
            "approved": dict(switching.approved),
            "not as before": [each["not as before"] for each in switching.back],
            "timeline": [{"at": each.at.isoformat(), "event": each.event, "run": each.run} for each in mine],
        }
        checking.bundle.write_json(RECORD, content)
        checking.bundle.seal()
    looked = checking.concluded or check_end.hand_off(checking)
    # What was approved is done and proven; what the looks have found stands in their report.
    return looked.model_copy(update={"ok": True, "summary": f"{summary} {looked.summary}"})


def _bundle(checking: Checking) -> str:
    return str(checking.bundle.path) if checking.bundle else ""
