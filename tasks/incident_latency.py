"""The steps of an incident of latency, beside those of the daily checks."""

from __future__ import annotations

from ops import (
    check_end,
    check_report,
    incident_correction,
    incident_latency,
    incident_locks,
    incident_running,
    incident_statements,
    incident_suspects,
)
from tasks.checking import look
from tasks.step import step

plan_incident = step(
    incident_latency.plan, title="Plan the look at {environment}", evidence="incident-latency-plan"
)
show_waiting = look(incident_locks.show, title="Show who waits for whom", evidence="incident-locks")
check_statements = look(
    incident_statements.check_statements, title="Measure the statements", evidence="incident-statements"
)
check_running = look(
    incident_running.check_running, title="Look at what is running", evidence="incident-running"
)
check_suspects = look(
    incident_suspects.check_suspects, title="List what was changed of late", evidence="incident-suspects"
)
propose = look(incident_correction.propose, title="Propose what would help", evidence="incident-indexes")
# Whatever was found, what is to be done about it comes after.
hand_on = step(
    check_end.hand_off,
    title="Hand on the report",
    evidence="incident-report",
    shown=check_report.shown,
    stops=False,
)
